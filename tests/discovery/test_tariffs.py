"""Tariffs with elements: from the wire to a sentence and to the price of the usual charge (AT-F5, AT-F7)."""

import json
from decimal import Decimal

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.discovery import network
from apps.discovery.finding import cost
from apps.discovery.forms import Filters, Usual
from apps.discovery.models import Offer
from apps.discovery.prices import typical_price
from apps.discovery.sentences import sentences
from apps.discovery.tariffs import sentence
from apps.lib import clock
from tests.discovery.catalogs import catalog, item, provider, tags
from tests.pricing.conftest import element, local, tariff

NIGHT = element({"start_time": "22:00", "end_time": "06:00"}, ENERGY="12.50", TIME=("30", 300))
DAY = element(ENERGY="18.50", FLAT="10", PARKING_TIME="120")
GST = [{"name": "GST", "percent": 18}]
RULES = tariff(NIGHT, DAY, taxes=GST, max_price=900, parking_grace=600)


def plug(text, **more):
    said = item()
    said["tags"].append(tags("price-components", energy_rate="18.5", ocpi_tariff=text, **more))
    return provider(items=[said], tags=[tags("extensions", order_by="energy,money")])


def told(text, **more):
    (offer,) = network.read_catalog(wire.Catalog.model_validate(catalog(plug(text, **more))))
    return offer


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (
            RULES,
            [
                "from 22:00 to 06:00: ₹12.50 per kWh and ₹0.50 per minute (in steps of 5 min)",
                "otherwise: ₹18.50 per kWh",
                "always: ₹10.00 per charge and ₹2.00 per minute plugged in after charging",
                "plus 18 % GST",
                "at most ₹900.00 per charge",
                "the first 10 min after charging are free",
            ],
        ),
        (
            tariff(
                element({"max_kwh": 10}, ENERGY=("20", 1000)),
                element({"min_power": "50.5", "day_of_week": ["SUNDAY", "SATURDAY"]}, ENERGY="15"),
                element({"min_duration": 3600, "reservation": "RESERVATION"}, TIME="60"),
                element({"reservation": "RESERVATION_EXPIRES"}, FLAT="40"),
                taxes=[{"name": "CGST", "percent": 9}, {"name": "SGST", "percent": "9.5"}],
                tax_included=True,
                min_price=20,
            ),
            [
                "up to 10 kWh: ₹20.00 per kWh (in steps of 1 kWh)",
                "Saturday and Sunday, from 50.5 kW on: ₹15.00 per kWh",
                "while it is reserved, after 60 min: ₹1.00 per minute",
                "when a reservation is not used: ₹40.00 per charge",
                "9 % CGST and 9.5 % SGST included",
                "at least ₹20.00 per charge",
            ],
        ),
        (tariff(element({"start_date": "2026-01-01", "end_date": "2027-01-01"}, ENERGY="0")), None),
    ],
)
def test_a_tariff_is_said_in_plain_sentences(rules, words):
    words = words or ["from 2026-01-01 on, before 2027-01-01: ₹0.00 per kWh"]
    assert sentences(rules) == words


def test_the_whole_tariff_comes_home_with_the_offer():
    offer = told(json.dumps(RULES.to_json()))
    assert offer.tariff == RULES
    assert offer.order_by == "energy,money"


@pytest.mark.parametrize(
    "text",
    [
        "Standard tariff",
        "[]",
        "{}",
        '{"currency": "INR", "elements": []}',
        json.dumps(RULES.to_json() | {"currency": "EUR"}),  # not of the price beside it
        json.dumps(RULES.to_json() | {"zone": "Nowhere/Land"}),
        json.dumps(RULES.to_json() | {"surprise": 1}),
        json.dumps(RULES.to_json() | {"min_price": "NaN"}),
        " " * 20_001,
    ],
)
def test_a_tariff_nobody_can_count_with_is_no_tariff(text):
    offer = told(text)
    assert (offer.tariff, offer.energy_rate) == (None, Decimal("18.5000"))


def kept(**facts):
    columns = {"currency": "INR", "energy_rate": Decimal("18.5"), "session_fee": Decimal(10)}
    columns |= {"tax_name": "GST", "tax_percent": Decimal(18)}
    return Offer(**columns | facts)


def test_the_usual_charge_costs_what_the_hour_says():
    """20 kWh in 35 minutes: by day 370 and 10, by night 250, 17.50 and 10; 18 % on top."""
    offer = kept(tariff=RULES.to_json())
    by_day, by_night = (
        typical_price(offer, 20, 35, begins_at=local(at)) for at in ("2026-11-25T12:00", "2026-11-25T23:00")
    )
    assert (by_day.amount, by_night.amount) == (Decimal("448.40"), Decimal("327.45"))
    assert typical_price(offer, 20, 65, begins_at=local("2026-11-25T23:00")).amount == Decimal("345.15")


def test_a_simple_tariff_costs_what_it_always_did():
    assert typical_price(kept()).amount == Decimal("448.40")
    assert typical_price(kept(tax_percent=None)).amount == Decimal("380.00")
    assert typical_price(kept(energy_rate=None)) is None
    assert sentence(kept()) == "₹18.50 per kWh and ₹10.00 per session, plus 18 % GST on both"


def test_an_offer_says_its_tariff_in_one_line():
    words = sentence(kept(tariff=RULES.to_json()))
    assert words.startswith("from 22:00 to 06:00: ₹12.50 per kWh")
    assert "; plus 18 % GST; " in words


@pytest.mark.django_db
def test_the_filter_counts_with_the_dearest_minute(tell):
    """A price "at most" that turned out too low would be a broken promise."""
    tell(catalog(plug(json.dumps(RULES.to_json()), service_charge="10")))
    offer = Offer.objects.annotate(cost=cost(Filters(usual=Usual(20, 35)))).get()
    assert (offer.minute_rate, offer.tax_percent, offer.order_by) == (Decimal("0.5"), 18, "energy,money")
    assert offer.rules == RULES
    assert offer.cost == offer.usual_cents == 469_05  # (370 + 17.50 + 10) × 1.18
    assert offer.cost >= 100 * typical_price(offer, 20, 35, begins_at=clock.now()).amount
