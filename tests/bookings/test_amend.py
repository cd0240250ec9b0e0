"""Another amount or another plug for an order that stands: priced, offered, accepted or not. It is noon."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.bookings import amending, services, timekeeping
from apps.bookings.models import Amendment, Booking
from apps.bookings.reading import PaymentFacts
from apps.catalog.models import Connector, SlotPolicy, TakenTime
from apps.charging import services as charging_services
from apps.charging.models import Session
from apps.lib.moves import check_moves
from apps.ocpp.models import ChargePoint
from tests.bookings.doubles import App, code_of, lines, state_of, total
from tests.bookings.test_races import race
from tests.charging.doubles import Charger, make_charger, minutes, plug_of
from tests.factory import NOON

State = Booking.State


def order_items(app: App, kwh: Any = "30", unit: str = "kWh", **item: Any) -> dict[str, Any]:
    """What the app asks for: another amount, or with `id` another plug."""
    measure = {"type": "CONSTANT", "value": kwh, "unit": unit}
    told: dict[str, Any] = {"id": app.plug.code}
    if kwh is not None:
        told["quantity"] = {"selected": {"measure": measure}}
    order = {"id": app.booking().code, "items": [told | item]}
    return {"update_target": "order.items", "order": order}


def ask(app: App, kwh: Any = "30", unit: str = "kWh", **item: Any) -> dict[str, Any]:
    return app.ask("update", order_items(app, kwh, unit, **item))


def change_row(told: dict[str, Any]) -> dict[str, Any]:
    return told["message"]["order"]["payments"][1]


def change_tags(told: dict[str, Any]) -> dict[str, str]:
    (group,) = [g for g in told["message"]["order"]["tags"] if g["descriptor"]["code"] == "order-change"]
    return {tag["descriptor"]["code"]: tag["value"] for tag in group["list"]}


def accepting(app: App, told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    row = {**change_row(told), "status": "PAID", **changes}
    order = {"id": app.booking().code, "payments": [row]}
    return {"update_target": "order.payments", "order": order}


def accept(app: App, told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return app.ask("update", accepting(app, told, **changes))


def selected(told: dict[str, Any]) -> str:
    return told["message"]["order"]["items"][0]["quantity"]["selected"]["measure"]["value"]


@pytest.fixture
def charging(app, placed, charger) -> Session:
    """Energy flows since noon, the register began at 1 kWh."""
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.news()
    return Session.objects.get()


def test_the_table_of_moves_is_sound():
    assert check_moves(Amendment.State, Amendment.MOVES) == []


# --- Before the start -------------------------------------------------------------------------------------


def test_more_energy_is_priced_and_nothing_changes_before_it_is_accepted(app, placed):
    told = ask(app, "30")
    assert (selected(told), total(told)) == ("30", "666.70")
    assert lines(told) == {"energy-cost": "555.00", "service-charge": "10.00", "gst": "101.70"}
    stands, row = told["message"]["order"]["payments"]
    assert (stands["status"], stands["params"]["amount"]) == ("PAID", "448.40")
    assert (row["status"], row["params"]["amount"]) == ("NOT-PAID", "218.30")
    assert told["message"]["order"]["quote"]["ttl"] == "PT5M"
    tags = change_tags(told)
    assert (tags["id"], tags["status"], tags["difference"]) == (row["id"], "OFFERED", "218.30")
    booking = app.booking()
    assert (booking.ordered_kwh, booking.quote_total) == (20, Decimal("448.40"))


def test_accepted_it_is_the_order(app, placed):
    told = accept(app, ask(app, "30"))
    assert (state_of(told), selected(told), total(told)) == (("ACTIVE", "payment-completed"), "30", "666.70")
    assert change_tags(told)["status"] == "ACCEPTED"
    booking = app.booking()
    assert (booking.ordered_kwh, booking.quote_total) == (30, Decimal("666.70"))
    assert change_tags(app.about("status"))["id"] == booking.amended_by  # for who missed the answer


def test_less_energy_is_a_difference_below_zero(app, placed):
    told = ask(app, "10")
    assert change_row(told)["params"]["amount"] == "-218.30"
    assert total(accept(app, told)) == "230.10"
    assert app.booking().ordered_kwh == 10


@pytest.mark.parametrize(
    ("amount", "unit", "column", "expected"),
    [("15", "MINUTES", "ordered_minutes", 15), ("230.10", "INR", "ordered_amount", Decimal("230.10"))],
)
def test_the_unit_may_change_too(app, placed, amount, unit, column, expected):
    accept(app, ask(app, amount, unit))
    booking = app.booking()
    assert getattr(booking, column) == expected
    assert booking.ordered_kwh == (15 if unit == "MINUTES" else 10)


def test_the_tariff_of_the_order_prices_it_whatever_is_sold_meanwhile(app, placed, factory):
    Connector.objects.update(tariff=factory.make_tariff(app.plug.evse.station.operator, energy_rate=99))
    assert total(ask(app, "30")) == "666.70"


def test_the_same_question_gets_the_same_offer_and_another_one_takes_its_place(app, placed):
    first, again, other = ask(app, "30"), ask(app, "30"), ask(app, "40")
    assert change_row(first)["id"] == change_row(again)["id"] != change_row(other)["id"]
    assert code_of(accept(app, first)) == "40003"
    assert total(accept(app, other)) == "885.00"
    assert Amendment.objects.filter(state="OFFERED").count() == 0


def test_an_accepted_change_accepted_again_is_the_same_order(app, placed):
    told = ask(app, "30")
    accept(app, told)
    again = accept(app, told)
    assert total(again) == "666.70"
    assert Amendment.objects.get().events.filter(now="ACCEPTED").count() == 1


def test_an_offer_that_nobody_accepts_lapses_and_the_order_stays(app, placed, clock):
    told = ask(app, "30")
    clock.shift(5 * 60 + 1)
    assert code_of(accept(app, told)) == "40003"
    assert amending.move_overdue() == 1
    assert Amendment.objects.get().state == "LAPSED"
    assert app.booking().ordered_kwh == 20


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "NOT-PAID"}, "40004"),
        ({"collected_by": "BPP"}, "40004"),
        ({"params": {"amount": "218.29", "currency": "INR"}}, "40004"),
        ({"params": {"amount": "218.30", "currency": "USD"}}, "40004"),
        ({"id": "pay-1"}, "30013"),
    ],
)
def test_only_the_difference_that_was_offered_accepts_it(app, placed, changes, code):
    assert code_of(accept(app, ask(app, "30"), **changes)) == code
    assert app.booking().ordered_kwh == 20


@pytest.mark.parametrize(
    ("kwh", "unit", "code"),
    [("0", "kWh", "40002"), ("201", "kWh", "40002"), ("-5", "kWh", "40002"), ("20", "kWh", "40001")],
)
def test_what_cannot_be_sold_or_is_no_change_is_refused(app, placed, kwh, unit, code):
    assert code_of(ask(app, kwh, unit)) == code


def test_an_update_of_the_items_without_an_item_is_refused(app, placed):
    said = {"update_target": "order.items", "order": {"id": placed.code}}
    assert code_of(app.ask("update", said)) == "30004"


def test_somebody_elses_order_is_unknown(app, placed, charger):
    said = order_items(app)
    assert code_of(App(charger, "other.example").ask("update", said)) == "30010"


def test_an_order_that_is_over_is_not_changed(app, placed):
    told = ask(app, "30")
    services.cancel(booking=placed, reason_id="2")
    app.news()
    assert code_of(ask(app, "40")) == "50002"
    assert code_of(accept(app, told)) == "50002"


# --- While energy flows -----------------------------------------------------------------------------------


def test_the_new_amount_ends_the_running_charge_at_once(app, charging, charger):
    charger.meter(charging.pk, (NOON + minutes(10), 11_000))
    told = accept(app, ask(app, "15"))
    assert state_of(told) == ("ACTIVE", "charging-started")
    assert app.booking().quote_total == Decimal("339.25")
    charger.meter(charging.pk, (NOON + minutes(15), 15_900))
    assert not charger.asked("remote_stop").exists()
    charger.meter(charging.pk, (NOON + minutes(16), 16_000))
    assert charger.asked("remote_stop").count() == 1


def test_more_energy_flows_past_the_first_amount_and_is_billed(app, charging, charger):
    accept(app, ask(app, "30"))
    app.news()
    charger.meter(charging.pk, (NOON + minutes(25), 26_000))
    assert not charger.asked("remote_stop").exists()
    charger.meter(charging.pk, (NOON + minutes(30), 31_000))
    assert charger.asked("remote_stop").count() == 1
    charger.end(charging.pk, wh=31_000, at=NOON + minutes(31))
    assert app.booking().final_total == Decimal("666.70")


def test_minutes_end_it_by_the_new_deadline(app, charging, clock):
    accept(app, ask(app, "40", "MINUTES"))
    assert app.booking().deadline_at == NOON + minutes(40)


@pytest.mark.parametrize(
    ("amount", "unit"), [("10", "kWh"), ("9.5", "kWh"), ("10", "MINUTES"), ("230", "INR")]
)
def test_what_was_delivered_already_stays_ordered(app, charging, charger, clock, amount, unit):
    """10 kWh in 10 minutes: 230.10."""
    charger.meter(charging.pk, (NOON + minutes(10), 11_000))
    clock.shift(10 * 60)
    assert code_of(ask(app, amount, unit)) == "40002"


def test_an_offer_that_the_charge_has_overtaken_cannot_be_accepted(app, charging, charger):
    told = ask(app, "12")
    charger.meter(charging.pk, (NOON + minutes(13), 14_000))
    assert code_of(accept(app, told)) == "40002"
    assert app.booking().ordered_kwh == 20


def test_while_it_stops_nothing_is_changed(app, charging, charger):
    told = ask(app, "30")
    app.update("end-charging")
    assert code_of(ask(app, "40")) == "50002"
    assert code_of(accept(app, told)) == "50002"


def test_where_time_costs_the_price_goes_on_from_what_was_used(app, factory, charger, clock):
    """1 INR a minute and 10 a kWh: after 10 minutes and 2 kWh, 4 kWh more take 8 minutes at half of 60 kW."""
    element = [
        {"price_components": [{"type": "TIME", "price": 60, "step_size": 1}]},
        {"price_components": [{"type": "ENERGY", "price": 10, "step_size": 1}]},
    ]
    tariff = factory.make_tariff(app.plug.evse.station.operator, elements=element, tax_percent=0)
    Connector.objects.update(tariff=tariff)
    app.select("5")
    offered = app.init("5")
    app.confirm("5", total(offered))
    assert total(offered) == "60.00"
    app.update("start-charging")
    number = charger.begin(app.booking().start_token).transaction_id
    charger.meter(number, (NOON + minutes(10), 3_000))
    clock.shift(600)
    app.news()
    told = ask(app, "6")
    assert total(told) == "78.00"
    accept(app, told)
    charger.meter(number, (NOON + minutes(18), 6_900))
    assert app.booking().limits.money == Decimal("78.00")
    assert not charger.asked("remote_stop").exists()


# --- The time that it needs -------------------------------------------------------------------------------


@pytest.fixture
def next_driver(app, placed, charger) -> App:
    """Somebody has reserved the plug from 14:00 on."""
    SlotPolicy.objects.create(operator=app.plug.evse.station.operator)
    other = App(charger, "later.example")
    begins = NOON + timedelta(hours=2)
    stops = [{"type": "start", "time": {"timestamp": f"{begins:%Y-%m-%dT%H:%M:%S}.000Z"}}]
    place = [{"id": other.plug.evse.code, "type": "CHARGING", "stops": stops}]
    other.select("20", fulfillments=place)
    assert "message" in other.init("20", fulfillments=place)
    return other


def test_the_next_drivers_time_is_not_taken(app, placed, next_driver):
    """115 kWh would fit into the time until 13:55 at 60 kW; 116 kWh would not."""
    assert code_of(ask(app, "116")) == "40000"
    assert "message" in ask(app, "115")
    assert code_of(ask(app, "116", "MINUTES")) == "40000"


def test_what_was_accepted_keeps_the_plug_as_long_as_it_needs(app, placed):
    """20 kWh at half of 60 kW: 40 minutes after the 30 that it is kept; 60 kWh need two hours."""
    accept(app, ask(app, "60"))
    booking = app.booking()
    last = max(TakenTime.objects.values_list("quarter", flat=True))
    assert booking.kept_until == NOON + timedelta(hours=2)
    assert (last + 1) * 15 * 60 == booking.kept_until.timestamp()


def test_who_reserves_meanwhile_wins(app, placed, next_driver):
    """Offered before the other's time was taken: looked at again when it is accepted."""
    Amendment.objects.all().delete()
    taken = TakenTime.objects.filter(is_reserved=True)
    rows = list(taken)
    taken.delete()
    told = ask(app, "150")
    TakenTime.objects.bulk_create(rows)
    assert code_of(accept(app, told)) == "40000"
    assert app.booking().ordered_kwh == 20


