"""A driver, an offer, and an operator that says whatever a test makes it say, through our real handlers."""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.test import Client

from apps.accounts.models import User
from apps.beckn.inbox import Inbound
from apps.beckn.models import Message, Side
from apps.beckn.wire import v1_1 as wire
from apps.discovery.models import OfferedStation
from apps.lib import clock, wiring
from apps.lib.moves import decide
from apps.orders import services
from apps.orders.models import Order
from apps.orders.slots import Slot
from apps.orders.wish import Wish
from apps.payments.models import Payment
from apps.payments.providers import sandbox
from apps.payments.selectors import latest
from apps.payments.services import look_again, open_checkout, settle_due

OPERATOR = "grid.example"
STARTED = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
BILLING = {"name": "Asha Rao", "email": "asha@example.org", "phone": "+919845012345"}


def lines(energy: str = "360.00", fee: str = "10.00", gst: str = "66.60") -> list[dict]:
    titles = (("energy-cost", energy), ("service-charge", fee), ("gst", gst))
    return [{"title": title, "price": {"value": value, "currency": "INR"}} for title, value in titles]


def quote(total: str = "436.60", breakup: list[dict] | None = None, **more) -> dict:
    return {
        "price": {"value": total, "currency": "INR"},
        "breakup": lines() if breakup is None else breakup,
        **more,
    }


def bill(total: str, energy: str, fee: str, gst: str) -> dict:
    return quote(total, lines(energy, fee, gst))


def terms(percent: str = "10", collected_by: str = "BAP") -> dict:
    code = {"descriptor": {"code": "payment-completed"}}
    payment = {"id": "pay-7", "collected_by": collected_by, "type": "PRE-ORDER", "status": "NOT-PAID"}
    return {
        "payments": [payment | {"params": {"amount": "436.60", "currency": "INR"}}],
        "cancellation_terms": [{"fulfillment_state": code, "cancellation_fee": {"percentage": percent}}],
        "refund_terms": [{"fulfillment_state": {"code": "payment-completed"}, "refund_eligible": True}],
    }


def measured(**tags: str) -> list[dict]:
    listed = [
        {"descriptor": {"code": code.replace("_", "-")}, "value": value} for code, value in tags.items()
    ]
    return [{"descriptor": {"code": "charging-details"}, "list": listed}]


