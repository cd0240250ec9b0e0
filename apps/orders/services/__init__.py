"""The only writers of orders, one function per verb.

asking.py     quote, terms, payment, confirmation
changes.py    another amount or another plug: what the driver does; change_answers.py what becomes of it
charging.py   start, progress, stop, bill
help.py       whom to ask, the operator's live page
leaving.py    cancel, refusal, undeliverable messages
listening.py  the operator's live stream: who listens, what is taken from it
claims.py     what the operator says of a refund
refunds.py    what is owed, what was charged, what goes back
untold.py     an idle fee of which our word came too late
reserved.py   a reserved time: one per driver, later, another, another bay, the reminder
deadlines.py  what happens when nothing happens
"""

from apps.orders.services.asking import (
    accept_terms_and_pay,
    ask_for_new_price,
    lock_order_of,
    payment_authorised,
    payment_captured,
    payment_failed,
    payment_voided,
    record_confirmation,
    record_quote,
    record_terms,
    request_quote,
    request_terms,
)
from apps.orders.services.change_answers import (
    change_asked_by,
    change_refused,
    move_overdue_changes,
    payment_not_raised,
    payment_raised,
    record_accepted,
    record_offer,
)
from apps.orders.services.changes import (
    accept_change,
    ask_for_change,
    decline_change,
    mark_seen,
    move_to_other_plug,
)
from apps.orders.services.charging import record_told, request_start, request_stop, stop_other_car
from apps.orders.services.claims import (
    ask_otherwise,
    record_documents,
    record_refunds,
    refund_changed,
    request_refund,
)
from apps.orders.services.deadlines import ask_again, move_overdue
from apps.orders.services.help import record_support, record_tracking, request_support
from apps.orders.services.leaving import (
    record_cancellation,
    record_error,
    request_cancel,
    undeliverable,
)
from apps.orders.services.listening import (
    claim_streams,
    listen_again,
    record_streamed,
    renew_leases,
    renew_tracking,
)
from apps.orders.services.refunds import check_money
from apps.orders.services.reserved import change_time, claim_reminder, come_late, remind_again

__all__ = [
    "accept_change",
    "accept_terms_and_pay",
    "ask_again",
    "ask_for_change",
    "ask_for_new_price",
    "ask_otherwise",
    "change_asked_by",
    "change_refused",
    "change_time",
    "check_money",
    "claim_reminder",
    "claim_streams",
    "come_late",
    "decline_change",
    "listen_again",
    "lock_order_of",
    "mark_seen",
    "move_overdue",
    "move_overdue_changes",
    "move_to_other_plug",
    "payment_authorised",
    "payment_captured",
    "payment_failed",
    "payment_not_raised",
    "payment_raised",
    "payment_voided",
    "record_accepted",
    "record_cancellation",
    "record_confirmation",
    "record_documents",
    "record_error",
    "record_offer",
    "record_quote",
    "record_refunds",
    "record_streamed",
    "record_support",
    "record_terms",
    "record_told",
    "record_tracking",
    "refund_changed",
    "remind_again",
    "renew_leases",
    "renew_tracking",
    "request_cancel",
    "request_quote",
    "request_refund",
    "request_start",
    "request_stop",
    "request_support",
    "request_terms",
    "stop_other_car",
    "undeliverable",
]