# --- Another plug of the station --------------------------------------------------------------------------


@pytest.fixture
def beside(app, placed, factory) -> Charger:
    """A second post of the station, sold by the same tariff."""
    return make_charger(factory, "CP-2", station=app.plug.evse.station, tariff=app.plug.tariff)


def move_to(app: App, plug: Connector) -> dict[str, Any]:
    return ask(app, None, id=plug.code)


def test_the_plug_is_changed_at_the_same_price_and_the_hold_moves(app, placed, beside, charger):
    there = plug_of(beside)
    told = move_to(app, there)
    assert change_row(told)["params"]["amount"] == "0.00"
    assert app.booking().evse == app.plug.evse
    moved = accept(app, told)["message"]["order"]
    assert (moved["items"][0]["id"], moved["fulfillments"][0]["id"]) == (there.code, there.evse.code)
    assert set(TakenTime.objects.values_list("evse", flat=True)) == {there.evse_id}
    app.update("start-charging")
    assert beside.asked("remote_start").count() == 1
    assert not charger.asked("remote_start").exists()


def test_at_a_plug_of_another_tariff_the_difference_is_told(app, placed, factory):
    operator = app.plug.evse.station.operator
    dearer = factory.make_tariff(operator, energy_rate=20, session_fee=Decimal(10))
    there = plug_of(make_charger(factory, "CP-2", station=app.plug.evse.station, tariff=dearer))
    told = move_to(app, there)
    assert (total(told), change_row(told)["params"]["amount"]) == ("483.80", "35.40")
    accept(app, told)
    assert app.booking().tariff == dearer


