"""The door /c/<code>: from a sticker to "Charge here" for exactly that plug, or to words that say why not."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from apps.beckn.models import Message, Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.catalog import door, labels, network
from apps.catalog.models import CodeReport, Connector, PlugCode, Station
from apps.catalog.search import find
from apps.discovery import services
from apps.discovery.models import Offer, SearchRun
from apps.lib import clock
from apps.lib.mistakes import Mistakes
from tests.factory import NOON

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def few_guesses(monkeypatch):
    name = str(uuid4())  # tests share a cache
    monkeypatch.setattr(door, "GUESSES", Mistakes(f"guess-{name}", allowed=3, seconds=60))
    monkeypatch.setattr(door, "REPORTS", Mistakes(f"report-{name}", allowed=2, seconds=60))


@pytest.fixture
def platform(db, settings) -> Subscriber:
    """Our own operator side, in the registry."""
    return Subscriber.objects.create(
        subscriber_id=settings.BECKN["BPP_ID"],
        key_id="k1",
        type=Subscriber.Type.BPP,
        url="https://bpp.example/beckn/bpp",
        domain="ev-charging:uei",
        signing_public_key="A" * 43 + "=",
        valid_from=NOON - timedelta(days=1),
        state=Subscriber.State.SUBSCRIBED,
    )


@pytest.fixture
def plug_code(factory, platform) -> PlugCode:
    operator = factory.make_operator(name="SparkDock", phone="+91 80 4000 1234")
    evse = factory.make_evse(factory.make_station(operator))
    labels.issue_for([factory.make_priced_connector(evse)], by=None)
    return PlugCode.objects.get()


@pytest.fixture
def answer(settings):
    """Our operator side answers: what it would say to everybody is what the driver side is told."""

    def answer(run: SearchRun | None = None, *, error: str = "") -> None:
        asked = network.read_criteria(wire.Intent(), clock.now())
        catalog = next(network.catalogs(find(asked, clock.now()), clock.now()))
        services.record_catalog(
            transaction_id=run.transaction_id if run else uuid4(),
            bpp_id=settings.BECKN["BPP_ID"],
            bpp_uri="https://bpp.example/beckn/bpp",
            catalog=None if error else catalog,
            error=error,
            received_at=clock.now(),
        )

    return answer


def visit(client, path: str, status: int = 200, **headers) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == status
    return response.content.decode()


def door_of(plug_code: PlugCode, query: str = "") -> str:
    return reverse("plug_door", args=[plug_code.code]) + query


def charge_here() -> str:
    return f"/orders/new/{Offer.objects.get().code}/"


def intents() -> list[dict]:
    return [wire.read_envelope(bytes(one.body)).message["intent"] for one in Message.objects.all()]


# --- A right code -----------------------------------------------------------------------------------------


def test_a_known_plug_is_one_tap_from_charging(client, plug_code, answer):
    answer()
    text = visit(client, door_of(plug_code))
    assert "Plug A" in text and "Indiranagar Hub" in text and "SparkDock" in text
    assert f'href="{charge_here()}"' in text and "Charge here" in text
    assert "Available" in text and "confirmed 0 s ago by SparkDock" in text
    assert "₹18.50 per kWh, plus 18 % GST" in text and "₹436.60 with all taxes" in text
    assert plug_code.ending in text and "You pay on localhost" in text
    assert "/wrong/" in text


def test_it_works_however_the_code_is_typed(client, plug_code, answer):
    answer()
    text = visit(client, f"/c/{str(plug_code).lower()}")
    assert charge_here() in text
    typed = client.get("/c/", {"code": f" {plug_code} "})
    assert charge_here() in visit(client, typed["Location"])


def test_the_plug_is_exactly_the_one_of_the_sticker(client, factory, plug_code, answer):
    other = factory.make_priced_connector(factory.make_evse(plug_code.connector.evse.station))
    answer()
    text = visit(client, door_of(plug_code))
    mine = Offer.objects.get(item_id=plug_code.connector.code)
    others = Offer.objects.get(item_id=other.code)
    assert str(mine.code) in text and str(others.code) not in text


def test_age_and_doubt_are_told(client, plug_code, answer, noon):
    answer()
    noon.shift(timedelta(minutes=20))
    text = visit(client, door_of(plug_code))
    assert "Not confirmed" in text and "confirmed 20 min ago" in text
    assert "Charge here" not in text and "Ask anyway" in text


@pytest.mark.parametrize(
    "status, why",
    [
        ("Charging", "Another car is charging here"),
        ("Reserved", "This plug cannot be used now"),
        ("Faulted", "This plug cannot be used now"),
        ("Unavailable", "This plug cannot be used now"),
    ],
)
def test_a_plug_that_cannot_be_used_says_why_and_offers_no_button(client, plug_code, answer, status, why):
    Connector.objects.update(status=status)
    answer()
    text = visit(client, door_of(plug_code))
    assert why in text and charge_here() not in text
    assert ("It is my charge" in text) == (status == "Charging")


def test_a_closed_station_says_so(client, plug_code, answer):
    Station.objects.update(closed_reason="Flooded")
    answer()
    text = visit(client, door_of(plug_code))
    assert "The operator says: Flooded" in text and charge_here() not in text


def test_free_plugs_beside_a_taken_one_are_offered(client, factory, plug_code, answer):
    factory.make_priced_connector(factory.make_evse(plug_code.connector.evse.station))
    Connector.objects.filter(pk=plug_code.connector.pk).update(status="Faulted")
    answer()
    text = visit(client, door_of(plug_code))
    assert "1 other plug is free here" in text
    assert Offer.objects.first().station.get_absolute_url() in text


def test_a_known_plug_costs_the_same_queries_however_large_its_station(
    client, factory, plug_code, answer, django_assert_num_queries
):
    answer()
    visit(client, door_of(plug_code))  # asks; from now on the question is shared
    with django_assert_num_queries(7):
        visit(client, door_of(plug_code))
    for _ in range(5):
        factory.make_priced_connector(plug_code.connector.evse)
    answer()
    with django_assert_num_queries(7):
        visit(client, door_of(plug_code))


# --- Nothing is known yet: ask, wait, end -----------------------------------------------------------------


def test_an_unknown_plug_is_asked_for_where_it_stands(client, plug_code):
    text = visit(client, door_of(plug_code))
    run = SearchRun.objects.get()
    assert "Asking SparkDock about this plug" in text
    assert f'content="3; url={door_of(plug_code)}?asked={run.code}"' in text
    assert f'hx-get="{door_of(plug_code)}?asked={run.code}"' in text
    assert intents() == [
        {
            "provider": {"id": plug_code.connector.evse.station.operator.code},
            "fulfillment": {
                "type": "CHARGING",
                "stops": [
                    {
                        "type": "start",
                        "location": {
                            "circle": {
                                "gps": "12.971900,77.641200",
                                "radius": {"type": "CONSTANT", "value": "0.5", "unit": "km"},
                            }
                        },
                    }
                ],
            },
        }
    ]


def test_only_the_platform_of_the_plug_is_asked(client, plug_code):
    Subscriber.objects.create(
        subscriber_id="volt.example",
        key_id="k1",
        type=Subscriber.Type.BPP,
        url="https://volt.example/beckn/bpp",
        domain="ev-charging:uei",
        signing_public_key="A" * 43 + "=",
        valid_from=NOON - timedelta(days=1),
        state=Subscriber.State.SUBSCRIBED,
    )
    visit(client, door_of(plug_code))
    assert [one.peer_id for one in Message.objects.all()] == [plug_code_platform()]


def plug_code_platform() -> str:
    return Subscriber.objects.get(url="https://bpp.example/beckn/bpp").subscriber_id


def test_the_waiting_page_finds_what_arrived_and_stops_waiting(client, plug_code, answer, noon):
    visit(client, door_of(plug_code))
    run = SearchRun.objects.get()
    answer(run)
    noon.shift(timedelta(seconds=5))
    text = visit(client, door_of(plug_code, f"?asked={run.code}"))
    assert charge_here() in text and "http-equiv" not in text
    fragment = visit(client, door_of(plug_code, f"?asked={run.code}"), **HTMX)
    assert charge_here() in fragment and "<html" not in fragment
    assert f'hx-get="{door_of(plug_code)}"' in fragment  # from now on it asks anew, once a minute


def test_waiting_has_an_end_that_asks_nobody_again(client, plug_code, noon):
    visit(client, door_of(plug_code))
    run = SearchRun.objects.get()
    noon.shift(timedelta(seconds=29))
    assert "Asking SparkDock" in visit(client, door_of(plug_code, f"?asked={run.code}"))
    noon.shift(timedelta(seconds=2))
    text = visit(client, door_of(plug_code, f"?asked={run.code}"))
    assert "did not answer in time" in text and "Ask again" in text and "tel:+918040001234" in text
    assert "http-equiv" not in text and "every 2s" not in text
    assert Message.objects.count() == 1


def test_a_page_reloaded_much_later_asks_anew(client, plug_code, noon):
    visit(client, door_of(plug_code))
    old = SearchRun.objects.get()
    noon.shift(timedelta(minutes=5))
    assert "Asking SparkDock" in visit(client, door_of(plug_code, f"?asked={old.code}"))
    assert SearchRun.objects.count() == 2


@pytest.mark.parametrize("asked", ["", "nonsense", "8f3c8f6e-53c5-4d0b-a1bb-3f8e2f7a9c11"])
def test_a_question_that_is_none_of_ours_is_asked(client, plug_code, asked):
    visit(client, door_of(plug_code, f"?asked={asked}"))
    assert SearchRun.objects.count() == 1


def test_an_operator_that_answers_without_the_plug_is_told_so(client, plug_code, answer, noon):
    visit(client, door_of(plug_code))
    run = SearchRun.objects.get()
    PlugCode.objects.update(connector=plug_code.connector)
    Connector.objects.update(is_published=False)
    answer(run)
    Connector.objects.update(is_published=True)
    assert "Asking SparkDock" in visit(client, door_of(plug_code, f"?asked={run.code}"))  # a page may follow
    noon.shift(timedelta(seconds=5))
    assert "does not offer this plug" in visit(client, door_of(plug_code, f"?asked={run.code}"))


def test_a_fault_of_the_operators_system_is_told(client, plug_code, answer, noon):
    visit(client, door_of(plug_code))
    run = SearchRun.objects.get()
    answer(run, error="database is gone")
    noon.shift(timedelta(seconds=5))
    assert "answered with a fault" in visit(client, door_of(plug_code, f"?asked={run.code}"))


def test_an_operator_that_is_not_on_the_network_is_told(client, plug_code, platform):
    platform.delete()
    assert "could not be asked just now" in visit(client, door_of(plug_code))


# --- A wrong code, a withdrawn one, a plug that is gone ---------------------------------------------------


@pytest.mark.parametrize("typed", ["0" * 12, "K7QX-4MRT-2W9", "hello", "%00", "<b>x<b>", "🔌", "a" * 300])
def test_a_wrong_code_explains_itself_and_says_what_to_do(client, db, typed):
    text = visit(client, f"/c/{typed}", 404)
    assert "No plug has this code" in text and "compare it with the sticker" in text
    assert 'name="code"' in text and "Enter no card data" in text and "/wrong/" in text
    assert "<b>x" not in text


def test_a_withdrawn_code_explains_itself(client, plug_code, factory):
    labels.revoke(plug_code=plug_code, by=factory.make_user(), reason="our secret reason")
    text = visit(client, door_of(plug_code), 410)
    assert "This code was withdrawn" in text and "22 November 2026" in text
    assert "plug A at Indiranagar Hub" in text and "newer sticker" in text
    assert "secret reason" not in text and "/orders/new/" not in text
    assert "lat=12.971900" in text


def test_a_page_that_is_open_when_its_code_is_withdrawn_is_loaded_again(client, plug_code, factory):
    labels.revoke(plug_code=plug_code, by=factory.make_user(), reason="glued over")
    assert client.get(door_of(plug_code), headers=HTMX)["HX-Refresh"] == "true"


def test_a_plug_that_is_not_sold_any_more_says_so(client, plug_code, answer):
    answer()
    Connector.objects.update(is_published=False)
    text = visit(client, door_of(plug_code), 410)
    assert "This plug is no longer sold" in text and charge_here() not in text


def test_a_plug_without_a_price_cannot_be_paid(client, plug_code):
    Connector.objects.update(tariff=None)
    assert "has set no price for plug A" in visit(client, door_of(plug_code))


def test_a_plug_that_is_not_for_everybody_says_for_whom(client, plug_code):
    Station.objects.update(access=Station.Access.RESTRICTED)
    assert "not for everybody: Customers and guests" in visit(client, door_of(plug_code))


def test_a_guesser_is_told_nothing_for_a_while(client, plug_code):
    for _ in range(3):
        visit(client, "/c/222222222222", 404)
    response = client.get(door_of(plug_code))
    assert response.status_code == 429 and response["Retry-After"] == "60"
    assert "Indiranagar" not in response.content.decode()
    assert client.get(reverse("report_code", args=[plug_code.code])).status_code == 429
    assert client.get(door_of(plug_code), REMOTE_ADDR="192.0.2.7").status_code == 200


def test_behind_a_proxy_the_visitor_is_counted_and_not_the_proxy(client, plug_code, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for _ in range(3):
        visit(client, "/c/222222222222", 404, **{"X-Forwarded-For": "198.51.100.1"})
    assert visit(client, door_of(plug_code), 429, **{"X-Forwarded-For": "198.51.100.1"})
    assert visit(client, door_of(plug_code), 200, **{"X-Forwarded-For": "198.51.100.2"})


# --- One side alone ---------------------------------------------------------------------------------------


def test_without_a_driver_side_the_door_sends_to_other_apps(client, plug_code, settings):
    settings.ROLES = frozenset({"bpp"})
    text = visit(client, door_of(plug_code))
    assert "Start it in your charging app" in text and plug_code.connector.code in text
    assert "/orders/new/" not in text and not Message.objects.exists()


def test_without_an_operator_side_the_door_says_whose_codes_they_are(client, plug_code, settings):
    settings.ROLES = frozenset({"bap"})
    assert "No code is issued here" in visit(client, door_of(plug_code), 404)
    assert "No code is issued here" in visit(client, "/c/")


# --- The code looks wrong ---------------------------------------------------------------------------------


def report(client, code: str, **words):
    facts = {"key": str(uuid4()), "what": "OVER_ANOTHER", "words": "glued over", **words}
    return client.post(reverse("report_code", args=[code]), facts)


def test_a_driver_without_an_account_reports_a_sticker(client, plug_code):
    assert "The sticker is glued over another one" in visit(client, door_of(plug_code) + "/wrong/")
    response = report(client, plug_code.code)
    assert "it was reported" in visit(client, response["Location"])
    made = CodeReport.objects.get()
    assert (made.plug_code, made.what, made.words) == (plug_code, "OVER_ANOTHER", "glued over")


def test_a_report_sent_twice_is_one(client, plug_code):
    key = str(uuid4())
    report(client, plug_code.code, key=key)
    report(client, plug_code.code, key=key)
    assert CodeReport.objects.count() == 1


def test_a_code_that_is_none_of_ours_can_be_reported(client, db):
    report(client, "222222222222")
    made = CodeReport.objects.get()
    assert (made.plug_code, made.typed) == (None, "222222222222")


@pytest.mark.parametrize("wrong", [{"what": "NOTHING"}, {"key": "x"}, {"words": "x" * 501}])
def test_a_report_that_is_no_report_is_refused(client, plug_code, wrong):
    assert report(client, plug_code.code, **wrong).status_code == 422
    assert not CodeReport.objects.exists()


def test_an_address_cannot_flood_the_operator_with_reports(client, plug_code):
    for _ in range(2):
        assert report(client, plug_code.code).status_code == 302
    assert report(client, plug_code.code).status_code == 429
    assert CodeReport.objects.count() == 2
