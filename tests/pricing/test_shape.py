"""Tariffs from JSON: what is odd is refused by name, never left out silently."""

import pytest

from apps.pricing import Kind, Tariff, TariffFault, Tax, read_elements, read_tariff, read_taxes
from tests.pricing.conftest import D, element, tariff


def restricted(**rules):
    return [element(rules, ENERGY="1")]


@pytest.mark.parametrize(
    ("elements", "place", "problem"),
    [
        ({}, "elements", "not-a-list"),
        ([], "elements", "empty"),
        ([1], "elements[0]", "not-an-object"),
        ([element(ENERGY="1")] * 51, "elements", "too-many"),
        ([{"price_components": []}], "elements[0].price_components", "empty"),
        ([{"price_components": [], "price": 1}], "elements[0]", "unknown-field"),
        ([element(POWER="1")], "elements[0].price_components[0].type", "unknown-word"),
        ([element(ENERGY="dear")], "elements[0].price_components[0].price", "not-a-number"),
        ([element(ENERGY="NaN")], "elements[0].price_components[0].price", "out-of-range"),
        ([element(ENERGY="Infinity")], "elements[0].price_components[0].price", "out-of-range"),
        ([element(ENERGY="-1")], "elements[0].price_components[0].price", "out-of-range"),
        ([element(ENERGY=True)], "elements[0].price_components[0].price", "not-a-number"),
        ([element(ENERGY="1e9")], "elements[0].price_components[0].price", "out-of-range"),
        ([element(ENERGY="0.0000001")], "elements[0].price_components[0].price", "too-many-places"),
        ([element(ENERGY=("1", "0.5"))], "elements[0].price_components[0].step_size", "not-whole"),
        ([element(ENERGY=("1", -1))], "elements[0].price_components[0].step_size", "out-of-range"),
        (
            [{"price_components": element(ENERGY="1")["price_components"] * 2}],
            "elements[0].price_components",
            "twice",
        ),
        (
            [{"price_components": [{"type": "ENERGY", "price": 1, "vat": 19}]}],
            "elements[0].price_components[0]",
            "unknown-field",
        ),
        (restricted(start_time="25:00"), "elements[0].restrictions.start_time", "not-a-time"),
        (restricted(start_time=22), "elements[0].restrictions.start_time", "not-a-time"),
        (
            restricted(start_time="22:00", end_time="22:00"),
            "elements[0].restrictions.end_time",
            "same-time",
        ),
        (restricted(start_date="tomorrow"), "elements[0].restrictions.start_date", "not-a-date"),
        (
            restricted(start_date="2026-02-01", end_date="2026-01-01"),
            "elements[0].restrictions.end_date",
            "less-than-least",
        ),
        (restricted(min_kwh=9, max_kwh=9), "elements[0].restrictions.max_kwh", "less-than-least"),
        (
            restricted(min_duration=90, max_duration=60),
            "elements[0].restrictions.max_duration",
            "less-than-least",
        ),
        (restricted(day_of_week=["FUNDAY"]), "elements[0].restrictions.day_of_week", "unknown-word"),
        (restricted(day_of_week="MONDAY"), "elements[0].restrictions.day_of_week", "not-a-list"),
        (restricted(reservation="MAYBE"), "elements[0].restrictions.reservation", "unknown-word"),
        (restricted(weather="rain"), "elements[0].restrictions", "unknown-field"),
    ],
)
def test_an_odd_element_is_refused_by_its_place(elements, place, problem):
    with pytest.raises(TariffFault) as fault:
        read_elements(elements)
    assert (fault.value.place, fault.value.problem) == (place, problem)


@pytest.mark.parametrize(
    ("taxes", "place", "problem"),
    [
        ("GST", "taxes", "not-a-list"),
        ([{"percent": 18}], "taxes[0].name", "not-a-name"),
        ([{"name": "GST", "percent": 101}], "taxes[0].percent", "out-of-range"),
        ([{"name": "GST"}], "taxes[0].percent", "not-a-number"),
        ([{"name": "GST", "percent": 5}, {"name": "GST", "percent": 5}], "taxes", "twice"),
        ([{"name": "GST", "percent": 5, "on": ["WATER"]}], "taxes[0].on", "unknown-word"),
        ([{"name": "GST", "percent": 5, "compound": "yes"}], "taxes[0].compound", "not-yes-or-no"),
    ],
)
def test_an_odd_tax_is_refused_by_its_place(taxes, place, problem):
    with pytest.raises(TariffFault) as fault:
        read_taxes(taxes)
    assert (fault.value.place, fault.value.problem) == (place, problem)


@pytest.mark.parametrize(
    ("more", "place", "problem"),
    [
        ({"zone": "Mars/Olympus"}, "zone", "unknown-zone"),
        ({"zone": "../etc/passwd"}, "zone", "unknown-zone"),
        ({"min_price": 10, "max_price": 5}, "max_price", "less-than-least"),
        (
            {"max_price": 5, "taxes": [{"name": "GST", "percent": 5, "on": ["ENERGY"]}]},
            "taxes",
            "bounds-need-whole-taxes",
        ),
        ({"colour": "green"}, "tariff", "unknown-field"),
    ],
)
def test_what_no_part_alone_can_know(more, place, problem):
    with pytest.raises(TariffFault) as fault:
        tariff(element(ENERGY="1"), **more)
    assert (fault.value.place, fault.value.problem) == (place, problem)


def test_numbers_may_be_numbers_or_text():
    one, other = (tariff(element(ENERGY=price)) for price in (18.5, "18.50"))
    assert one.elements[0].by_kind[Kind.ENERGY].price == other.elements[0].by_kind[Kind.ENERGY].price


def test_a_simple_tariff_is_said_in_the_same_shape():
    simple = Tariff.simple("INR", D("18.5"), D(10), Tax("GST", D(18)), zone="Asia/Kolkata")
    assert read_tariff(simple.to_json()) == simple
    assert simple.to_json()["elements"] == [
        {
            "price_components": [
                {"type": "ENERGY", "price": "18.5", "step_size": 0},
                {"type": "FLAT", "price": "10", "step_size": 0},
            ]
        }
    ]