def test_a_plug_of_the_same_evse_is_ours_already(app, placed, factory):
    there = factory.make_priced_connector(app.plug.evse, tariff=app.plug.tariff)
    accept(app, move_to(app, there))
    assert app.booking().connector == there


@pytest.mark.parametrize("status", ["Charging", "Faulted", "Reserved"])
def test_a_plug_that_is_not_free_is_not_given(app, placed, beside, status):
    beside.status(status)
    assert code_of(move_to(app, plug_of(beside))) == "30008"


def test_plugs_of_other_stations_and_unknown_ones_are_refused(app, placed, factory):
    far = make_charger(factory, "CP-9", station=factory.make_station(app.plug.evse.station.operator))
    assert code_of(move_to(app, plug_of(far))) == "30008"
    assert code_of(ask(app, None, id="nowhere")) == "30004"


def test_while_energy_flows_the_plug_stays(app, charging, beside):
    assert code_of(move_to(app, plug_of(beside))) == "50002"


def test_a_reserved_time_moves_with_its_plug_and_the_charger_is_told(app, charger, factory, clock):
    SlotPolicy.objects.create(operator=app.plug.evse.station.operator)
    beside = make_charger(factory, "CP-2", station=app.plug.evse.station, tariff=app.plug.tariff)
    begins = NOON + timedelta(hours=2)
    stops = [{"type": "start", "time": {"timestamp": f"{begins:%Y-%m-%dT%H:%M:%S}.000Z"}}]
    place = [{"id": app.plug.evse.code, "type": "CHARGING", "stops": stops}]
    app.select("20", fulfillments=place)
    app.init("20", fulfillments=place)
    app.confirm("20", fulfillments=place)
    clock.move_to(begins - timedelta(minutes=9))
    charger.status("Available")
    beside.status("Available")
    timekeeping.keep_times()
    app.news()
    accept(app, move_to(app, plug_of(beside)))
    assert set(TakenTime.objects.values_list("evse", flat=True)) == {plug_of(beside).evse_id}
    assert app.booking().prepared_at is None
    timekeeping.keep_times()
    assert beside.asked("reserve").count() == 1


