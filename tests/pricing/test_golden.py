"""The golden vectors of docs/pricing.md, under the numbers they have there. All were worked out by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.pricing import Limit, Limits, Phase, Reading, Tariff, Tax, most_for_parking, price
from tests.pricing.conftest import D, element, even, local, said, tariff

NOON = local("2026-11-25T12:00")


def test_1_energy_and_a_fee_with_tax_on_top():
    simple = Tariff.simple("INR", D("18.5"), D(10), Tax("GST", D(18)))
    bill = price(simple, NOON, even(NOON, minutes=20, kwh=20)).bill()
    assert said(bill) == [("ENERGY", 0, D("370.00")), ("FLAT", 0, D("10.00")), ("GST", None, D("68.40"))]
    assert bill.total == D("448.40")


def test_2_minutes_are_billed_in_steps():
    """38 minutes at ₹3 a minute in steps of five are 40 minutes."""
    (line,) = price(tariff(element(TIME=("180", 300))), NOON, even(NOON, minutes=38, kwh=9)).bill().lines
    assert (line.measured, line.billed, line.step, line.amount) == (2280, 2400, 300, D("120.00"))
    assert line.is_stepped


def test_3_exactly_full_steps_are_not_rounded_up():
    (line,) = price(tariff(element(TIME=("180", 300))), NOON, even(NOON, minutes=40, kwh=9)).bill().lines
    assert (line.billed, line.amount, line.is_stepped) == (2400, D("120.00"), False)


def test_4_where_parking_is_billed_only_parking_is_rounded():
    rules = tariff(element(TIME=("180", 300), PARKING_TIME=("60", 900)))
    parked = Reading(NOON + timedelta(minutes=48), D(9), Phase.PARKED)
    bill = price(rules, NOON, [*even(NOON, minutes=38, kwh=9), parked]).bill()
    assert said(bill) == [("TIME", 0, D("114.00")), ("PARKING_TIME", 0, D("15.00"))]


def test_5_the_step_of_the_last_component_rounds_the_whole_session():
    """30 min at ₹1, then ₹2 in steps of ten: 41 minutes are 50, and the nine more are ₹2 each."""
    rules = tariff(
        element({"max_duration": 1800}, TIME=("60", 60)), element({"min_duration": 1800}, TIME=("120", 600))
    )
    bill = price(rules, NOON, even(NOON, minutes=41, kwh=5)).bill()
    assert [(line.measured, line.billed, line.amount) for line in bill.lines] == [
        (1800, 1800, D("30.00")),
        (660, 1200, D("40.00")),
    ]


def test_6_energy_in_steps_of_a_kilowatt_hour():
    (line,) = price(tariff(element(ENERGY=("20", 1000))), NOON, even(NOON, minutes=9, kwh="9.4")).bill().lines
    assert (line.measured, line.billed, line.amount) == (D("9.4"), 10, D("200.00"))


def test_7_the_first_ten_kilowatt_hours_cost_more():
    rules = tariff(element({"max_kwh": 10}, ENERGY="20"), element({"min_kwh": 10}, ENERGY="15"))
    bill = price(rules, NOON, even(NOON, minutes=60, kwh=25)).bill()
    assert said(bill) == [("ENERGY", 0, D("200.00")), ("ENERGY", 1, D("225.00"))]
    assert bill.lines[0].ends_at == bill.lines[1].begins_at == NOON + timedelta(minutes=24)
    assert len(price(rules, NOON, even(NOON, minutes=60, kwh=10)).bill().lines) == 1


def test_8_the_first_element_that_fits_wins_for_each_kind():
    rules = tariff(
        element({"min_kwh": 5}, ENERGY="10"), element(ENERGY="20", FLAT="7"), element(ENERGY="1", FLAT="1")
    )
    bill = price(rules, NOON, even(NOON, minutes=10, kwh=6)).bill()
    assert said(bill) == [
        ("ENERGY", 0, D("10.00")),
        ("ENERGY", 1, D("100.00")),
        ("FLAT", 1, D("7.00")),
    ]


def test_9_power_decides_stretch_by_stretch():
    """Up to 22 kW ₹12, from there ₹20: 10 min at 60 kW are 10 kWh, 30 min at 20 kW are 10 kWh."""
    rules = tariff(element({"min_power": 22}, ENERGY="20"), element(ENERGY="12"))
    fast = Reading(NOON + timedelta(minutes=10), D(10))
    slow = Reading(NOON + timedelta(minutes=40), D(20))
    assert said(price(rules, NOON, [fast, slow]).bill()) == [
        ("ENERGY", 0, D("200.00")),
        ("ENERGY", 1, D("120.00")),
    ]


def test_10_current_decides_only_where_the_meter_tells_it():
    rules = tariff(element({"min_current": 32}, ENERGY="20"), element(ENERGY="12"))
    strong = Reading(NOON + timedelta(minutes=10), D(2), current_a=D(32))
    weak = Reading(NOON + timedelta(minutes=20), D(3), current_a=D("31.9"))
    silent = Reading(NOON + timedelta(minutes=30), D(4))
    bill = price(rules, NOON, [strong, weak, silent]).bill()
    assert said(bill) == [("ENERGY", 0, D("40.00")), ("ENERGY", 1, D("24.00"))]


def test_11_parking_after_its_grace():
    rules = tariff(element(ENERGY="10", PARKING_TIME="120"), parking_grace=600)
    charged = Reading(NOON + timedelta(minutes=30), D(10))
    parked = [Reading(NOON + timedelta(minutes=m), D(10), Phase.PARKED) for m in (35, 40, 45)]
    assert [price(rules, NOON, [charged, *parked[:n]]).bill().total for n in (0, 1, 2, 3)] == [
        D("100.00"),
        D("100.00"),
        D("100.00"),
        D("110.00"),
    ]


def test_12_a_pause_in_between_is_not_parking_unless_somebody_proved_it():
    rules = tariff(element(ENERGY="10", PARKING_TIME="120"))
    pause = [Reading(NOON + timedelta(minutes=m), D(kwh)) for m, kwh in ((10, 5), (20, 5), (30, 10))]
    assert price(rules, NOON, pause).bill().total == D("100.00")


def test_13_two_taxes_are_two_lines_each_rounded_once():
    taxes = [{"name": "CGST", "percent": 9}, {"name": "SGST", "percent": 9}]
    bill = price(tariff(element(ENERGY="18.5"), taxes=taxes), NOON, even(NOON, minutes=9, kwh="3.333")).bill()
    assert said(bill) == [
        ("ENERGY", 0, D("61.66")),
        ("CGST", None, D("5.55")),
        ("SGST", None, D("5.55")),
    ]
    assert bill.total == D("72.76")


def test_14_a_compound_tax_is_also_on_the_taxes_before_it():
    taxes = [{"name": "GST", "percent": 5}, {"name": "QST", "percent": 10, "compound": True}]
    bill = price(tariff(element(ENERGY="10"), taxes=taxes), NOON, even(NOON, minutes=9, kwh=10)).bill()
    assert said(bill)[1:] == [("GST", None, D("5.00")), ("QST", None, D("10.50"))]
    assert bill.total == D("115.50")


def test_15_parking_may_be_zero_rated():
    taxes = [{"name": "GST", "percent": 18, "on": ["ENERGY"]}]
    rules = tariff(element(ENERGY="10", PARKING_TIME="60"), taxes=taxes)
    parked = Reading(NOON + timedelta(minutes=40), D(10), Phase.PARKED)
    bill = price(rules, NOON, [*even(NOON, minutes=30, kwh=10), parked]).bill()
    assert said(bill)[2:] == [("GST", None, D("18.00"))]


def test_16_included_taxes_are_shares_and_no_lines():
    taxes = [{"name": "CGST", "percent": 9}, {"name": "SGST", "percent": 9}]
    rules = tariff(element(ENERGY="21.83"), taxes=taxes, tax_included=True)
    bill = price(rules, NOON, even(NOON, minutes=9, kwh=10)).bill()
    assert said(bill) == [("ENERGY", 0, D("218.30"))]
    assert [(share.name, share.amount, share.is_included) for share in bill.taxes] == [
        ("CGST", D("16.65"), True),
        ("SGST", D("16.65"), True),
    ]


def test_17_included_compound_taxes():
    """115.50 = 100 + 5 + 10.50."""
    taxes = [{"name": "GST", "percent": 5}, {"name": "QST", "percent": 10, "compound": True}]
    rules = tariff(element(ENERGY="11.55"), taxes=taxes, tax_included=True)
    bill = price(rules, NOON, even(NOON, minutes=9, kwh=10)).bill()
    assert [share.amount for share in bill.taxes] == [D("5.00"), D("10.50")]


def test_18_a_floor_and_a_ceiling_are_lines():
    rules = tariff(element(ENERGY="10"), min_price=50, max_price=120, taxes=[{"name": "GST", "percent": 10}])
    little, much = (price(rules, NOON, even(NOON, minutes=9, kwh=kwh)).bill() for kwh in (3, 20))
    assert said(little) == [
        ("ENERGY", 0, D("30.00")),
        ("MINIMUM", None, D("20.00")),
        ("GST", None, D("5.00")),
    ]
    assert said(much) == [
        ("ENERGY", 0, D("200.00")),
        ("MAXIMUM", None, D("-80.00")),
        ("GST", None, D("12.00")),
    ]


def test_19_nothing_delivered_costs_nothing():
    rules = tariff(element(ENERGY="10", FLAT="20", TIME="60", PARKING_TIME="60"), min_price=50)
    parked = Reading(NOON + timedelta(hours=2), D(0), Phase.PARKED)
    bill = price(rules, NOON, [*even(NOON, minutes=30, kwh=0), parked]).bill()
    assert (said(bill), bill.total) == ([], D("0.00"))


def test_20_a_reservation_costs_its_time_and_then_the_charge_begins_anew():
    rules = tariff(
        element({"reservation": "RESERVATION"}, TIME=("60", 300)),
        element({"max_duration": 600}, ENERGY="10"),
        element(ENERGY="20"),
    )
    kept = Reading(NOON + timedelta(minutes=12), D(0), Phase.RESERVED)
    charged = Reading(NOON + timedelta(minutes=32), D(20))
    bill = price(rules, NOON, [kept, charged]).bill()
    assert [(line.kind, line.element, line.amount) for line in bill.lines] == [
        ("ENERGY", 1, D("100.00")),
        ("ENERGY", 2, D("200.00")),
        ("RESERVATION", 0, D("15.00")),
    ]


def test_21_a_reservation_nobody_used():
    rules = tariff(
        element({"reservation": "RESERVATION_EXPIRES"}, FLAT="40"),
        element({"reservation": "RESERVATION"}, TIME="60"),
        element(ENERGY="10", FLAT="5"),
    )
    until = NOON + timedelta(minutes=15)
    kept = [Reading(until, D(0), Phase.RESERVED), Reading(until, D(0), Phase.EXPIRED)]
    bill = price(rules, NOON, kept).bill()
    assert said(bill) == [("RESERVATION", 1, D("15.00")), ("RESERVATION", 0, D("40.00"))]


def test_22_a_fee_is_owed_once_and_a_later_one_beside_it():
    rules = tariff(
        element({"min_duration": 3600}, FLAT="50"),
        element({"start_time": "12:00", "end_time": "12:30"}, FLAT="5", ENERGY="10"),
        element(FLAT="9", ENERGY="10"),
    )
    totals = [price(rules, NOON, even(NOON, minutes=m, kwh=1)).bill().total for m in (30, 59, 60, 61)]
    assert totals == [D("15.00"), D("15.00"), D("15.00"), D("65.00")]


@pytest.mark.parametrize(
    ("currency", "total"), [("JPY", "44"), ("INR", "44.44"), ("KWD", "44.444"), ("EUR", "44.44")]
)
def test_23_currencies_keep_their_minor_units(currency, total):
    rules = tariff(element(ENERGY="4.4444"), currency=currency)
    assert price(rules, NOON, even(NOON, minutes=9, kwh=10)).bill().total == Decimal(total)


def test_24_half_a_paisa_is_rounded_up_once_per_line():
    rules = tariff(element(ENERGY="0.005"), taxes=[{"name": "GST", "percent": 50}])
    assert said(price(rules, NOON, even(NOON, minutes=9, kwh=1)).bill()) == [
        ("ENERGY", 0, D("0.01")),
        ("GST", None, D("0.01")),
    ]


PARKED_HOURLY = {"ENERGY": "10", "PARKING_TIME": "120"}


def after(minutes: int, kwh: int, phase: Phase) -> Reading:
    return Reading(NOON + timedelta(minutes=minutes), D(kwh), phase)


def test_25_who_stands_on_after_the_ordered_energy_pays_for_the_standing_and_nothing_else():
    """What flowed beyond the order, and the time until the stop, are nobody's."""
    rules = tariff(element(**PARKED_HOURLY, TIME="60"), parking_grace=300)
    course = [
        *even(NOON, minutes=40, kwh=20),
        after(60, 20, Phase.PARKED),
    ]
    meter = price(rules, NOON, course, Limits(kwh=D(10)))
    assert said(meter.bill()) == [
        ("ENERGY", 0, D("100.00")),
        ("TIME", 0, D("20.00")),
        ("PARKING_TIME", 0, D("30.00")),  # 20 min, 5 of them free
    ]
    assert (meter.kwh, meter.reached) == (D(10), Limit.ENERGY)


