"""The one bill (law 1, AT-F1 to AT-F3)."""

import json
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.bookings.pricing import Bill, Line, cancellation_bill, read_rules, worded
from apps.pricing import Reading, Tariff, Tax, price
from tests.factory import NOON


def frozen(version, currency, energy_rate, session_fee, tax_name, tax_percent) -> Tariff:
    """Read from what bookings kept before 2026-11-25, as text."""
    facts = dict(version=version, currency=currency, energy_rate=energy_rate, session_fee=session_fee)
    facts |= dict(tax_name=tax_name, tax_percent=tax_percent)
    return read_rules({name: str(value) for name, value in facts.items()})


def bill(rules: Tariff, kwh: Decimal) -> Bill:
    return worded(price(rules, NOON, [Reading(NOON, kwh)]).bill())


TERMS = frozen("day v1", "INR", Decimal("18.5"), Decimal(10), "GST", Decimal(18))
kwh = st.decimals(min_value=0, max_value=200, places=3)
terms = st.builds(
    frozen,
    version=st.just("t v1"),
    currency=st.sampled_from(["INR", "JPY", "KWD", "EUR"]),
    energy_rate=st.decimals(min_value=0, max_value=1000, places=4),
    session_fee=st.decimals(min_value=0, max_value=500, places=2),
    tax_name=st.sampled_from(["GST", "Sales tax", "VAT", "कर"]),
    tax_percent=st.decimals(min_value=0, max_value=40, places=2),
)


def test_the_bill_of_the_fact_sheet():
    assert bill(TERMS, Decimal(20)) == Bill(
        (
            Line("energy-cost", Decimal("370.00"), Decimal(20)),
            Line("service-charge", Decimal("10.00")),
            Line("gst", Decimal("68.40")),
        ),
        Decimal("448.40"),
        "INR",
    )
    assert bill(TERMS, Decimal(16)).total == Decimal("361.08")


def test_nothing_delivered_costs_nothing():
    nothing = bill(TERMS, Decimal(0))
    assert (nothing.total, nothing.lines) == (Decimal("0.00"), (Line("energy-cost", Decimal("0.00")),))


def test_each_line_is_rounded_half_up_once():
    terms = frozen("t v1", "INR", Decimal("0.0050"), Decimal(0), "GST", Decimal(50))
    assert bill(terms, Decimal(1)).lines == (
        Line("energy-cost", Decimal("0.01"), Decimal(1)),
        Line("gst", Decimal("0.01")),
    )


def test_currencies_keep_their_own_minor_units():
    def in_currency(currency: str) -> Decimal:
        return bill(frozen("t v1", currency, Decimal("1.2345"), Decimal(0), "", Decimal(0)), Decimal(1)).total

    assert [in_currency(currency) for currency in ("JPY", "INR", "KWD")] == [
        1,
        Decimal("1.23"),
        Decimal("1.235"),
    ]


def test_leaving_costs_a_share_of_the_quote():
    assert cancellation_bill(Decimal("448.40"), Decimal(10), "INR").total == Decimal("44.84")
    assert cancellation_bill(Decimal("448.40"), Decimal(0), "INR").total == 0


@given(terms, kwh)
def test_lines_add_up_to_the_total_and_each_is_in_minor_units(terms, kwh):
    found = bill(terms, kwh)
    assert sum(line.amount for line in found.lines) == found.total
    unit = {"INR": "0.01", "EUR": "0.01", "JPY": "1", "KWD": "0.001"}[terms.currency]
    for line in found.lines:
        assert line.amount == line.amount.quantize(Decimal(unit), rounding=ROUND_HALF_UP)
        assert line.amount >= 0


@given(terms, kwh, kwh)
def test_more_energy_never_costs_less(terms, one, other):
    assert bill(terms, min(one, other)).total <= bill(terms, max(one, other)).total


@given(terms, kwh)
def test_terms_and_bills_survive_being_kept_as_json(terms, kwh):
    again = read_rules(json.loads(json.dumps(terms.to_json())))
    assert bill(again, kwh) == bill(terms, kwh)
    kept = json.loads(json.dumps(bill(terms, kwh).lines_json()))
    assert Bill.from_json(kept, terms.currency) == bill(terms, kwh)
    assert [Line.from_json(line).facts for line in kept] == [line.facts for line in bill(terms, kwh).lines]


def test_a_simple_tariff_of_then_is_the_same_tariff_now():
    assert Tariff.simple("INR", Decimal("18.5"), Decimal(10), Tax("GST", Decimal(18))) == TERMS
    assert TERMS.version == "day v1"


def test_lines_of_a_bill_kept_then_are_still_read():
    kept = [{"title": "energy-cost", "amount": "370.00"}, {"title": "gst", "amount": "66.60"}]
    assert Bill.from_json(kept, "INR").total == Decimal("436.60")
