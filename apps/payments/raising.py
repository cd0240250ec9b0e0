"""More is to be held than so far: the same hold is raised, so that one purchase never has a second one (AT-C4).

What somebody wants is a column (`Payment.raise_to`), carried out by `services.settle_due` like every other wish. A wish
to charge or to release comes first and ends it. Nothing is taken here: a hold that is higher only could be.
"""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from types import ModuleType

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.payments.models import LedgerEntry, Payment
from apps.payments.providers.port import Outcome, ProviderUnavailable, Verdict

State, Wish = Payment.State, Payment.Wish
ASK_EVERY = timedelta(seconds=5)
NOTHING: dict[str, object] = {"raise_to": None, "raise_key": ""}


class CannotRaise(Refused):
    code = "40004"


def provider_of(payment: Payment) -> ModuleType:
    return import_module(settings.PAYMENT_PROVIDERS[payment.provider])


def can_be_raised(payment: Payment) -> bool:
    return payment.state == State.AUTHORISED and not payment.wish and provider_of(payment).CAN_RAISE


def ask(payment: Payment, *, amount: Decimal, key: str) -> None:
    """Hold `amount` in all. The answer is announced: `payment.raised` or `payment.not_raised`, with `key`.

    Asked again with the same key, nothing more happens. Raises CannotRaise where this provider is not able to.
    """
    if not can_be_raised(payment):
        raise CannotRaise(_("What is held for this charge cannot be raised."))
    waiting = Payment.objects.filter(pk=payment.pk, state=State.AUTHORISED, wish=Wish.NONE, amount__lt=amount)
    waiting.exclude(raise_key=key).update(
        raise_to=amount, raise_key=key, next_try_at=clock.now(), tries=0, last_error=""
    )
    payment.refresh_from_db()


def forget(payment: Payment, *, key: str) -> None:
    """Nobody wants it any more. Should the bank do it all the same, that is released with the rest."""
    _asked(payment, key).update(**NOTHING, next_try_at=payment.expires_at)


def is_due(payment: Payment) -> bool:
    return (
        payment.raise_to is not None
        and payment.state == State.AUTHORISED
        and not payment.wish
        and payment.expires_at > clock.now()
    )


def carry_out(payment: Payment) -> None:
    """One call to the provider, outside any transaction, with a key that never changes."""
    try:
        outcome = provider_of(payment).raise_hold(
            payment.provider_ref, key=payment.raise_key, amount=payment.raise_to
        )
    except ProviderUnavailable as error:
        outcome = Outcome(Verdict.PENDING, payment.provider_ref, reason=str(error))
    if outcome.verdict == Verdict.AUTHORISED and outcome.amount is not None:
        _record_raised(payment, outcome.amount)
    elif outcome.verdict == Verdict.PENDING:
        again_at = clock.now() + ASK_EVERY * min(payment.tries, 12)
        _asked(payment, payment.raise_key).update(next_try_at=again_at, last_error=outcome.reason[:300])
    else:
        _record_refused(payment, outcome.reason or gettext_noop("the bank does not hold more"))


def lock_order_of(payment: Payment) -> None:
    """The order first and its payment second, as all who write both do: else each may wait for the other for ever."""
    wiring.handler("EVENTS", "payment.deciding")(payment)


def lock_with_order(payment: Payment) -> None:
    """And look at what has become of the payment while we waited: it may be released by now."""
    lock_order_of(payment)
    Payment.objects.select_for_update().filter(pk=payment.pk).first()
    payment.refresh_from_db()


@transaction.atomic
def _record_raised(payment: Payment, held: Decimal) -> None:
    lock_order_of(payment)
    key, more = payment.raise_key, held - payment.amount
    if held < payment.raise_to:
        return _record_refused(payment, gettext_noop("the bank holds less than was asked for"))
    if not _asked(payment, key).update(amount=held, **NOTHING, next_try_at=payment.expires_at, last_error=""):
        return None
    LedgerEntry.objects.create(
        payment=payment, kind=LedgerEntry.Kind.RAISED, amount=more, currency=payment.currency
    )
    payment.events.create(was=payment.state, now=payment.state, why=f"the provider holds {held}")
    payment.refresh_from_db()
    wiring.announce("payment.raised", payment, key)
    return None


@transaction.atomic
def _record_refused(payment: Payment, why: str) -> None:
    lock_order_of(payment)
    key = payment.raise_key
    if _asked(payment, key).update(**NOTHING, next_try_at=payment.expires_at, last_error=why[:300]):
        payment.events.create(was=payment.state, now=payment.state, why=f"not raised: {why}"[:300])
        payment.refresh_from_db()
        wiring.announce("payment.not_raised", payment, key)


def _asked(payment: Payment, key: str):
    """The row while it still waits for this very answer."""
    waits = Payment.objects.filter(pk=payment.pk, state=State.AUTHORISED, wish=Wish.NONE)
    return waits.filter(raise_key=key, raise_to__isnull=False)