def test_26_standing_is_capped_and_the_cap_is_taxed_as_the_standing():
    taxes = [{"name": "GST", "percent": 18, "on": ["PARKING_TIME"]}]
    rules = tariff(element(**PARKED_HOURLY), parking_cap=50, taxes=taxes)
    bill = price(rules, NOON, [*even(NOON, minutes=30, kwh=10), after(90, 10, Phase.PARKED)]).bill()
    assert said(bill) == [
        ("ENERGY", 0, D("100.00")),
        ("PARKING_TIME", 0, D("120.00")),
        ("PARKING_CAP", None, D("-70.00")),
        ("GST", None, D("9.00")),
    ]
    assert most_for_parking(rules) == D("59.00")


def test_27_standing_that_is_spared_costs_nothing_and_takes_none_of_the_grace():
    rules = tariff(element(**PARKED_HOURLY, TIME="60"), parking_grace=600)
    course = [*even(NOON, minutes=30, kwh=10), after(60, 10, Phase.SPARED), after(75, 10, Phase.PARKED)]
    assert said(price(rules, NOON, course).bill()) == [
        ("ENERGY", 0, D("100.00")),
        ("TIME", 0, D("30.00")),
        ("PARKING_TIME", 0, D("10.00")),
    ]


def test_28_ordered_money_does_not_limit_the_standing_but_the_most_does():
    rules = tariff(element(**PARKED_HOURLY))
    course = [*even(NOON, minutes=30, kwh=20), after(60, 20, Phase.PARKED), after(120, 20, Phase.PARKED)]
    limits = Limits(money=D(100), most=D(130))
    assert said(price(rules, NOON, course[:2], limits).bill())[0] == ("ENERGY", 0, D("100.00"))
    bill = price(rules, NOON, course, limits).bill()
    assert (said(bill)[1], bill.total) == (("PARKING_TIME", 0, D("30.00")), D("130.00"))


def test_29_a_reservation_costs_its_fee_and_its_minutes_and_the_charge_only_its_own():
    rules = tariff(
        element({"reservation": "RESERVATION"}, FLAT="20", TIME="60"),
        element(ENERGY="10", TIME="30"),
        taxes=[{"name": "GST", "percent": 10}],
    )
    course = [after(8, 0, Phase.RESERVED), after(38, 10, Phase.CHARGING)]
    bill = price(rules, NOON, course).bill()
    assert [(line.kind, line.amount) for line in bill.lines] == [
        ("ENERGY", D("100.00")),
        ("RESERVATION", D("8.00")),
        ("TIME", D("15.00")),
        ("RESERVATION", D("20.00")),
        ("TAX", D("14.30")),
    ]
