"""Orders by time and money, tariffs that know the hour, and the limit that ends a charge (law 1, AT-F1, AT-F2)."""

from decimal import Decimal
from typing import Any

import pytest

from apps.bookings import running, services, standing
from apps.bookings.models import Booking
from apps.catalog.models import Connector, Tariff
from apps.catalog.services import publish_tariff
from apps.charging.models import MeterReading, Session
from apps.charging.selectors import course
from apps.lib import clock as lib_clock
from tests.bookings.doubles import MEERA, App, code_of, lines, telemetry, total
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Booking.State
ENERGY_AND_TIME = {
    "price_components": [
        {"type": "ENERGY", "price": "15"},
        {"type": "TIME", "price": "60", "step_size": 60},
        {"type": "PARKING_TIME", "price": "120"},
    ]
}
EVENING = {
    "price_components": [{"type": "ENERGY", "price": "30"}],
    "restrictions": {"start_time": "12:10", "end_time": "23:00"},
}
DAY = {"price_components": [{"type": "ENERGY", "price": "10"}]}


def sell_by(charger, *elements: dict[str, Any], **terms: Any) -> None:
    plug = Connector.objects.get()
    tariff = publish_tariff(
        operator=plug.evse.station.operator, code="timed", name="Timed", elements=list(elements), **terms
    )
    Connector.objects.filter(pk=plug.pk).update(tariff=tariff)


def place(app: App, value: Any, unit: str, **item: Any) -> Booking:
    order = app.order(value, unit)
    order["order"]["items"][0] |= item
    amount = total(app.ask("select", order))
    app.ask("init", {"order": order["order"] | {"billing": MEERA}})
    paid = order["order"] | {"billing": MEERA, "payments": app.payment(amount)}
    assert "message" in app.ask("confirm", {"order": paid})
    return app.booking()


def begin(app: App, charger, booking: Booking) -> int:
    app.update("start-charging")
    number = charger.begin(booking.start_token).transaction_id
    app.news()
    return number


def read(charger, clock, number: int, at_minutes: int, wh: int, **figures: Any) -> None:
    moment = NOON + minutes(at_minutes)
    clock.move_to(max(moment, lib_clock.now()))
    charger.meter(number, (moment, 1000 + wh), **figures)


# --- What is ordered -------------------------------------------------------------------------------------


def test_four_hundred_rupees_are_quoted_as_the_energy_they_buy(app):
    answer = app.ask("select", app.order("400", "INR"))
    booking = app.booking()
    item = answer["message"]["order"]["items"][0]
    assert (total(answer), booking.ordered_kwh, booking.ordered_amount) == ("399.98", Decimal("17.782"), 400)
    assert item["quantity"]["selected"]["measure"]["value"] == "17.782"
    said = {tag["descriptor"]["code"]: tag["value"] for tag in item["tags"][0]["list"]}
    assert said == {"charging-by": "AMOUNT", "charging-limit": "400"}


def test_the_safe_form_means_the_money_and_not_its_estimate(app):
    """Fact sheet 5.1: kWh that are an estimate, and the pair of tags that says so."""
    pair = {"charging-by": "AMOUNT", "charging-limit": "400"}
    tags = [
        {
            "descriptor": {"code": "charging-options"},
            "list": [{"descriptor": {"code": code}, "value": value} for code, value in pair.items()],
        }
    ]
    order = app.order("30")
    order["order"]["items"][0]["tags"] = tags
    assert total(app.ask("select", order)) == "399.98"
    tags[0]["list"][1]["value"] = "lots"
    assert code_of(app.ask("select", order)) == "40002"


def test_minutes_are_quoted_at_what_the_plug_gives(app):
    answer = app.ask("select", app.order("30", "MINUTES"))
    booking = app.booking()
    assert (booking.ordered_by, booking.ordered_minutes, booking.ordered_kwh) == ("TIME", 30, 30)
    assert lines(answer) == {"energy-cost": "555.00", "service-charge": "10.00", "gst": "101.70"}


@pytest.mark.parametrize(("value", "unit"), [("1", "HOURS"), ("PT1H", ""), ("60", "min")])
def test_time_is_read_in_many_spellings(app, value, unit):
    app.ask("select", app.order(value, unit))
    assert app.booking().ordered_minutes == 60


def test_the_terms_stand_when_the_energy_is_repeated_instead_of_the_money(app):
    app.ask("select", app.order("400", "INR"))
    first = app.booking().quote_id
    app.init("17.782")
    assert (app.booking().state, app.booking().quote_id, app.booking().ordered_by) == (
        State.HELD,
        first,
        "MONEY",
    )


def test_another_amount_of_money_is_another_order(app):
    order = app.order("400", "INR")["order"] | {"billing": MEERA}
    app.ask("select", app.order("400", "INR"))
    first = app.booking().quote_id
    order["items"][0]["quantity"]["selected"]["measure"]["value"] = "300"
    app.ask("init", {"order": order})
    assert app.booking().quote_id != first
    assert app.booking().ordered_amount == 300


