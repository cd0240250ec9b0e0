"""Money held, taken and released. Calls to a provider happen outside transactions; wishes are on disk first.

What somebody wants of a payment (`capture`, `release`) is a column. `settle_due` carries it out, as often as it takes,
always with the same key, so a worker that dies between the call and its record takes the money once.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.payments import raising
from apps.payments.models import LedgerEntry, Payment
from apps.payments.providers.port import Outcome, ProviderUnavailable, Verdict
from apps.payments.raising import provider_of

LEASE = timedelta(seconds=60)  # longer than a provider call may take
ASK_EVERY = timedelta(seconds=5)  # how soon we ask again while the payer is with the bank
LONGEST_PAUSE = timedelta(minutes=30)

State, Wish, Kind = Payment.State, Payment.Wish, LedgerEntry.Kind


class AmountNotHeld(Refused):
    code = "40004"


def request(
    *,
    side: str,
    reference: str,
    payer: AbstractBaseUser,
    amount: Decimal,
    currency: str,
    description: str,
    return_path: str,
    idempotency_key: str,
    expires_at: datetime,
) -> Payment:
    """A payment to be authorised. One purchase has at most one that is open: asking again returns that one."""
    if amount <= 0:
        raise Refused(_("There is nothing to pay."), code="40004")
    same = _already_requested(side, reference, idempotency_key)
    if same:
        return same
    try:
        with transaction.atomic():
            return Payment.objects.create(
                side=side,
                reference=reference,
                payer=payer,
                amount=amount,
                currency=currency,
                description=description,
                return_path=return_path,
                idempotency_key=idempotency_key,
                provider=settings.PAYMENT_PROVIDER,
                expires_at=expires_at,
                next_try_at=expires_at,
            )
    except IntegrityError:
        same = _already_requested(side, reference, idempotency_key)
        if same is None:
            raise
        return same


def _already_requested(side: str, reference: str, idempotency_key: str) -> Payment | None:
    return (
        Payment.objects.filter(idempotency_key=idempotency_key).first()
        or Payment.objects.filter(side=side, reference=reference, state__in=Payment.OPEN).first()
    )


def open_checkout(payment: Payment) -> str:
    """Where the payer goes now. Calls the provider; the same payment always opens the same checkout."""
    if payment.state != State.REQUESTED or payment.wish:
        return payment.return_path
    if payment.checkout_url:
        return payment.checkout_url
    try:
        outcome = provider_of(payment).authorise(
            key=str(payment.code),
            amount=payment.amount,
            currency=payment.currency,
            description=payment.description,
            return_url=reverse("payments:back", args=[payment.code]),
        )
    except ProviderUnavailable as error:
        raise Refused(_("The bank does not answer. Nothing was charged; please try again.")) from error
    soon = min(clock.now() + ASK_EVERY, payment.expires_at)
    Payment.objects.filter(pk=payment.pk, state=State.REQUESTED, provider_ref="").update(
        provider_ref=outcome.ref, checkout_url=outcome.url, next_try_at=soon
    )
    payment.refresh_from_db()
    record(payment, outcome)
    return outcome.url if outcome.verdict == Verdict.PENDING else payment.return_path


def look_again(payment: Payment) -> None:
    """Ask the provider how a payment stands, now; safe to call as often as anybody likes."""
    if payment.state != State.REQUESTED or not payment.provider_ref:
        return
    try:
        outcome = provider_of(payment).look(payment.provider_ref)
    except ProviderUnavailable:
        return  # settle_due asks again
    record(payment, outcome)


def provider_says(*, provider: str, provider_ref: str) -> None:
    """The provider told us that something happened. We believe only what it answers when we ask."""
    payment = Payment.objects.filter(provider=provider, provider_ref=provider_ref).first()
    if payment:
        look_again(payment)


def webhook_came(*, provider: str, body: bytes, headers: Mapping[str, str]) -> None:
    """A signed message of the provider; raises Forged. What it says is a hint only: the provider is asked."""
    ref = import_module(settings.PAYMENT_PROVIDERS[provider]).read_webhook(body, headers)
    if ref:
        provider_says(provider=provider, provider_ref=ref)


def capture(payment: Payment, *, amount: Decimal) -> None:
    """Take `amount` of what is held and release the rest; nothing to take means release. Done by `settle_due`."""
    if amount <= 0:
        release(payment)
        return
    if amount > payment.amount:
        raise AmountNotHeld(_("More was asked for than is held."))
    _wish(payment, Wish.CAPTURE, states=[State.AUTHORISED], capture_amount=amount)


def release(payment: Payment) -> None:
    """Give back everything that is held, or stop a payment that was not made yet. Done by `settle_due`."""
    _wish(payment, Wish.VOID, states=Payment.OPEN)


def _wish(payment: Payment, wish: str, *, states, **changes) -> None:
    """The first wish stays: a capture already asked for is not turned into a release, nor the other way round."""
    Payment.objects.filter(pk=payment.pk, state__in=states, wish=Wish.NONE).update(
        wish=wish, next_try_at=clock.now(), tries=0, **raising.NOTHING, **changes
    )
    payment.refresh_from_db()


def hand_over(*, payer: AbstractBaseUser, to: AbstractBaseUser) -> None:
    """All payments of one person become those of another: the same person, who made an account."""
    Payment.objects.filter(payer=payer).update(payer=to)


def settle_due() -> int:
    """Duty: carry out wishes, ask about payments under way, end what expired. Returns how many were dealt with."""
    due = Payment.objects.filter(next_try_at__lte=clock.now()).order_by("next_try_at")
    return sum(_settle(payment) for payment in list(due[:50]))


def _settle(payment: Payment) -> bool:
    now = clock.now()
    claimed = Payment.objects.filter(pk=payment.pk, next_try_at=payment.next_try_at).update(
        next_try_at=now + LEASE, tries=F("tries") + 1
    )
    if not claimed:
        return False
    payment.refresh_from_db()
    if raising.is_due(payment):
        raising.carry_out(payment)
        return True
    try:
        outcome = _call(payment, now)
    except ProviderUnavailable as error:
        pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(payment.tries, 11)))
        _try_later(payment, now + pause, str(error))
        return True
    record(payment, outcome)
    if outcome.verdict == Verdict.PENDING:
        _try_later(payment, min(now + ASK_EVERY * min(payment.tries, 12), max(payment.expires_at, now)), "")
    return True


def _call(payment: Payment, now: datetime) -> Outcome:
    """The one call this payment needs next."""
    if payment.wish == Wish.CAPTURE:
        return provider_of(payment).capture(
            payment.provider_ref, key=f"{payment.code}-capture", amount=payment.capture_amount
        )
    if payment.wish == Wish.VOID or payment.expires_at <= now:
        if not payment.provider_ref:
            return Outcome(Verdict.VOIDED, "")
        return provider_of(payment).void(payment.provider_ref, key=f"{payment.code}-void")
    if not payment.provider_ref:
        return Outcome(Verdict.PENDING, "")
    return provider_of(payment).look(payment.provider_ref)


def _try_later(payment: Payment, at: datetime, error: str) -> None:
    Payment.objects.filter(pk=payment.pk, state=payment.state, wish=payment.wish).update(
        next_try_at=at, last_error=error[:300]
    )


def record(payment: Payment, outcome: Outcome) -> None:
    """Write down what the provider answered. The same answer again changes nothing."""
    recorder = {
        Verdict.AUTHORISED: _record_authorised,
        Verdict.DECLINED: _record_declined,
        Verdict.CAPTURED: _record_captured,
        Verdict.VOIDED: _record_voided,
    }.get(outcome.verdict)
    if recorder is None:
        return
    try:
        with transaction.atomic():
            raising.lock_with_order(payment)
            recorder(payment, outcome)
    except StaleMove:
        payment.refresh_from_db()  # somebody else wrote the same answer down first


def _record_authorised(payment: Payment, outcome: Outcome) -> None:
    if payment.state != State.REQUESTED:
        return
    if outcome.amount is not None and outcome.amount != payment.amount:
        release(payment)
        return
    now = clock.now()
    lasts_until = now + provider_of(payment).HOLDS_FOR
    move(
        payment,
        State.AUTHORISED,
        why="the provider holds the amount",
        authorised_at=now,
        expires_at=lasts_until,
        next_try_at=lasts_until,
        tries=0,
        last_error="",
    )
    if (
        payment.wish
    ):  # released while the payer was still with the bank: due at once, not when the hold would lapse
        Payment.objects.filter(pk=payment.pk).update(next_try_at=now)
    _write(payment, Kind.AUTHORISED, payment.amount)
    wiring.announce("payment.authorised", payment)


def _record_declined(payment: Payment, outcome: Outcome) -> None:
    if payment.state not in Payment.OPEN:
        return
    why = outcome.reason or gettext_noop("declined by the provider")
    move(payment, State.FAILED, why=why, next_try_at=None, last_error=why[:300], closed_at=clock.now())
    wiring.announce("payment.failed", payment)


def _record_captured(payment: Payment, outcome: Outcome) -> None:
    if payment.state != State.AUTHORISED:
        return
    taken = outcome.amount if outcome.amount is not None else payment.capture_amount
    move(
        payment,
        State.CAPTURED,
        why=f"the provider took {taken}",
        captured_amount=taken,
        next_try_at=None,
        last_error="",
        closed_at=clock.now(),
    )
    _write(payment, Kind.CAPTURED, taken)
    if payment.amount > taken:
        _write(payment, Kind.RELEASED, payment.amount - taken)
    wiring.announce("payment.captured", payment)


def _record_voided(payment: Payment, outcome: Outcome) -> None:
    if payment.state not in Payment.OPEN:
        return
    was_held = payment.state == State.AUTHORISED
    expired = payment.wish == Wish.NONE
    move(
        payment,
        State.EXPIRED if expired else State.VOIDED,
        why="the time for it passed" if expired else "released by the provider",
        next_try_at=None,
        last_error="",
        closed_at=clock.now(),
    )
    if was_held:
        _write(payment, Kind.RELEASED, payment.amount)
    wiring.announce("payment.failed" if expired else "payment.voided", payment)


def _write(payment: Payment, kind: str, amount: Decimal) -> None:
    LedgerEntry.objects.create(payment=payment, kind=kind, amount=amount, currency=payment.currency)