# --- A start that waits at the wrong plug (AT-H4) ----------------------------------------------------------


def test_a_start_moves_to_the_plug_where_the_car_is(app, placed, beside, charger, clock):
    app.update("start-charging")
    charger.answer("remote_start")
    clock.shift(20)
    beside.status("Preparing")
    app.news()
    accept(app, move_to(app, plug_of(beside)))
    assert beside.asked("remote_start").get().payload["token"] == placed.start_token
    assert not [told for told in app.news() if "error" in told]  # the start is still to be answered
    beside.begin(placed.start_token)
    told = app.the_news()
    assert (told["context"]["action"], state_of(told)) == ("on_update", ("ACTIVE", "charging-started"))
    assert told["message"]["order"]["items"][0]["id"] == plug_of(beside).code
    assert not charger.begin(placed.start_token).accepted  # the first plug is no longer ours
    assert Session.objects.filter(state="ACTIVE").count() == 1


def test_a_plug_offered_before_the_charge_began_is_not_given_afterwards(app, placed, beside, charger):
    told = move_to(app, plug_of(beside))
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.news()
    assert code_of(accept(app, told)) == "50002"
    assert app.booking().connector == app.plug


def test_where_a_code_is_entered_the_moved_order_gets_one(app, placed, beside):
    ChargePoint.objects.filter(id=beside.id).update(starts_by_code=True)
    moved = accept(app, move_to(app, plug_of(beside)))["message"]["order"]["fulfillments"][0]
    code = app.booking().start_token
    assert code.isdigit()
    assert moved["stops"][0]["authorization"]["token"] == code


