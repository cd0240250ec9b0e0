from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.discovery import selectors, services
from apps.discovery.models import Offer, OfferedStation, SearchRun
from tests.discovery import catalogs
from tests.discovery.conftest import BPP, NOON

PRICED = {"service_charge": "5.00", "tax_name": "GST", "tax_percent": "18"}
HTMX = {"HX-Request": "true"}


def page(client, url: str, **headers) -> str:
    response = client.get(url, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def station(tell) -> OfferedStation:
    items = [
        catalogs.item("p-1", connector_id="A", evse_id="e-1", **PRICED),
        catalogs.item("p-2", connector_id="B", evse_id="e-2", availability="Preparing", **PRICED),
        catalogs.item(
            "p-3", connector_id="C", availability="Charging", status_changed_at="2026-11-22T06:00:00Z"
        ),
        catalogs.item("p-4", connector_id="D", availability="Faulted"),
        catalogs.item("p-5", connector_id="E", last_seen_at="2026-11-22T05:00:00Z"),
    ]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    return OfferedStation.objects.get()


def plug(item_id: str) -> str:
    return f"/orders/new/{Offer.objects.get(item_id=item_id).code}/"


def test_the_landing_page_lists_what_is_near(client, station):
    text = page(client, "/")
    assert "Cubbon Park Plaza" in text and station.get_absolute_url() in text
    assert "data-map" in text and 'data-pins="/stations/pins/"' in text
    assert "1 of 5 free, 1 not confirmed" in text


def test_a_filter_answers_htmx_with_the_list_alone(client, station):
    text = page(client, "/?current=AC", **HTMX)
    assert "<html" not in text and 'id="results"' in text
    assert "Your filters hide everything here" in text and "Without “AC”: 1 station" in text


def test_the_choice_stays_in_the_form(client, station):
    text = page(client, "/?free=on&kw=50&operator=SparkDock&q=cubbon")
    assert 'name="free" value="on" checked' in text
    assert '<option value="50" selected>' in text
    assert "<option selected>SparkDock</option>" in text
    assert 'value="cubbon"' in text


def test_what_people_type_is_only_text(client, db):
    text = page(client, '/?q="><script>alert(1)</script>&operator=<b>')
    assert "<script>alert" not in text


def test_an_empty_network_is_told_plainly(client, db):
    assert "No operator has offered a charger yet" in page(client, "/")


def test_an_unknown_name_is_told_plainly(client, station):
    text = page(client, "/?q=atlantis")
    assert "Without “atlantis”: 1 station" in text


def test_pins_need_a_viewport(client, station):
    assert client.get("/stations/pins/").status_code == 400
    answer = client.get("/stations/pins/?south=12&north=14&west=77&east=78&zoom=12")
    (pin,) = answer.json()["pins"]
    assert (pin["status"], pin["free"], pin["total"]) == ("some-unknown", 1, 5)


def test_a_station_has_one_right_button_per_plug(client, station):
    text = page(client, station.get_absolute_url())
    assert f'class="button" href="{plug("p-1")}">Charge here' in text
    assert f'href="{plug("p-2")}">It is my car' in text
    assert plug("p-3") not in text and "Another car is charging here" in text and "since 11:30 IST" in text
    assert plug("p-4") not in text and "The charger reports a fault" in text
    assert f'href="{plug("p-5")}">Ask anyway' in text and "Not confirmed since 10:30 IST" in text


def test_plugs_of_one_place_say_so_and_turn_busy_together(client, tell):
    items = [
        catalogs.item("p-1", connector_id="A", evse_id="e-1"),
        catalogs.item("p-2", connector_id="B", evse_id="e-1", availability="Charging"),
    ]
    tell(catalogs.catalog(catalogs.provider(items=items)))
    text = page(client, OfferedStation.objects.get().get_absolute_url())
    assert "One car at a time with B" in text and "0 of 1 free" in text
    assert "Charge here" not in text and text.count("Another car is charging here") == 2


def test_the_price_is_a_sentence_with_taxes_and_a_typical_charge(client, tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(**PRICED)])))
    text = page(client, OfferedStation.objects.get().get_absolute_url())
    assert "₹18.50 per kWh and ₹5.00 per session, plus 18 % GST on both" in text
    assert "A typical charge of 20 kWh: ₹442.50 with all taxes" in text


def test_an_operator_silent_about_taxes_is_quoted_as_such(client, tell):
    tell()
    text = page(client, OfferedStation.objects.get().get_absolute_url())
    assert "does not say whether taxes come on top" in text
    assert "A typical charge of 20 kWh: ₹370.00" in text and "or more" in text


def test_no_price_is_told_as_no_price(client, tell):
    tell(catalogs.catalog(catalogs.provider(items=[{**catalogs.item(), "price": None}])))
    assert "Price not given" in page(client, OfferedStation.objects.get().get_absolute_url())


