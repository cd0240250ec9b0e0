"""A reserved time with both sides, every message signed and taken through the door: only the sockets are left out."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.beckn import delivery, inbox, registry, signing
from apps.bookings import services as operator
from apps.bookings import timekeeping
from apps.bookings.models import Booking
from apps.catalog.models import SlotPolicy, TakenTime
from apps.discovery import services as discovery
from apps.discovery.models import Offer
from apps.discovery.times import calendar
from apps.lib import clock
from apps.orders import services
from apps.orders.models import Order
from apps.orders.slots import Slot
from apps.orders.wish import Wish
from apps.payments.models import Payment
from apps.payments.providers import sandbox
from apps.payments.selectors import latest
from apps.payments.services import look_again, open_checkout, settle_due
from tests.charging.doubles import Charger, make_charger, plug_of
from tests.factory import NOON
from tests.loopback import Loopback

HOUR = timedelta(hours=1)
BILLING = {"name": "Asha Rao", "email": "asha@example.org", "phone": "+919845012345"}
KEYS = {"SIGNING_KEY": signing.make_private_key(), "ENCRYPTION_KEY": signing.make_encryption_key()}


@pytest.fixture(autouse=True)
def ourselves(db, settings, time_machine):
    time_machine.move_to(NOON, tick=False)
    settings.BECKN = {**settings.BECKN, **KEYS, "ALLOW_INSECURE_PEERS": True}
    settings.PUBLIC_URL = "http://portal.example"
    registry.forget()
    registry.ensure_own_subscribers()
    registry.forget()
    yield
    registry.forget()


@pytest.fixture
def charger(factory) -> Charger:
    """Two equal bays: 20 kWh cost 448.40. Leaving late costs 20 %, not coming 50 %."""
    station = factory.make_station(factory.make_operator(phone="+918041230000"))
    tariff = factory.make_tariff(station.operator, session_fee=Decimal(10))
    SlotPolicy.objects.create(operator=station.operator, late_fee_percent=20, no_show_fee_percent=50)
    make_charger(factory, "CP-2", station=station, tariff=tariff)
    return make_charger(factory, "CP-1", station=station, tariff=tariff)


def network() -> None:
    """Everything that is waiting is sent, verified and worked."""
    transport = Loopback()
    while delivery.deliver(transport) + inbox.work():
        pass


class Driver:
    """Asha at the plug of `charger`, with a reserved time from 17:00 to 17:45."""

    def __init__(self, charger: Charger, user) -> None:
        self.user, self.item = user, plug_of(charger).code
        discovery.refresh(lat=Decimal("12.9719"), lon=Decimal("77.6412"), radius_km=Decimal(5))
        network()

    @property
    def offer(self) -> Offer:
        return Offer.objects.select_related("station").get(item_id=self.item)

    @property
    def order(self) -> Order:
        return Order.objects.filter(driver=self.user).latest("pk")

    def times(self) -> list[Slot]:
        discovery.refresh_times(self.offer)
        network()
        days, _told_at = calendar(self.offer, "Asia/Kolkata")
        return [Slot(time.begins, time.ends) for day in days for time in day.times]

    def ask(self, slot: Slot | None = None) -> Order:
        asked = {"wish": Wish(energy_kwh=Decimal(20)), "idempotency_key": str(uuid4()), "slot": slot}
        services.request_quote(driver=self.user, offer=self.offer, **asked)
        network()
        return self.order

    def buy(self, slot: Slot | None = None) -> Order:
        assert self.ask(slot).state == "QUOTED"
        services.request_terms(self.order, billing=BILLING)
        network()
        payment = services.accept_terms_and_pay(self.order)
        open_checkout(payment)
        payment.refresh_from_db()
        sandbox.answer(payment.provider_ref, "approve")
        look_again(payment)
        network()
        assert self.order.state == "CONFIRMED"
        return self.order

    def payment(self) -> Payment:
        settle_due()
        return latest(side=Payment.Side.DRIVER, reference=str(self.order.code))


@pytest.fixture
def asha(charger, factory) -> Driver:
    return Driver(charger, factory.make_user("asha@example.org"))


@pytest.fixture
def five(asha) -> Slot:
    return next(slot for slot in asha.times() if slot.starts_at == NOON + 5 * HOUR)


def work() -> None:
    operator.move_overdue()
    timekeeping.keep_times()
    network()


def test_a_time_from_the_calendar_to_the_receipt(asha, five, charger, time_machine):
    asha.buy(five)
    time_machine.shift(timedelta(seconds=31))  # the same question again within half a minute is one question
    assert five not in asha.times()
    time_machine.move_to(five.starts_at - timedelta(minutes=10), tick=False)
    charger.status("Available")
    work()
    assert charger.asked("reserve").count() == 1
    charger.status("Reserved")
    services.request_start(asha.order)
    network()
    number = charger.begin(Booking.objects.get().start_token).transaction_id
    network()
    assert asha.order.state == "CHARGING"
    assert asha.order.ends_by == five.ends_at
    time_machine.move_to(five.ends_at, tick=False)
    charger.status("Charging")
    work()
    charger.end(number, wh=11_000, at=clock.now())
    network()
    payment = asha.payment()
    assert (asha.order.state, payment.state) == ("SETTLED", "CAPTURED")
    assert payment.captured_amount == asha.order.billed_amount == Decimal("230.10")
    assert not TakenTime.objects.exists()


def test_nobody_came_and_the_fee_that_was_shown_is_taken(asha, five, charger, time_machine, client):
    asha.buy(five)
    time_machine.move_to(five.starts_at + timedelta(minutes=15), tick=False)
    charger.status("Available")
    work()
    payment = asha.payment()
    assert (asha.order.state, payment.captured_amount, payment.released_amount) == (
        "NO_SHOW",
        Decimal("224.20"),
        Decimal("224.20"),
    )
    client.force_login(asha.user)
    assert client.get(asha.order.get_absolute_url()).status_code == 200


def test_leaving_in_time_costs_nothing_and_the_time_is_free_again(asha, five):
    asha.buy(five)
    services.request_cancel(asha.order)
    network()
    assert (asha.order.state, asha.payment().state) == ("CANCELLED", "VOIDED")
    assert not TakenTime.objects.exists()


def test_a_broken_bay_is_changed_and_the_charge_begins_at_the_other(
    asha, five, charger, time_machine, client
):
    asha.buy(five)
    other, there = Charger("CP-2"), plug_of(Charger("CP-2"))
    time_machine.move_to(five.starts_at - timedelta(minutes=20), tick=False)
    other.status("Available")
    charger.status("Faulted")
    work()
    assert (asha.order.item_id, asha.order.plug_letter) == (there.code, there.letter)
    time_machine.move_to(five.starts_at, tick=False)
    other.status("Available")
    services.request_start(asha.order)
    network()
    assert other.begin(Booking.objects.get().start_token).accepted
    network()
    assert asha.order.state == "CHARGING"


def test_without_another_bay_everything_comes_back(asha, five, charger, time_machine):
    asha.buy(five)
    Charger("CP-2").status("Faulted")
    time_machine.move_to(five.starts_at, tick=False)
    charger.status("Faulted")
    work()
    assert (asha.order.state, asha.payment().state) == ("CANCELLED", "VOIDED")


def test_late_and_then_another_time_are_agreed_between_both_sides(asha, five):
    asha.buy(five)
    services.come_late(asha.order, minutes=20)
    network()
    assert asha.order.arrives_at == five.starts_at + timedelta(minutes=20)
    later = Slot(five.starts_at + 2 * HOUR, five.ends_at + 2 * HOUR)
    services.change_time(asha.order, slot=later)
    network()
    assert (asha.order.slot_starts_at, Booking.objects.get().slot_starts_at) == (later.starts_at,) * 2
    assert asha.order.terms["cancellation"][0]["until"] == clock.utc_text(later.starts_at - HOUR)


def test_the_second_driver_is_told_and_finds_the_time_gone(asha, five, charger, factory, client):
    asha.buy(five)
    bala = Driver(charger, factory.make_user("bala@example.org"))
    refused = bala.ask(five)
    assert (refused.state, refused.failure_code) == ("REFUSED", "40000")
    client.force_login(bala.user)
    page = client.get(refused.get_absolute_url()).content.decode()
    assert "Somebody else has this time already." in page
    assert reverse("orders:times", args=[bala.offer.code]) in page


def test_who_charges_before_a_reserved_time_is_told_its_end_and_it_comes(
    asha, five, charger, factory, time_machine
):
    asha.buy(five)
    time_machine.move_to(five.starts_at - HOUR, tick=False)
    charger.status("Available")
    bala = Driver(charger, factory.make_user("bala@example.org"))
    assert bala.buy().ends_by == five.starts_at - timedelta(minutes=5)


def test_after_a_day_without_power_every_order_is_over(asha, five, charger, time_machine):
    asha.buy(five)
    time_machine.move_to(five.starts_at + timedelta(days=1), tick=False)
    work()
    services.move_overdue()
    network()
    assert (asha.order.state, asha.payment().state) == ("CANCELLED", "VOIDED")
    assert not TakenTime.objects.exists()
