"""Every hand-over that runs against the import arrows (docs/architecture.md). Read it like urls.py."""

# A message of the network → who takes it. The first table is our driver side, the second our operator side.
BECKN_BAP: dict[str, str] = {
    "on_search": "apps.discovery.handlers.on_search",
    "on_select": "apps.orders.handlers.on_select",
    "on_init": "apps.orders.handlers.on_init",
    "on_confirm": "apps.orders.handlers.on_confirm",
    "on_status": "apps.orders.handlers.on_status",
    "on_update": "apps.orders.handlers.on_update",
    "on_cancel": "apps.orders.handlers.on_cancel",
    "on_refund": "apps.orders.handlers.on_refund",
    "on_track": "apps.orders.handlers.on_track",
    "on_support": "apps.support.handlers.on_support",
    "on_rating": "apps.ratings.handlers.on_rating",
    "on_issue": "apps.support.handlers.on_issue",
    "on_issue_status": "apps.support.handlers.on_issue_status",
}
BECKN_BPP: dict[str, str] = {
    "search": "apps.catalog.handlers.search",
    "select": "apps.bookings.handlers.select",
    "init": "apps.bookings.handlers.init",
    "confirm": "apps.bookings.handlers.confirm",
    "status": "apps.bookings.handlers.status",
    "track": "apps.bookings.handlers.track",
    "update": "apps.bookings.handlers.update",
    "cancel": "apps.bookings.handlers.cancel",
    "refund": "apps.bookings.handlers.refund",
    "get_cancellation_reasons": "apps.bookings.handlers.get_cancellation_reasons",
    "get_rating_categories": "apps.catalog.handlers.get_rating_categories",
    "rating": "apps.ratings.handlers.rating",
    "support": "apps.bookings.handlers.support",
    "issue": "apps.support.handlers.issue",
    "issue_status": "apps.support.handlers.issue_status",
}

# What a charge point said (apps/ocpp/events.py) → who takes it.
OCPP: dict[str, str] = {
    "connected": "apps.charging.handlers.connected",
    "heard": "apps.charging.handlers.heard",
    "disconnected": "apps.charging.handlers.disconnected",
    "connector_status": "apps.charging.handlers.connector_status",
    "token_presented": "apps.charging.handlers.token_presented",
    "transaction_started": "apps.charging.handlers.transaction_started",
    "meter_readings": "apps.charging.handlers.meter_readings",
    "transaction_stopped": "apps.charging.handlers.transaction_stopped",
    "command_answered": "apps.charging.handlers.command_answered",
}

# What one room tells another.
EVENTS: dict[str, str] = {
    "guest.claimed": "apps.orders.guests.hand_over",
    "guest.claimed_tickets": "apps.support.services.hand_over",
    "session.changed": "apps.bookings.progress.session_changed",
    "order.known": "apps.bookings.selectors.known_order",
    "charge_points.of": "apps.charging.selectors.charge_points_for",
    "charge_points.may_command": "apps.charging.selectors.may_command",
    "walk_in.starting": "apps.bookings.progress.refuse_if_held",
    "start_code.entered": "apps.bookings.progress.code_entered",
    "late_start.beginning": "apps.bookings.progress.refuse_unless_wanted",
    "payment.authorised": "apps.orders.services.payment_authorised",
    "payment.failed": "apps.orders.services.payment_failed",
    "payment.captured": "apps.orders.services.payment_captured",
    "payment.voided": "apps.orders.services.payment_voided",
    "reconcile.orders": "apps.orders.services.reconcile.look",
    "reconcile.bookings": "apps.bookings.reconcile.look",
    "refund.suggestion": "apps.orders.suggestion.for_payment",
    "refund.changed": "apps.orders.services.refund_changed",
    "message.undeliverable": "apps.orders.services.undeliverable",
    "order.moved": "apps.notices.services.order_moved",
    "order.papers_changed": "apps.notices.papers.papers_changed",
    "receipt.wanted": "apps.notices.papers.send_again",
    "station.rated": "apps.ratings.selectors.given_at_station",
    # The desk and the operator wing: who works for whom, a call for help, and the facts of an order of theirs.
    "staff.job": "apps.catalog.selectors.job_of",
    "help.asked": "apps.support.services.take_call",
    "order.owner": "apps.bookings.selectors.order_owner",
    "order.evidence": "apps.bookings.evidence.evidence_of",
    "order.readings": "apps.bookings.evidence.readings_of",
    "order.notices": "apps.notices.selectors.told_of",
}

# A live panel of a page, or a part of one → who draws it: function(user, code) → HTML, or None when this person may not
# see it.
LIVE: dict[str, str] = {
    "order": "apps.orders.selectors.live_panel",
    "order.figures": "apps.orders.selectors.live_figures",
    "search": "apps.discovery.selectors.live_panel",
    "watch": "apps.discovery.watch_panel.live_panel",
    "ticket": "apps.support.selectors.live_panel",
}

# Rounds the worker walks, in this order: function() → number of rows dealt with.
DUTIES: dict[str, str] = {
    "commands": "apps.ocpp.commands.expire_commands",
    "charge points": "apps.ocpp.services.mark_lost_connections",
    "transactions": "apps.ocpp.transactions.tell_overdue",
    "sessions": "apps.charging.services.move_overdue",
    "session watch": "apps.charging.watch.look",
    "bookings": "apps.bookings.services.move_overdue",
    "reserved times": "apps.bookings.timekeeping.keep_times",
    "followers": "apps.bookings.followers.tell_due",
    "concessions": "apps.bookings.concessions.move_overdue",
    "re-rating: compare": "apps.bookings.rerate.compare_due",
    "re-rating: credit": "apps.bookings.rerate.credit_due",
    "re-rating: deadlines": "apps.bookings.rerate.move_overdue",
    "plugs": "apps.charging.availability.doubt_lost",
    "money": "apps.payments.services.settle_due",
    "refunds": "apps.payments.refunds.send_due",
    "refund deadlines": "apps.payments.refunds.move_overdue",
    "order deadlines": "apps.orders.services.move_overdue",
    "order polls": "apps.orders.services.ask_again",
    "order money": "apps.orders.services.check_money",
    "refund claims": "apps.orders.services.ask_otherwise",
    "live streams": "apps.orders.listener.keep_listening",
    "old offers": "apps.discovery.forgetting.forget_old",
    "watched areas": "apps.discovery.watches.ask_again",
    "watch deadlines": "apps.discovery.watches.move_overdue",
    "old watches": "apps.discovery.watches.forget_old",
    "reconciliation": "apps.payments.reconciliation.every_night",
    "ticket deadlines": "apps.support.services.move_overdue",
    "settled issues": "apps.support.services.close_issues",
    # The last ones: a mail server may take its time.
    "reminders": "apps.orders.reminders.remind",
    "watch mails": "apps.discovery.watches.tell",
    "figures to tell": "apps.notices.services.note_figures",
    "old notices": "apps.notices.services.forget_old",
    "overdue notices": "apps.notices.services.move_overdue",
    "notices": "apps.notices.services.send_due",
    "ticket mails": "apps.support.services.send_due",
    "guest links": "apps.orders.guests.send_links",
}
