"""What a payment provider must be able to do: a few functions and one answer.

authorise(*, key, amount, currency, description, return_url) -> Outcome     opens a checkout; `url` is for the payer
look(ref) -> Outcome                                                        how does it stand?
capture(ref, *, key, amount) -> Outcome                                     takes `amount`, releases the rest
void(ref, *, key) -> Outcome                                                releases everything
raise_hold(ref, *, key, amount) -> Outcome                                  holds `amount` in all, where CAN_RAISE
refund(ref, *, key, amount) -> Outcome                                      gives some of it back, the way it came
read_webhook(body, headers) -> str                                          the ref it is about; else "", or Forged
HOLDS_FOR: timedelta                                                        how long what is authorised can be taken
CAN_RAISE: bool                                                             can it hold more later than it did at first?

The `ref` of a refund's outcome is the bank's reference of that refund; PENDING means it has taken the order and will
pay, so the same call later tells how it stands.

The same `key` again means the same call again: the provider acts once and repeats its answer. Each may raise
ProviderUnavailable: nobody knows what happened, ask again with the same key.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

TIMEOUT_SECONDS = 12  # of one call; all calls of one wish must fit into services.LEASE


class Verdict(StrEnum):
    PENDING = "PENDING"
    AUTHORISED = "AUTHORISED"
    DECLINED = "DECLINED"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    REFUNDED = "REFUNDED"


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    ref: str
    amount: Decimal | None = None
    url: str = ""
    reason: str = ""


class ProviderUnavailable(Exception):
    """No answer, or an unreadable one."""


class Forged(Exception):
    """A webhook without the provider's signature."""