# --- Races ------------------------------------------------------------------------------------------------


class TestRaces:
    @pytest.fixture
    def charger(self, transactional_db, factory) -> Charger:
        operator = factory.make_operator(name="SparkDock", cancellation_fee_percent=Decimal(10))
        tariff = factory.make_tariff(operator, session_fee=Decimal(10))
        return make_charger(factory, station=factory.make_station(operator), tariff=tariff)

    def facts(self, told: dict[str, Any]) -> PaymentFacts:
        params = change_row(told)["params"]
        return PaymentFacts(
            change_row(told)["id"], "BAP", "PAID", Decimal(params["amount"]), params["currency"], ""
        )

    def test_a_change_accepted_many_times_at_once_is_one_change(self, app):
        booking = app.place()
        paid = self.facts(ask(app, "30"))
        outcomes = race(*[lambda: amending.accept(booking=booking, payment=paid).code] * 6)
        assert set(outcomes) == {booking.code}
        assert Amendment.objects.get().events.filter(now="ACCEPTED").count() == 1

    def test_a_change_against_a_cancellation(self, app):
        booking = app.place()
        paid = self.facts(ask(app, "30"))
        changed, cancelled = race(
            lambda: amending.accept(booking=app.booking(), payment=paid).code,
            lambda: services.cancel(booking=app.booking(), reason_id="2").state,
        )
        booking = app.booking()
        assert (cancelled, booking.state) == ("CANCELLED", "CANCELLED")
        fee = {booking.code: Decimal("66.67"), "50002": Decimal("44.84")}[changed]
        assert booking.final_total == fee

    def test_a_change_against_the_end(self, app, charger):
        booking = app.place()
        app.update("start-charging")
        number = charger.begin(booking.start_token).transaction_id
        charger.meter(number, (NOON + minutes(19), 20_000))
        paid = self.facts(ask(app, "30"))
        changed, _end = race(
            lambda: amending.accept(booking=app.booking(), payment=paid).code,
            lambda: charger.end(number, wh=23_000, at=NOON + minutes(22)),
        )
        booking = app.booking()
        assert booking.state == "COMPLETED"
        billed = {booking.code: Decimal("492.06"), "50002": Decimal("448.40")}[changed]  # 22 or 20 kWh
        assert booking.final_total == billed

    def test_a_change_against_a_stop(self, app, charger):
        booking = app.place()
        app.update("start-charging")
        charger.begin(booking.start_token)
        paid = self.facts(ask(app, "30"))
        changed, _stopped = race(
            lambda: amending.accept(booking=app.booking(), payment=paid).code,
            lambda: charging_services.stop(reference=booking.code),
        )
        assert app.booking().ordered_kwh == {booking.code: 30, "50002": 20}[changed]
        assert Session.objects.get().state == "STOPPING"

    def test_two_orders_that_want_one_plug(self, app, charger, factory):
        station, tariff = app.plug.evse.station, app.plug.tariff
        second = make_charger(factory, "CP-2", station=station, tariff=tariff)
        wanted = plug_of(make_charger(factory, "CP-3", station=station, tariff=tariff))
        apps = [app, App(second, "two.example")]
        for one in apps:
            one.place()
        paid = [self.facts(move_to(one, wanted)) for one in apps]
        outcomes = race(
            *[
                lambda one=one, facts=facts: amending.accept(booking=one.booking(), payment=facts).code
                for one, facts in zip(apps, paid, strict=True)
            ]
        )
        assert outcomes.count("30008") == 1
        assert Booking.objects.filter(evse=wanted.evse).count() == 1
        assert len(set(TakenTime.objects.values_list("holder", "evse"))) == 2
