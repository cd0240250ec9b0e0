"""A change of the order with both sides, every message signed and taken through the door."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.beckn import delivery, inbox
from apps.beckn.models import Message
from apps.bookings.models import Booking
from apps.catalog.models import Connector
from apps.discovery.models import Offer
from apps.lib import clock
from apps.orders import services
from apps.orders.models import Change
from apps.orders.wish import Wish
from apps.payments.models import LedgerEntry, Payment, SandboxPayment
from apps.payments.services import settle_due
from tests.charging.doubles import Charger, make_charger, minutes, plug_of
from tests.factory import NOON
from tests.journeys.test_reserved_times import Driver, network
from tests.journeys.test_reserved_times import ourselves as ourselves
from tests.loopback import Loopback

MORE = Wish(energy_kwh=Decimal(30))


@pytest.fixture
def charger(factory) -> Charger:
    """Two equal bays: 20 kWh cost 448.40, 30 kWh 666.70."""
    station = factory.make_station(factory.make_operator(phone="+918041230000"))
    tariff = factory.make_tariff(station.operator, session_fee=Decimal(10))
    make_charger(factory, "CP-2", station=station, tariff=tariff)
    return make_charger(factory, "CP-1", station=station, tariff=tariff)


@pytest.fixture
def asha(charger, factory) -> Driver:
    driver = Driver(charger, factory.make_user("asha@example.org"))
    driver.buy()
    return driver


def change(driver: Driver, wish: Wish = MORE) -> Change:
    services.ask_for_change(driver.order, wish=wish)
    network()
    return Change.objects.get()


def settle() -> None:
    settle_due()
    network()


def start(driver: Driver, charger: Charger) -> int:
    services.request_start(driver.order)
    network()
    number = charger.begin(Booking.objects.get().start_token).transaction_id
    network()
    assert driver.order.state == "CHARGING"
    return number


def test_more_while_energy_flows_raises_the_one_hold_and_is_billed(asha, charger, time_machine):
    number = start(asha, charger)
    charger.meter(number, (NOON + minutes(10), 11_000))
    network()
    offered = change(asha)
    assert (offered.state, offered.quote_amount, offered.difference) == (
        "OFFERED",
        Decimal("666.70"),
        Decimal("218.30"),
    )
    assert asha.order.progress.cost_amount != offered.quote_amount  # the offer is no news of the charge
    services.accept_change(offered)
    offered.refresh_from_db()
    assert (offered.state, Booking.objects.get().ordered_kwh) == ("HOLDING", 20)
    settle()
    offered.refresh_from_db()
    assert (offered.state, Booking.objects.get().ordered_kwh) == ("DONE", 30)
    order, payment = asha.order, Payment.objects.get()
    assert (order.energy_kwh, order.quote_amount, order.state) == (30, Decimal("666.70"), "CHARGING")
    assert (payment.state, payment.amount, payment.captured_amount) == ("AUTHORISED", Decimal("666.70"), 0)
    charger.meter(number, (NOON + minutes(30), 31_000))
    charger.end(number, wh=31_000, at=NOON + minutes(31))
    network()
    payment = asha.payment()
    assert (asha.order.state, payment.captured_amount) == ("SETTLED", Decimal("666.70"))
    assert SandboxPayment.objects.get().captures == 1
    held = LedgerEntry.objects.filter(kind__in=["AUTHORISED", "RAISED"]).values_list("amount", flat=True)
    assert sum(held) == Decimal("666.70")


def test_more_raises_the_hold_and_leaves_what_is_held_for_standing(charger, factory):
    """A cap of 50 is 59.00 with its tax, held beside 448.40 and beside 666.70."""
    operator = plug_of(charger).evse.station.operator
    kinds = {"ENERGY": "18.5", "FLAT": "10", "PARKING_TIME": "120"}
    parts = [{"type": kind, "price": price} for kind, price in kinds.items()]
    terms = {"elements": [{"price_components": parts}], "parking_cap": Decimal(50)}
    Connector.objects.update(tariff=factory.make_tariff(operator, **terms))
    driver = Driver(charger, factory.make_user("asha@example.org"))
    driver.buy()
    assert Payment.objects.get().amount == Booking.objects.get().held_total == Decimal("507.40")
    offered = change(driver)
    assert offered.difference == Decimal("218.30")
    services.accept_change(offered)
    settle()
    assert driver.order.quote_amount == Decimal("666.70")
    assert Payment.objects.get().amount == Booking.objects.get().held_total == Decimal("725.70")


def test_less_before_the_start_needs_no_bank(asha):
    services.accept_change(change(asha, Wish(energy_kwh=Decimal(10))))
    network()
    assert (asha.order.energy_kwh, asha.order.quote_amount) == (10, Decimal("230.10"))
    assert Booking.objects.get().ordered_kwh == 10
    assert Payment.objects.get().amount == Decimal("448.40")  # what is not used comes back with the bill


@pytest.mark.parametrize(
    ("wish", "column", "value"),
    [
        (Wish(minutes=15), "ordered_minutes", 15),
        (Wish(amount=Decimal("230.10")), "ordered_amount", Decimal("230.10")),
    ],
)
def test_the_change_is_said_in_its_own_unit(asha, wish, column, value):
    services.accept_change(change(asha, wish))
    network()
    assert getattr(asha.order, column) == getattr(Booking.objects.get(), column) == value


def test_declined_or_unanswered_everything_stays(asha, time_machine):
    services.decline_change(change(asha))
    assert Change.objects.get().state == "DECLINED"
    services.ask_for_change(asha.order, wish=MORE)
    network()
    time_machine.shift(timedelta(minutes=6))
    assert services.move_overdue_changes() == 1
    assert set(Change.objects.values_list("state", flat=True)) == {"DECLINED", "LAPSED"}
    assert (asha.order.energy_kwh, Booking.objects.get().ordered_kwh) == (20, 20)


def test_what_the_operator_refuses_is_told_and_nothing_hangs(asha, charger):
    number = start(asha, charger)
    charger.meter(number, (NOON + minutes(10), 11_000))
    refused = change(asha, Wish(energy_kwh=Decimal(8)))
    assert (refused.state, refused.failure_code) == ("REFUSED", "40002")
    assert "10 kWh" in refused.failure_message
    assert asha.order.state == "CHARGING"


def test_a_bank_that_declines_leaves_the_order_as_it_was(asha, settings):
    offered = change(asha)
    services.accept_change(offered)
    settings.SANDBOX_BANK = "decline"
    settle()
    offered.refresh_from_db()
    assert (offered.state, offered.failure_code) == ("REFUSED", "not-held")
    assert (asha.order.energy_kwh, Booking.objects.get().ordered_kwh) == (20, 20)
    payment = Payment.objects.get()
    assert (payment.state, payment.amount) == ("AUTHORISED", Decimal("448.40"))


def test_a_change_accepted_while_the_driver_stops_has_one_truth(asha, charger):
    number = start(asha, charger)
    charger.meter(number, (NOON + minutes(10), 11_000))
    offered = change(asha, Wish(energy_kwh=Decimal(15)))
    services.accept_change(offered)
    services.request_stop(asha.order)
    network()
    charger.end(number, wh=11_000, at=NOON + minutes(11))
    network()
    settle()
    assert asha.order.billed_amount == Decimal("230.10")
    assert asha.order.state == "SETTLED"
    assert not Change.objects.filter(state__in=("ASKED", "OFFERED", "HOLDING")).exists()


def test_the_plug_is_changed_in_one_go_at_the_same_price(asha, charger):
    there = plug_of(Charger("CP-2"))
    services.ask_for_change(asha.order, wish=asha.order.wish, plug=offer_of(there.code))
    network()
    assert Change.objects.get().state == "DONE"
    assert (asha.order.item_id, asha.order.plug_letter) == (there.code, there.letter)
    assert Booking.objects.get().connector == there
    assert Payment.objects.count() == 1
    services.request_start(asha.order)
    network()
    assert Charger("CP-2").begin(Booking.objects.get().start_token).accepted


def offer_of(item_id: str) -> Offer:
    return Offer.objects.select_related("station").get(item_id=item_id)


def test_the_answer_that_was_lost_is_learnt_from_the_status(asha, time_machine):
    offered = change(asha, Wish(energy_kwh=Decimal(10)))
    services.accept_change(offered)
    booking = Booking.objects.get()
    delivery.deliver(Loopback())
    inbox.work()  # the operator has done it; its answer is still on the way
    assert Booking.objects.get().ordered_kwh == 10 != booking.ordered_kwh
    Message.objects.filter(action="on_update", direction="OUT").order_by("-pk")[:1].get().delete()
    time_machine.shift(timedelta(seconds=61))
    services.move_overdue_changes()
    offered.refresh_from_db()
    assert (offered.state, asha.order.energy_kwh) == ("LAPSED", 20)
    network()
    offered.refresh_from_db()
    assert (offered.state, asha.order.energy_kwh) == ("DONE", 10)
    assert clock.now() > NOON


# --- The right plug, and the right car (AT-H4) ----------------------------------------------------------------


def test_a_car_at_the_plug_beside_is_asked_about_and_the_order_moves_there(asha, charger, time_machine):
    other, there = Charger("CP-2"), plug_of(Charger("CP-2"))
    services.request_start(asha.order)
    network()
    charger.answer("remote_start")
    time_machine.shift(timedelta(seconds=20))
    other.status("Preparing")
    network()
    assert asha.order.other_plug["letter"] == there.letter
    services.move_to_other_plug(asha.order)
    network()
    assert asha.order.item_id == there.code
    assert asha.order.other_plug == {}
    assert other.begin(Booking.objects.get().start_token).accepted
    network()
    assert asha.order.state == "CHARGING"
    assert Payment.objects.count() == 1


def test_this_is_not_my_car_within_a_minute_costs_nothing(asha, charger, time_machine):
    number = start(asha, charger)
    assert asha.order.not_my_car_until == NOON + timedelta(seconds=60)
    charger.meter(number, (NOON + timedelta(seconds=50), 1_800))
    time_machine.shift(timedelta(seconds=55))
    services.stop_other_car(asha.order)
    network()
    charger.end(number, wh=1_850, at=NOON + timedelta(seconds=56))
    network()
    assert (asha.payment().state, asha.order.billed_amount) == ("VOIDED", 0)


def test_later_than_a_minute_it_is_a_stop_like_any_other(asha, charger, time_machine):
    number = start(asha, charger)
    time_machine.shift(timedelta(seconds=61))
    services.stop_other_car(asha.order)
    network()
    charger.end(number, wh=2_000, at=NOON + timedelta(seconds=62))
    network()
    assert asha.order.billed_amount == Decimal("33.63")