def test_age_and_source_stand_on_the_station(client, station, noon):
    noon.shift(timedelta(seconds=40))
    text = page(client, station.get_absolute_url())
    assert "confirmed 40 s ago by SparkDock" in text
    assert f"Source: {BPP}, station st-1" in text


def test_a_station_that_nobody_offers_any_more_says_so(client, station, noon):
    noon.shift(timedelta(days=2))
    assert "Nothing is on offer here now" in page(client, station.get_absolute_url())


def test_a_strange_station_is_not_found(client, db):
    assert client.get(f"/stations/{uuid4()}/").status_code == 404
    assert client.get("/stations/progress/nowhere/").status_code == 404


@pytest.mark.parametrize("url", ["/", "/?free=on&current=DC", "/?q=cubbon"])
def test_the_landing_page_costs_the_same_queries_however_much_there_is(
    client, tell, operators, django_assert_max_num_queries, url
):
    places = [catalogs.location(f"st-{number}") for number in range(60)]
    items = [catalogs.item(f"p-{number}", place=f"st-{number}") for number in range(60)]
    tell(catalogs.catalog(catalogs.provider(locations=places, items=items)))
    client.get(url)  # asks the network
    with django_assert_max_num_queries(7):
        client.get(url)


def test_the_station_page_costs_five_queries(client, station, operators, django_assert_num_queries):
    """Station, plugs, search, its answers, what drivers said."""
    client.get(station.get_absolute_url())
    with django_assert_num_queries(5):
        client.get(station.get_absolute_url())


def test_opening_the_map_asks_the_network_and_tells_how_it_goes(client, operators, tell, noon):
    text = page(client, "/")
    run = SearchRun.objects.get()
    assert "Asking the operators" in text and f'ws-connect="/live/search/{run.area}/"' in text
    tell(transaction_id=run.transaction_id)
    assert "1 of 2 operators have answered" in page(client, f"/stations/progress/{run.area}/")
    assert "Cubbon Park Plaza" in page(client, "/")
    noon.shift(timedelta(seconds=31))
    assert "1 of 2 operators answered." in page(client, f"/stations/progress/{run.area}/")


def test_the_live_panel_tells_a_new_version_when_an_answer_came(operators, tell):
    run = services.refresh(lat=Decimal("12.97"), lon=Decimal("77.59"), radius_km=Decimal(5))
    before = selectors.live_panel(None, run.area)
    tell(transaction_id=run.transaction_id)
    after = selectors.live_panel(None, run.area)
    assert 'hx-swap-oob="morph"' in before and before != after
    assert f'data-version="{run.code}.1"' in after
    assert selectors.live_panel(None, "nowhere") is None


def test_the_page_names_who_is_silent_and_who_failed(client, operators, tell, noon):
    page(client, "/")
    run = SearchRun.objects.get()
    services.record_catalog(
        transaction_id=run.transaction_id,
        bpp_id=BPP,
        bpp_uri=f"https://{BPP}/beckn/bpp",
        catalog=None,
        error="<b>database is down",
        received_at=NOON,
    )
    text = page(client, f"/stations/progress/{run.area}/")
    assert "volt.example has not answered yet" in text
    assert f"{BPP} could not answer: &lt;b&gt;database is down" in text
    noon.shift(timedelta(seconds=31))
    assert "volt.example did not answer" in page(client, f"/stations/progress/{run.area}/")


def test_two_hundred_silent_operators_do_not_fill_the_screen(client, operators):
    page(client, "/")
    run = SearchRun.objects.get()
    SearchRun.objects.filter(pk=run.pk).update(asked=[f"op-{number}.example" for number in range(200)])
    text = page(client, f"/stations/progress/{run.area}/")
    assert text.count("has not answered yet") == 12 and "and 188 more" in text


def test_pin_and_card_carry_the_class_of_their_power(client, tell):
    tell(catalogs.catalog(catalogs.provider(items=[catalogs.item(power_rating="150kW")])))
    (pin,) = client.get("/stations/pins/?south=12&north=14&west=77&east=78&zoom=12").json()["pins"]
    assert pin["speed"] == "ultra"
    assert "bolts--ultra" in page(client, "/")


def test_filters_that_are_set_are_counted_and_can_be_cleared(client, station):
    assert "data-clear hidden" in page(client, "/?q=cubbon&lat=12.97&lon=77.59&kw=nonsense")
    text = page(client, "/?free=on&current=DC&q=cubbon")
    assert "data-clear>" in text and "data-count>2<" in text


def test_an_empty_list_names_the_nearest_station_that_fits_beside_the_filter(client, station, tell):
    far = catalogs.location("st-9", gps="13.500000,77.594600", name="Hill Yard")
    items = [catalogs.item("p-9", place="st-9", charger_type="AC")]
    tell(catalogs.catalog(catalogs.provider(locations=[far], items=items)))
    text = page(client, "/?current=AC")
    assert "Without “AC”: 1 station" in text and "The nearest that fits is Hill Yard" in text
