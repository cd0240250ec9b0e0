"""What my usual charge costs: the filter "at most", and the cheapest first. The rows of stations know most of it."""

import random
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.discovery import cheapest, finding, selectors
from apps.discovery.areas import distance_km
from apps.discovery.forms import Filters, Usual
from apps.discovery.models import Facets, Offer, OfferedStation
from tests.discovery.catalogs import catalog, item, location, provider

HERE = {"lat": Decimal("12.9716"), "lon": Decimal("77.5946"), "currency": "INR"}
PLUGS = (("IEC_62196_T2_COMBO", "DC"), ("CHADEMO", "DC"), ("IEC_62196_T2", "AC"))


@pytest.fixture
def country(tell):
    """Forty stations with three plugs each; some tell no price, some charge by the session, some want tax."""
    dice, places, items = random.Random(5), [], []
    for number in range(40):
        name = f"st-{number}"
        gps = f"{12.9 + number % 7 / 50:.6f},{77.55 + number % 5 / 50:.6f}"
        places.append(location(name, gps=gps, name=f"Station {number}"))
        for letter, (standard, current) in zip("ABC", PLUGS, strict=True):
            price = dice.choice((None, "8", "9.5", "9.5", "12.25", "18", "22"))
            more = {
                "session_fee": dice.choice(("", "5.00", "40")),
                "tax_percent": dice.choice(("", "18", "8.875")),
            }
            said = {"connector_type": standard, "charger_type": current, "connector_id": letter, **more}
            one = item(f"{name}-{letter}", place=name, price=price, **{k: v for k, v in said.items() if v})
            if price is None:
                del one["price"]
            items.append(one)
    tell(catalog(provider(locations=places, items=items)))


def cents_of(offer: Offer, usual: Usual) -> int | None:
    """By hand."""
    if offer.energy_rate is None:
        return None
    net = round(offer.energy_rate * usual.energy_kwh, 2) + (offer.session_fee or 0)
    tax = (net * (offer.tax_percent or 0) / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    return int((net + tax) * 100)


def by_hand(filters: Filters) -> list[tuple]:
    """(price or for ever, distance, name) of each station in the order of the list."""
    found = []
    for station in OfferedStation.objects.all():
        fits = [plug for plug in station.offers.all() if not filters.plugs or plug.standard in filters.plugs]
        prices = [cents for plug in fits if (cents := cents_of(plug, filters.usual)) is not None]
        if filters.max_price is not None:
            prices = [cents for cents in prices if cents <= filters.max_price * 100]
            if not prices:
                continue
        away = distance_km(filters.lat, filters.lon, station.lat, station.lon)
        found.append((min(prices, default=2**62), away, station.name))
    return sorted(found)


USUALS = [Usual(), Usual(20, 60), Usual(45, 35), Usual(7, 12)]


@pytest.mark.parametrize("usual", USUALS)
@pytest.mark.parametrize("plugs", [(), ("CHADEMO",)])
@pytest.mark.parametrize("candidates", [1, 4])
def test_the_list_by_price_is_the_one_made_by_hand(country, monkeypatch, usual, plugs, candidates):
    monkeypatch.setattr(cheapest, "CANDIDATES", candidates)
    monkeypatch.setattr(selectors, "PAGE", 7)
    filters = Filters(**HERE, usual=usual, plugs=plugs, sort="price")
    expected = by_hand(filters)
    for page in (1, 2, 4):
        cards = selectors.find(filters, page=page).cards
        told = [card.price.amount * 100 if card.price else 2**62 for card in cards]
        assert told == [price for price, _away, _name in expected[7 * page - 7 : 7 * page]]
    assert (
        len({card.station.pk for page in range(1, 7) for card in selectors.find(filters, page=page).cards})
        == 40
    )


@pytest.mark.parametrize("usual", USUALS)
@pytest.mark.parametrize("plugs", [(), ("IEC_62196_T2",)])
@pytest.mark.parametrize("most", ["0", "190", "195.00", "226.56", "250", "1000000"])
def test_at_most_finds_what_is_found_by_hand(country, usual, plugs, most):
    filters = Filters(**HERE, usual=usual, plugs=plugs, max_price=Decimal(most))
    expected = {name for _price, _away, name in by_hand(filters)}
    assert {card.station.name for card in _all(filters)} == expected
    assert selectors.find(filters).total == len(expected)


def _all(filters: Filters) -> list:
    pages = (selectors.find(filters, page=page) for page in (1, 2))
    return [card for found in pages for card in found.cards]


def test_other_money_is_not_at_most(country):
    assert selectors.find(Filters(**{**HERE, "currency": "EUR"}, max_price=Decimal(10_000))).total == 0


def test_two_moneys_at_one_station_are_told_apart(tell):
    euros = item("plug-2", connector_id="B")
    euros["price"] = {"value": "0.50", "currency": "EUR/kWH"}
    tell(catalog(provider(items=[item(price="30"), euros])))
    assert selectors.find(Filters(**HERE, max_price=Decimal(100))).total == 0
    assert selectors.find(Filters(**{**HERE, "currency": "EUR"}, max_price=Decimal(10))).total == 1


def test_the_row_of_the_station_is_enough(country):
    """No plug is asked: the row says yes though the plugs have lost their prices since."""
    filters = Filters(**HERE, max_price=Decimal(200))
    sure = finding.stations(filters, timezone.now()).count()
    Offer.objects.update(usual_cents=None)
    assert finding.stations(filters, timezone.now()).count() == sure > 0


def test_a_row_that_knows_nothing_asks_the_plugs(country):
    """As after the migration."""
    filters = Filters(**HERE, max_price=Decimal(200))
    expected = selectors.find(filters).total
    Facets.objects.update(price_from=0, price_to=2**62, money=-1)
    assert selectors.find(filters).total == expected > 0


@pytest.mark.parametrize("count", [3, 40])
def test_a_list_by_price_costs_as_many_questions_however_long_it_is(
    country, django_assert_num_queries, count
):
    OfferedStation.objects.filter(pk__in=OfferedStation.objects.order_by("pk")[count:].values("pk")).delete()
    with django_assert_num_queries(5):
        selectors.find(Filters(**HERE, sort="price"))
    with django_assert_num_queries(4):
        selectors.find(Filters(**HERE, max_price=Decimal(200)))


def test_where_the_candidates_are_too_few_one_more_question_is_asked(
    tell, django_assert_num_queries, monkeypatch
):
    """A cheap plug that does not fit brings its station to the front, and says nothing of the one that fits."""
    items, places = [], []
    for name in ("a", "b"):
        places.append(location(name, name=name.upper()))
        items.append(
            item(f"{name}-1", place=name, price="8", connector_type="IEC_62196_T2", charger_type="AC")
        )
        items.append(item(f"{name}-2", place=name, price="22", connector_type="CHADEMO"))
    places.append(location("c", name="C", gps="12.972000,77.595000"))
    items.append(item("c-1", place="c", price="12", connector_type="CHADEMO"))
    tell(catalog(provider(locations=places, items=items)))
    monkeypatch.setattr(cheapest, "CANDIDATES", 1)
    monkeypatch.setattr(selectors, "PAGE", 1)
    with django_assert_num_queries(6):
        found = selectors.find(Filters(**HERE, plugs=("CHADEMO",), sort="price"))
    assert [card.station.name for card in found.cards] == ["C"]
