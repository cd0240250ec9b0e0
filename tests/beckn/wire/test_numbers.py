from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.beckn.wire import numbers


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("30%", (Decimal(30), "%")),
        ("22INR", (Decimal(22), "INR")),
        ("2.3kWh", (Decimal("2.3"), "kWh")),
        ("42.1 kW", (Decimal("42.1"), "kW")),
        (" -5 ", (Decimal(-5), "")),
        (".5", (Decimal("0.5"), "")),
        ("7.", (Decimal(7), "")),
        (20, (Decimal(20), "")),
        (Decimal("1.50"), (Decimal("1.50"), "")),
        ("-0", (Decimal(0), "")),
    ],
)
def test_a_number_is_told_from_its_unit(raw, expected):
    assert numbers.read_quantity(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "kWh",
        "NaN",
        "inf",
        "-Infinity",
        "1,5",
        "1 2",
        "१२",
        "9" * 41,
        "1e99",
        "0x1F",
        "--1",
        True,
        None,
        1.5,
        [],
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+99"),
        Decimal("1E-99"),
        10**30,
    ],
)
def test_what_is_no_number_is_refused(raw):
    with pytest.raises(numbers.NumberError):
        numbers.read_quantity(raw)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("20", "kWh", (Decimal(20), "kWh")),
        ("20", "KWH", (Decimal(20), "kWh")),
        ("20", "KILOWATT_HOUR", (Decimal(20), "kWh")),
        ("20000", "Wh", (Decimal(20), "kWh")),
        ("20kwh", None, (Decimal(20), "kWh")),
        ("400", "INR", (Decimal(400), "INR")),
        ("400", "inr", (Decimal(400), "INR")),
        ("45", "MINUTES", (Decimal(45), "MINUTES")),
        ("45", "min", (Decimal(45), "MINUTES")),
        ("1.5", "HOURS", (Decimal(90), "MINUTES")),
        ("PT45M", None, (Decimal(45), "MINUTES")),
        ("7.5", "km", (Decimal("7.5"), "km")),
        ("500", "m", (Decimal("0.5"), "km")),
        ("3", "bananas", (Decimal(3), "bananas")),
        ("3", "", (Decimal(3), "")),
    ],
)
def test_measures_come_home_in_our_units(value, unit, expected):
    number, name = numbers.read_measure(value, unit)
    assert (number, name) == expected


def test_power_energy_and_distance_refuse_other_units():
    assert numbers.read_power_kw("42100 W") == Decimal("42.1")
    assert numbers.read_power_kw("42.1") == Decimal("42.1")
    assert numbers.read_energy_kwh("7420Wh") == Decimal("7.42")
    for read, raw in [
        (numbers.read_power_kw, "7kWh"),
        (numbers.read_energy_kwh, "7kW"),
        (numbers.read_distance_km, "7kW"),
    ]:
        with pytest.raises(numbers.NumberError):
            read(raw)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("18.559010,73.786780", (Decimal("18.559010"), Decimal("73.786780"))),
        ("10.108768, 76.347517", (Decimal("10.108768"), Decimal("76.347517"))),
        ("-33.9,151", (Decimal("-33.900000"), Decimal("151.000000"))),
    ],
)
def test_a_position_is_two_decimals(text, position):
    assert numbers.read_gps(text) == position


@pytest.mark.parametrize("text", ["91,0", "0,181", "12.9", "a,b", "", None, "1,2,3", "12.9716 N,77.5 E"])
def test_an_impossible_position_is_refused(text):
    with pytest.raises(numbers.NumberError):
        numbers.read_gps(text)


def test_positions_go_out_with_six_places():
    assert numbers.gps_text(Decimal("12.9"), Decimal("-0.00000001")) == "12.900000,0.000000"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INR/kWH", ("INR", "kWh")),
        ("inr", ("INR", None)),
        ("INR/min", ("INR", "min")),
        ("INR/kg", ("INR", "kg")),
    ],
)
def test_a_price_unit_is_a_currency_and_what_it_is_for(text, expected):
    assert numbers.read_currency(text) == expected


@pytest.mark.parametrize("text", ["", "RUPEES", "IN", None, "₹", "INR/"])
def test_what_is_no_currency_is_refused(text):
    with pytest.raises(numbers.NumberError):
        numbers.read_currency(text)


def test_money_goes_out_with_two_places_rounded_half_up():
    assert numbers.money_text(Decimal("448.405"), "INR") == "448.41"
    assert numbers.money_text(Decimal("3"), "JPY") == "3.00"
    assert numbers.money_text(Decimal("1.2345"), "KWD") == "1.235"


def test_energy_goes_out_to_the_watt_hour():
    assert numbers.energy_text(Decimal("20.000")) == "20"
    assert numbers.energy_text(Decimal("17.7777")) == "17.778"
    assert numbers.energy_text(Decimal("0")) == "0"
    assert numbers.energy_text(Decimal("1E+2")) == "100"


@given(st.text(max_size=50) | st.decimals() | st.integers())
def test_reading_a_number_gives_a_number_or_a_refusal(raw):
    try:
        number = numbers.read_number(raw)
    except numbers.NumberError:
        return
    assert number.is_finite() and "E" not in numbers.plain(number)