def test_what_takes_time_is_quoted_for_a_car_of_half_the_power(app, charger):
    sell_by(charger, ENERGY_AND_TIME, tax_percent=0)
    answer = app.select("20")  # 40 minutes at 30 kW
    assert lines(answer) == {"energy-cost": "300.00", "time-cost": "40.00"}


# --- What ends it ------------------------------------------------------------------------------------------


def test_the_ordered_money_ends_the_charge(app, charger, clock):
    booking = place(app, "400", "INR")
    number = begin(app, charger, booking)
    read(charger, clock, number, 20, 18_000)
    assert charger.asked("remote_stop").count() == 1
    charger.end(number, wh=19_200, at=NOON + minutes(21))
    told = app.news()[-1]
    assert (total(told), telemetry(told)["ended-by"]) == ("399.98", "money")
    assert app.booking().delivered_kwh == Decimal("17.782")


def test_the_ordered_time_ends_the_charge_at_its_minute(app, charger, clock):
    booking = place(app, "10", "MINUTES")
    number = begin(app, charger, booking)
    read(charger, clock, number, 8, 4_000)
    assert not charger.asked("remote_stop").exists()
    read(charger, clock, number, 12, 6_000)
    assert charger.asked("remote_stop").count() == 1
    charger.end(number, wh=7_100, at=NOON + minutes(12.5))
    told = app.news()[-1]
    assert (telemetry(told)["energy-delivered"], telemetry(told)["ended-by"]) == ("5kWh", "time")
    assert lines(told)["energy-cost"] == "92.50"


def test_the_ordered_time_ends_it_although_no_reading_comes(app, charger, clock):
    booking = place(app, "10", "MINUTES")
    begin(app, charger, booking)
    clock.shift(9 * 60)
    services.move_overdue()
    assert not charger.asked("remote_stop").exists()
    clock.shift(61)
    services.move_overdue()
    assert charger.asked("remote_stop").count() == 1


def test_the_ordered_energy_still_ends_it(app, charger, clock):
    booking = place(app, "20", "kWh")
    number = begin(app, charger, booking)
    read(charger, clock, number, 25, 20_500)
    charger.end(number, wh=21_700, at=NOON + minutes(26))
    told = app.news()[-1]
    assert (total(told), telemetry(told)["ended-by"]) == ("448.40", "energy")


def test_nobody_pays_more_than_was_quoted_however_slow_the_car(app, charger, clock):
    """Half the power was quoted for; this car takes a sixth of it."""
    sell_by(charger, ENERGY_AND_TIME, tax_percent=0)
    booking = place(app, "20", "kWh")  # 340.00
    number = begin(app, charger, booking)
    for at in range(10, 130, 10):
        read(charger, clock, number, at, at * 167)
    read(charger, clock, number, 130, 130 * 167)
    charger.end(number, wh=1000 + 131 * 167, at=NOON + minutes(131))
    told = app.news()[-1]
    assert (telemetry(told)["ended-by"], charger.asked("remote_stop").count()) == ("money", 1)
    assert Decimal("339") < Decimal(total(told)) <= Decimal("340.00")


def test_who_leaves_before_a_limit_ended_it_by_nothing(app, charger, clock):
    booking = place(app, "400", "INR")
    number = begin(app, charger, booking)
    charger.end(number, wh=3_000, at=NOON + minutes(5))
    assert "ended-by" not in telemetry(app.news()[-1])


# --- Tariffs that know the hour ----------------------------------------------------------------------------


@pytest.fixture
def evening(app, charger, clock) -> int:
    """₹10 until ten past twelve, then ₹30; it is noon, and the charge begins."""
    sell_by(charger, EVENING, DAY, tax_percent=0)
    return begin(app, charger, place(app, "40", "kWh"))


def test_the_price_changes_in_the_middle_of_a_charge(app, charger, clock, evening):
    read(charger, clock, evening, 5, 5_000)
    read(charger, clock, evening, 15, 15_000)
    charger.end(evening, wh=21_000, at=NOON + minutes(20))
    told = app.news()[-1]
    breakup = told["message"]["order"]["quote"]["breakup"]
    assert [line["price"]["value"] for line in breakup] == ["300.00", "100.00"]
    assert [line["item"]["quantity"]["selected"]["measure"]["value"] for line in breakup] == ["10", "10"]
    (first, second) = app.booking().final_lines
    assert (first["element"], second["element"]) == (0, 1)
    assert second["to"] == first["from"] == (NOON + minutes(10)).isoformat()


