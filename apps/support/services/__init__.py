"""The only writers of tickets, one function per verb.

opening.py    from an order, from a station, by a call of another app
attaching.py  files of a message
talking.py    the reporter's words, the desk's reply, internal notes, accepting and reopening
desk.py       assign, ask the operator, priority, escalate, merge
peers.py      what we say to the other side of the network, and what it answers
issues.py     the issue quartet, where it is switched on
exporting.py  the evidence as a paper
deadlines.py  what happens when nothing happens (a duty)
notices.py    mails (a duty)
"""

from apps.support.services.deadlines import move_overdue
from apps.support.services.desk import ask_operator, assign, change_priority, escalate, merge
from apps.support.services.exporting import export_evidence
from apps.support.services.issues import (
    answer,
    close_issues,
    issue_of,
    record_issue_answer,
    refuse_unless_spoken,
    status_answer,
    take_issue,
)
from apps.support.services.notices import send_due, tell_late_refund
from apps.support.services.opening import hand_over, open_about_order, open_about_station, take_call
from apps.support.services.peers import record_operator_answer
from apps.support.services.talking import accept, add_note, may_reopen, reopen, reply, say

__all__ = [
    "accept",
    "add_note",
    "answer",
    "ask_operator",
    "assign",
    "change_priority",
    "close_issues",
    "escalate",
    "export_evidence",
    "hand_over",
    "issue_of",
    "may_reopen",
    "merge",
    "move_overdue",
    "open_about_order",
    "open_about_station",
    "record_issue_answer",
    "record_operator_answer",
    "refuse_unless_spoken",
    "reopen",
    "reply",
    "say",
    "send_due",
    "status_answer",
    "take_call",
    "take_issue",
    "tell_late_refund",
]
