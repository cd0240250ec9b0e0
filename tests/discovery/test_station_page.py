from datetime import timedelta
from decimal import Decimal

import pytest

from apps.discovery.models import Offer, OfferedStation
from apps.discovery.tariffs import sentence, tariffs_of
from tests.discovery import catalogs

PRICED = {"service_charge": "5.00", "tax_name": "GST", "tax_percent": "18"}


def offer(rate: str | None = "18.5", fee: str | None = None, tax: str | None = "18", **facts) -> Offer:
    numbers = {"energy_rate": rate, "session_fee": fee, "tax_percent": tax}
    told = {name: None if value is None else Decimal(value) for name, value in numbers.items()}
    return Offer(**{"currency": "INR", "tax_name": "GST", **told, **facts})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (offer(), "₹18.50 per kWh, plus 18 % GST"),
        (offer(fee="10"), "₹18.50 per kWh and ₹10.00 per session, plus 18 % GST on both"),
        (offer(fee="0"), "₹18.50 per kWh, plus 18 % GST"),
        (offer(tax="12.5"), "₹18.50 per kWh, plus 12.5 % GST"),
        (offer(tax_name=""), "₹18.50 per kWh, plus 18 % tax"),
        (offer(tax="0"), "₹18.50 per kWh, no tax on top"),
        (offer(tax=None), "₹18.50 per kWh"),
        (offer(rate="0", fee="10", tax="0"), "₹0.00 per kWh and ₹10.00 per session, no tax on top"),
        (offer(rate="0"), "Free of charge"),
        (offer(rate=None), "Price not given"),
        (offer(currency=""), "Price not given"),
        (offer(rate=None, fee="10"), "₹10.00 per session; the price per kWh is not given"),
    ],
)
def test_a_tariff_is_a_sentence(told, words):
    assert sentence(told) == words


def test_plugs_that_cost_the_same_share_a_line_and_the_cheapest_is_first():
    lines = tariffs_of(
        [offer(letter="A"), offer("12", letter="B"), offer(letter="C"), offer(None, letter="D")]
    )
    assert [line.plugs for line in lines] == ["B", "A, C", "D"]
    assert lines[0].price.amount == Decimal("283.20") and lines[2].price is None


def test_one_tariff_names_no_plugs():
    (line,) = tariffs_of([offer(letter="A"), offer(letter="B")])
    assert line.plugs == ""


# --- The page ---------------------------------------------------------------------------------------------


@pytest.fixture
def show(client, tell):
    """show(**facts of the plug) → the page."""

    def show(**facts) -> str:
        tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(**facts)])))
        return client.get(OfferedStation.objects.get().get_absolute_url()).content.decode()

    return show


def test_free_is_said_only_when_the_tariff_says_it(show):
    text = show(price="0", **PRICED | {"service_charge": "0"})
    assert "Free of charge" in text and "A typical charge" not in text


def test_a_missing_price_is_not_free(show):
    text = show(price=None)
    assert "Price not given" in text and "Free of charge" not in text


def test_an_open_station_says_until_when_and_whose_clock(show):
    text = show(closes_at="2026-11-22T17:30:00Z", time_zone="Asia/Kolkata")
    assert "Open now" in text and "closes 23:00 IST" in text and "time of Asia/Kolkata" in text


def test_a_closed_one_says_when_it_opens(show):
    """AT-G3"""
    text = show(closed="closed for the night", opens_at="2026-11-23T00:30:00Z", time_zone="Asia/Kolkata")
    assert "Closed, opens 06:00 IST" in text and "Open now" not in text
    assert "Charge here" not in text and "Tell me when" not in text


def test_unknown_hours_are_called_unknown(show):
    text = show()
    assert "Opening hours not given" in text and "Open now" not in text


def test_directions_and_a_link_to_share_need_no_script(show):
    text = show()
    station = OfferedStation.objects.get()
    assert "https://www.openstreetmap.org/directions?to=12.971600%2C77.594600" in text
    assert 'href="geo:12.971600,77.594600?q=12.971600,77.594600(Cubbon%20Park%20Plaza)"' in text
    assert f'href="http://testserver{station.get_absolute_url()}" data-share="Cubbon Park Plaza"' in text


def test_a_shared_link_opens_whatever_the_filters(client, show):
    show()
    address = OfferedStation.objects.get().get_absolute_url()
    assert "Cubbon Park Plaza" in client.get(f"{address}?current=AC&free=on&q=nowhere").content.decode()


def test_each_plug_says_when_it_was_confirmed(show, noon):
    assert "confirmed 12:00 IST" in show()
    noon.shift(timedelta(minutes=20))
    assert "Not confirmed since 11:40 IST" in show(last_seen_at="2026-11-22T06:10:00Z")


@pytest.mark.parametrize(
    ("at", "age"),
    [
        ("2026-11-22T06:29:50Z", "1 min"),
        ("2026-11-22T05:40:00Z", "50 min"),
        ("2026-11-22T04:20:00Z", "2 h"),
        ("2026-11-19T04:20:00Z", "3 days"),
    ],
)
def test_the_last_charge_that_worked_is_told_with_its_age(show, at, age):
    assert f"Last charge worked {age} ago" in show(last_charge_at=at)


def test_who_tells_of_no_charge_shows_none(show):
    assert "Last charge" not in show()
    assert "Last charge" not in show(last_charge_at="yesterday, I think")


def test_a_charge_of_tomorrow_was_not_better_than_now(show):
    assert "Last charge worked 1 min ago" in show(last_charge_at="2026-11-23T06:00:00Z")


def test_names_are_only_text(client, tell):
    place = catalogs.location(name='<script>alert(1)</script>"onclick=')
    tell(catalogs.catalog(catalogs.provider(locations=[place])))
    text = client.get(OfferedStation.objects.get().get_absolute_url()).content.decode()
    assert "<script>alert" not in text and '"onclick=' not in text


def test_without_ratings_nothing_is_said_of_them(show):
    assert "of 5 from" not in show()


def test_what_drivers_said_is_told(show, monkeypatch):
    from apps.ratings.selectors import Given, Said

    asked = {}

    def rated(**place) -> Said:
        asked.update(place)
        return Said(Given(Decimal("4.3"), 3, 2), Given(Decimal("4.1"), 30, 28), [])

    monkeypatch.setattr("apps.lib.wiring.handler", lambda table, key: rated)
    text = show()
    assert "4.3 of 5 from 3 charges" in text and "it worked for 2 of 3" in text
    assert "SparkDock everywhere:" in text and "4.1 of 5 from 30 charges" in text
    assert asked["lat"] == Decimal("12.971600") and asked["provider_id"] == "sparkdock"


def test_amenities_and_access_are_told_as_far_as_known(client, show):
    text = show()
    assert "ccessible bay" not in text and "Café" not in text
    OfferedStation.objects.update(amenities=["cafe", "Prayer room"], is_accessible=True)
    text = client.get(OfferedStation.objects.get().get_absolute_url()).content.decode()
    assert "Accessible bay · Café, Prayer room" in text
    OfferedStation.objects.update(amenities=[], is_accessible=False)
    text = client.get(OfferedStation.objects.get().get_absolute_url()).content.decode()
    assert "No accessible bay" in text