@dataclass
class Stage:
    driver: User
    order: Order | None = None
    number: str = field(
        default_factory=lambda: f"GR-{uuid4().hex[:6]}"
    )  # the operator's, given in on_confirm
    said: list[tuple] = field(default_factory=list)  # every callback, so that a test can repeat them

    # --- the driver ---------------------------------------------------------------------------------------
    def ask(
        self,
        kwh: str = "20",
        key: str = "",
        slot: Slot | None = None,
        wish: Wish | None = None,
        **offer,
    ) -> Order:
        self.number = f"GR-{uuid4().hex[:6]}"
        self.order = services.request_quote(
            driver=self.driver,
            offer=make_offer(**offer),
            wish=wish or Wish(energy_kwh=Decimal(kwh)),
            idempotency_key=key or str(uuid4()),
            slot=slot,
        )
        return self.order

    def client(self) -> Client:
        client = Client()
        client.force_login(self.driver)
        return client

    def pay(self, word: str = "approve") -> Payment:
        """Accept the terms, and let the sandbox bank answer."""
        payment = services.accept_terms_and_pay(self.fresh())
        open_checkout(payment)
        return self.bank_says(word)

    def bank_says(self, word: str) -> Payment:
        payment = self.payment()
        sandbox.answer(payment.provider_ref, word)
        look_again(payment)
        return self.payment()

    # --- the operator -------------------------------------------------------------------------------------
    def tell(self, action: str, said: dict | None = None, *, error: dict | None = None, **more: Any) -> None:
        """Hand our handler what the operator says. `message_id` defaults to that of our newest request."""
        inbound = inbound_of(self.order, action, said, error, **more)
        self.said.append((action, deepcopy(said), error, more))
        # As the inbox does: when a button was faster, the message is handed in again.
        decide(partial(wiring.handler("BECKN_BAP", action), inbound), unless_lost=inbound.message)
        self.fresh()

    def tell_state(
        self, code: str, action: str = "on_status", *, at: datetime | None = None, **more: Any
    ) -> None:
        said = {"id": self.number, "status": more.pop("status", "ACTIVE")}
        state: dict[str, Any] = {"descriptor": {"code": code}}
        if "word" in more:
            state["descriptor"]["long_desc"] = json.dumps({"status": more.pop("word")})
        if at:
            state["updated_at"] = clock.utc_text(at)
        fulfillment = {"id": "cp-07", "state": state, "tags": measured(**more.pop("tags", {}))}
        said |= {"fulfillments": [fulfillment], **more.pop("order", {})}
        self.tell(action, said, **more)

    # --- shortcuts ----------------------------------------------------------------------------------------
    def until(self, state: str) -> Order:
        """Walk the happy path up to `state`."""
        for reached, step in PATH:
            step(self)
            self.fresh()
            if reached == state:
                assert self.order.state == state
                return self.order
        raise AssertionError(f"{state} is not on the happy path")

    def progress(
        self, seconds: int = 60, kwh: str = "1.0", kw: str = "42.1", cost: str = "32.27", **more: Any
    ) -> None:
        at = STARTED + timedelta(seconds=seconds)
        tags = {"energy_delivered": f"{kwh}kWh", "power": f"{kw}kW", "reading_at": clock.utc_text(at)}
        more.setdefault("order", {"quote": quote(cost, [])})
        self.tell_state("charging-started", at=at, tags=tags, **more)

    def final_bill(self, total: str = "361.08", kwh: str = "16.00", **more: Any) -> None:
        quantity = {"allocated": {"measure": {"value": kwh, "unit": "kWh"}}}
        tags = {"energy_delivered": f"{kwh}kWh", "meter_start": "182004", "meter_stop": "198004"}
        order = {"quote": more.pop("quote", bill(total, "296.00", "10.00", "55.08"))}
        order |= {"items": [{"id": "plug-1", "quantity": quantity}]}
        at = STARTED + timedelta(minutes=25)
        more.setdefault("action", "on_update")
        self.tell_state("charging-ended", status="COMPLETE", tags=tags, order=order, at=at, **more)

    def cancelled(
        self, by: str = "CONSUMER", code: str = "USER_CANCELLED", fee: str = "0", **more: Any
    ) -> None:
        said = {"id": self.number, "status": "CANCELLED", "quote": quote(fee, [])}
        said["cancellation"] = {"cancelled_by": by, "reason": {"id": "2", "descriptor": {"code": code}}}
        self.tell("on_cancel", said, **more)

    # --- looking ------------------------------------------------------------------------------------------
    def fresh(self) -> Order:
        self.order = Order.objects.get(pk=self.order.pk)
        return self.order

    def payment(self) -> Payment | None:
        return latest(side=Payment.Side.DRIVER, reference=str(self.order.code))

    def settle(self) -> Payment:
        settle_due()
        self.fresh()
        return self.payment()

    def sent(self, action: str) -> list[dict]:
        rows = Message.objects.filter(
            direction="OUT", transaction_id=self.order.transaction_id, action=action
        ).order_by("pk")
        return [json.loads(bytes(row.body)) for row in rows]

    def history(self) -> list[str]:
        return [event.now for event in self.order.events.all() if event.was != event.now]

    def overdue(self) -> Order:
        """The time of the present state is up."""
        Order.objects.filter(pk=self.order.pk).update(deadline_at=clock.now() - timedelta(seconds=1))
        services.move_overdue()
        return self.fresh()

    def silence(self) -> Order:
        """Nothing was heard for so long that we ask."""
        Order.objects.filter(pk=self.order.pk).update(poll_at=clock.now() - timedelta(seconds=1))
        services.ask_again()
        return self.fresh()


def _take_terms(stage: Stage) -> None:
    services.request_terms(stage.order, billing=BILLING)


