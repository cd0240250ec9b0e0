from datetime import timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import User
from apps.lib import clock, wiring
from apps.payments import services
from apps.payments.models import Payment

ANNOUNCED = {"payment.authorised", "payment.failed", "payment.captured", "payment.voided"}


class Till:
    """Payments of nobody's order; what was announced is written down."""

    def __init__(self, payer: User):
        self.payer = payer
        self.announced: list[str] = []

    def ask(self, amount: str = "100.00", reference: str = "order-1", key: str = "", **more) -> Payment:
        return services.request(
            side=Payment.Side.OPERATOR,
            reference=reference,
            payer=self.payer,
            amount=Decimal(amount),
            currency="INR",
            description="20 kWh",
            return_path="/orders/",
            idempotency_key=key or f"key-{reference}-{Payment.objects.count()}",
            expires_at=more.pop("expires_at", clock.now() + timedelta(minutes=10)),
        )

    def held(self, amount: str = "100.00", **more) -> Payment:
        """An authorised payment; the sandbox must be told to approve by itself."""
        payment = self.ask(amount, **more)
        services.open_checkout(payment)
        payment.refresh_from_db()
        assert payment.state == Payment.State.AUTHORISED
        return payment


@pytest.fixture
def till(db, monkeypatch) -> Till:
    till = Till(User.objects.create_user("payer@example.org"))
    announce = wiring.announce

    def note(event: str, *args) -> None:
        till.announced.append(event)
        announce(event, *args)

    monkeypatch.setattr(wiring, "announce", note)
    return till


@pytest.fixture
def approving(settings):
    settings.SANDBOX_BANK = "approve"
