"""The messages of an order as a conversation, for those who learn or implement Beckn."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.beckn import explain
from apps.beckn.models import Message
from apps.beckn.selectors import Step, pretty, timeline
from apps.orders.models import Order

# Beckn's own four stages; what is left belongs to the deal itself.
STAGES = (
    (_("Finding"), {"search"}),
    (_("The deal"), {"select", "init", "confirm"}),
    (_("The charge"), {"status", "track", "update", "cancel"}),
    (_("Afterwards"), {"get_rating_categories", "rating", "support", "refund", "issue", "issue_status"}),
)
MANY = 3  # so many of a kind in a row are shown as the first and the last
KEY_ID = re.compile(r'keyId="([^"|]+)\|([^"|]+)\|([^"|]+)"')
TONES = {
    Message.State.ACKED: "ok",
    Message.State.DONE: "ok",
    Message.State.NACKED: "bad",
    Message.State.GIVEN_UP: "bad",
    Message.State.REFUSED: "bad",
    Message.State.FAILED: "bad",
    Message.State.EXPIRED: "warn",
}


@dataclass(frozen=True)
class Signature:
    signer: str
    key: str
    algorithm: str
    header: str


@dataclass
class Said:
    """One message between the two sides."""

    step: Step
    body: str
    signature: Signature | None
    more: list["Said"] = field(default_factory=list)  # others of its kind that followed, not shown in full

    @property
    def by_app(self) -> bool:
        return self.step.sender == self.step.rows[0].bap_id

    @property
    def stage(self) -> str | Promise:
        verb = self.step.action.removeprefix("on_")
        return next((words for words, verbs in STAGES if verb in verbs), _("Other"))

    @property
    def is_answer(self) -> bool:
        return self.step.action.startswith("on_")

    @property
    def message_id(self) -> str:
        return str(self.step.rows[0].message_id)

    @property
    def ack_ms(self) -> int | None:
        """How long the sender waited for the receiver's ACK; only the sender knows."""
        tries = list(self.step.sent.attempts.all()) if self.step.sent else []
        return tries[-1].duration_ms if tries and tries[-1].http_status else None

    @property
    def tries(self) -> int:
        return len(self.step.sent.attempts.all()) if self.step.sent else 1

    @property
    def outcomes(self) -> list[tuple[Promise, str]]:
        return [(explain.STATES[row.state], TONES.get(row.state, "busy")) for row in self.step.rows]

    @property
    def error(self) -> str:
        told = next((row for row in self.step.rows if row.error_code or row.error_message), None)
        return f"{told.error_code} {told.error_message}".strip() if told else ""

    @property
    def at(self) -> datetime:
        return self.step.at


def conversation(order: Order) -> list[Said]:
    """What the two sides said in this order's transaction, with the exact bodies; long runs of a kind are folded."""
    steps = timeline(order.transaction_id)
    firsts = Message.objects.filter(pk__in=[step.rows[0].pk for step in steps])
    raw = {pk: (body, headers) for pk, body, headers in firsts.values_list("pk", "body", "headers")}
    said = [_said(step, *raw[step.rows[0].pk]) for step in steps]
    return [
        message for _action, run in groupby(said, lambda one: one.step.action) for message in _fold([*run])
    ]


def _said(step: Step, body: bytes, headers: dict[str, Any]) -> Said:
    return Said(step, pretty(bytes(body)), _signature(headers))


def _signature(headers: dict[str, Any]) -> Signature | None:
    header = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    found = KEY_ID.search(header)
    return Signature(*found.groups(), header) if found else None


def _fold(run: list[Said]) -> list[Said]:
    if len(run) <= MANY:
        return run
    first, *between, last = run
    first.more = between
    return [first, last]