def _confirm(stage: Stage) -> None:
    stage.tell("on_confirm", {"id": stage.number, "status": "ACTIVE"})


PATH = (
    ("QUOTE_REQUESTED", lambda stage: stage.ask()),
    ("QUOTED", lambda stage: stage.tell("on_select", {"quote": quote(ttl="PT15M")})),
    ("TERMS_REQUESTED", _take_terms),
    ("TERMS_OFFERED", lambda stage: stage.tell("on_init", {"quote": quote(ttl="PT15M"), **terms()})),
    ("PAYING", lambda stage: services.accept_terms_and_pay(stage.order)),
    ("CONFIRM_REQUESTED", lambda stage: (open_checkout(stage.payment()), stage.bank_says("approve"))),
    ("CONFIRMED", _confirm),
    ("STARTING", lambda stage: services.request_start(stage.order)),
    ("CHARGING", lambda stage: stage.progress(5, "0.1", "40.0", "12.98")),
    ("STOPPING", lambda stage: services.request_stop(stage.order)),
    ("ENDED", lambda stage: stage.final_bill()),
    ("SETTLED", lambda stage: stage.settle()),
)


def make_offer(**changes: Any):
    now = clock.now()
    station, _is_new = OfferedStation.objects.get_or_create(
        bpp_id=OPERATOR,
        provider_id="sparkdock",
        location_id="st-1",
        defaults={
            "bpp_uri": "https://grid.example/beckn/bpp",
            "provider_name": "SparkDock",
            "name": "Cubbon Park Plaza",
            "address": "Kasturba Road",
            "city": "Bengaluru",
            "lat": Decimal("12.976300"),
            "lon": Decimal("77.592900"),
            "zone": "Asia/Kolkata",
            "seen_at": now,
        },
    )
    facts = {
        "item_id": "plug-1",
        "fulfillment_id": "cp-07",
        "letter": "A",
        "standard": "IEC_62196_T2_COMBO",
        "power_type": "DC",
        "max_kw": Decimal(60),
        "currency": "INR",
        "energy_rate": Decimal("18.00"),
        "session_fee": Decimal("10.00"),
        "tax_name": "GST",
        "tax_percent": Decimal(18),
        "status": "Available",
        "seen_at": now,
        **changes,
    }
    model = station.offers.model
    if "confirmed_at" in {column.name for column in model._meta.fields}:
        facts.setdefault("confirmed_at", now)
    offer, _is_new = model.objects.update_or_create(
        station=station, item_id=facts.pop("item_id"), defaults=facts
    )
    return offer


def inbound_of(
    order: Order,
    action: str,
    said: dict | None,
    error: dict | None = None,
    *,
    message_id: UUID | None = None,
    sender: str = OPERATOR,
    transaction_id: UUID | None = None,
    received_at: datetime | None = None,
    late: bool = False,
) -> Inbound:
    """As beckn would hand it over: stored, verified, parsed."""
    now = received_at or clock.now()
    message_id = message_id or order.asked_message_id or uuid4()
    transaction_id = transaction_id or order.transaction_id
    message = Message.objects.create(
        side=Side.BAP,
        direction=Message.Direction.IN,
        action=action,
        transaction_id=transaction_id,
        message_id=message_id,
        bap_id="bap.localhost",
        bap_uri="http://localhost/beckn/bap",
        bpp_id=sender,
        bpp_uri="https://grid.example/beckn/bpp",
        peer_id=sender,
        body=b"{}",
        digest=uuid4().hex,
        state=Message.State.WORKING,
        next_try_at=now,
        created_at=now,
    )
    context = wire.Context(
        action=action, transaction_id=str(transaction_id), message_id=str(message_id), bpp_id=sender
    )
    beside_the_order = action in ("on_track", "on_support", "on_rating", "rating_categories")
    body = None
    if said is not None:
        body = wire.CALLBACKS[action].read(said if beside_the_order else {"order": said})
    fault = wire.Error.read(error) if error else None
    return Inbound(message, context, body, fault, sender, late)