def test_the_running_total_is_the_receipt_also_when_readings_come_late(app, charger, clock, evening):
    """Law 1: what was remembered on the way gives way to the history when that changes."""
    read(charger, clock, evening, 5, 5_000)
    read(charger, clock, evening, 18, 15_000)
    before = total(app.news()[-1])
    charger.meter(evening, (NOON + minutes(9), 1000 + 9_000))  # came late: more flowed before ten past
    clock.shift(60)
    read(charger, clock, evening, 20, 16_000)
    session = Session.objects.get()
    live = running.meter_of(app.booking(), session)
    charger.end(evening, wh=17_000, at=NOON + minutes(20))
    receipt = app.booking()
    assert session.recounts == 1
    assert str(receipt.final_total) == f"{live.bill().total}0"
    assert Decimal(before) > 0 and total(app.news()[-1]) == str(live.bill().total)


def test_a_reading_more_does_not_read_the_history_again(app, charger, clock, evening):
    for at in range(1, 9):
        read(charger, clock, evening, at, at * 1000)
    session, booking = Session.objects.get(), app.booking()
    assert booking.running["meter"]["kwh"] == "8"
    MeterReading.objects.filter(at__lt=session.register_at).delete()  # nobody may miss them
    read(charger, clock, evening, 9, 9_000)
    session.refresh_from_db()
    assert running.meter_of(app.booking(), session).bill().total == Decimal("90.00")


def test_a_tariff_edited_in_between_changes_nothing(app, charger, clock, evening):
    """AT-F2."""
    old = Tariff.objects.get(code="timed")
    publish_tariff(operator=old.operator, code="timed", name="Timed", elements=[DAY | {}, EVENING])
    charger.end(evening, wh=21_000, at=NOON + minutes(20))
    assert total(app.news()[-1]) == "400.00"


def test_parking_is_billed_when_the_plug_says_that_the_car_is_full(app, charger, clock):
    sell_by(charger, ENERGY_AND_TIME, tax_percent=0, parking_grace_minutes=5)
    number = begin(app, charger, place(app, "20", "kWh"))
    read(charger, clock, number, 10, 6_000, power_w=Decimal(36_000))
    charger.status("SuspendedEV")
    app.news()
    clock.shift(6)
    standing.watch()
    for at in (15, 20, 25):
        read(charger, clock, number, at, 6_000, power_w=Decimal(0))
    charger.end(number, wh=7_000, at=NOON + minutes(25))
    told = app.news()[-1]
    # It counts from when the app knew, six seconds later.
    assert lines(told) == {"energy-cost": "90.00", "time-cost": "10.00", "idle-fee": "19.80"}


def test_a_line_that_was_rounded_up_says_why(app, charger, clock):
    """AT-F4."""
    stepped = {"price_components": [{"type": "TIME", "price": "60", "step_size": 300}]}
    sell_by(charger, stepped, tax_percent=0)
    number = begin(app, charger, place(app, "40", "MINUTES"))
    read(charger, clock, number, 38, 6_000)
    charger.end(number, wh=7_000, at=NOON + minutes(38))
    (line,) = app.news()[-1]["message"]["order"]["quote"]["breakup"]
    assert line["item"]["descriptor"]["short_desc"] == "38 min billed as 40 (steps of 5 min)"
    assert (line["title"], line["price"]["value"]) == ("time-cost", "40.00")


def test_a_pause_of_the_station_is_not_parking(app, charger, clock):
    sell_by(charger, ENERGY_AND_TIME, tax_percent=0)
    number = begin(app, charger, place(app, "20", "kWh"))
    read(charger, clock, number, 10, 6_000, power_w=Decimal(36_000))
    charger.status("SuspendedEVSE")
    read(charger, clock, number, 20, 6_000, power_w=Decimal(0))
    charger.end(number, wh=7_000, at=NOON + minutes(20))
    assert "idle-fee" not in lines(app.news()[-1])


def test_the_course_leaves_out_what_proves_nothing(app, charger, clock, evening):
    read(charger, clock, evening, 5, 5_000)
    charger.meter(evening, (NOON + minutes(6), 900_000))  # a jump
    read(charger, clock, evening, 7, 7_000)
    assert [point.energy_wh for point in course(Session.objects.get())] == [5_000, 7_000]


# --- What was frozen before the engine -----------------------------------------------------------------------


def test_an_order_of_before_keeps_its_price(app, charger, clock):
    booking = place(app, "20", "kWh")
    then = {"version": "day v1", "currency": "INR", "energy_rate": "18.5000", "session_fee": "10.00"}
    then |= {"tax_name": "GST", "tax_percent": "18.000"}
    Booking.objects.update(tariff_terms=then)
    number = begin(app, charger, booking)
    read(charger, clock, number, 10, 8_000)
    charger.end(number, wh=17_000, at=NOON + minutes(20))
    assert total(app.news()[-1]) == "361.08"
    assert app.booking().ended_by == ""
