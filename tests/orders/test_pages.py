from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.beckn.models import Message
from apps.lib import clock
from apps.orders import selectors
from apps.orders.models import Order, Progress
from apps.orders.states import State
from tests.orders.stage import PATH, make_offer, quote, terms

POSTS = ["terms", "accept", "start", "stop", "cancel"]
PAGES = ["order", "stop", "cancel", "messages"]


def url(stage, name: str = "order") -> str:
    return reverse(f"orders:{name}", args=[stage.order.code])


# --- who may ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_strangers_find_nothing(stage, stranger, name):
    stage.until("QUOTED")
    client = Client()
    client.force_login(stranger)
    assert client.get(url(stage, name)).status_code == 404


@pytest.mark.parametrize("name", POSTS)
def test_strangers_change_nothing(stage, stranger, name):
    stage.until("QUOTED")
    client = Client()
    client.force_login(stranger)
    assert client.post(url(stage, name)).status_code == 404
    assert stage.fresh().state == State.QUOTED


def test_strangers_may_not_pay_or_rate(stage, stranger):
    stage.until("PAYING")
    client = Client()
    client.force_login(stranger)
    code = stage.payment().code
    assert client.post(reverse("payments:checkout", args=[code])).status_code == 404
    assert client.get(reverse("payments:back", args=[code])).status_code == 404
    assert client.get(reverse("ratings:rate", args=[stage.order.code])).status_code == 404


def test_without_sign_in_every_page_asks_for_it_and_comes_back(stage):
    stage.until("QUOTED")
    addresses = [url(stage, name) for name in PAGES]
    addresses += [reverse("orders:history"), reverse("orders:new", args=[stage.order.offer.code])]
    for address in addresses:
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("name", ["terms", "accept", "start"])
def test_reading_never_acts(stage, name):
    stage.until("QUOTED")
    assert stage.client().get(url(stage, name)).status_code == 405


@pytest.mark.parametrize("name", ["order", "messages"])
def test_looking_takes_no_posts(stage, name):
    stage.until("QUOTED")
    assert stage.client().post(url(stage, name)).status_code == 405


def test_unknown_codes_are_not_found(stage):
    assert stage.client().get(reverse("orders:order", args=[uuid4()])).status_code == 404
    assert stage.client().get(reverse("orders:new", args=[uuid4()])).status_code == 404


# --- the whole way, as a browser without scripts walks it --------------------------------------------------


def test_the_whole_way_by_forms(stage):
    client, offer = stage.client(), make_offer()
    ask = {"energy_kwh": "20", "idempotency_key": str(uuid4())}
    answer = client.post(reverse("orders:new", args=[offer.code]), ask)
    stage.order = Order.objects.get()
    assert answer["Location"] == url(stage)
    for _state, step in PATH[1:2]:
        step(stage)
    client.post(url(stage, "terms"), {"name": "Asha Rao", "phone": "+91 98450-12345"})
    assert stage.fresh().billing["phone"] == "+919845012345"
    PATH[3][1](stage)
    bank = client.post(url(stage, "accept"), {"accepts_terms": "on"})["Location"]
    assert bank.startswith("/pay/sandbox/")
    assert "No real money" in client.get(bank).content.decode()
    back = client.post(bank, {"answer": "approve"})["Location"]
    assert client.get(back)["Location"] == url(stage)
    stage.fresh()
    assert stage.order.state == State.CONFIRM_REQUESTED
    PATH[6][1](stage)
    client.post(url(stage, "start"))
    stage.fresh()
    stage.progress()
    assert "Stop at 1.0 kWh?" in client.get(url(stage, "stop")).content.decode()
    client.post(url(stage, "stop"))
    assert stage.fresh().state == State.STOPPING
    stage.final_bill()
    stage.settle()
    receipt = client.get(url(stage)).content.decode()
    for words in ("₹361.08", "₹436.60", "₹75.52", "16.00 kWh", "182.004 kWh", "IST"):
        assert words in receipt


@pytest.mark.parametrize("state", [name for name, _step in PATH])
def test_every_state_has_a_page(stage, state):
    stage.until(state)
    page = stage.client().get(url(stage)).content.decode()
    assert f'data-state="{state}"' in page
    assert stage.order.station_name in page


@pytest.mark.parametrize(
    ("state", "action", "code", "words"),
    [
        ("QUOTE_REQUESTED", "on_select", "30008", "This plug cannot be had right now"),
        ("QUOTE_REQUESTED", "on_select", "99999", "The operator said no."),
        ("CONFIRM_REQUESTED", "on_confirm", "40000", "The plug is taken or held right now"),
        ("STARTING", "on_update", "40006", "The charger did not start"),
    ],
)
def test_refusals_name_cause_and_next_step(stage, state, action, code, words):
    stage.until(state)
    stage.tell(action, error={"code": code, "message": "<b>their words</b>"})
    page = stage.client().get(url(stage)).content.decode()
    assert words in page
    assert "&lt;b&gt;their words" in page
    assert "Try again" in page if state == "STARTING" else "Ask again for the same plug" in page


# --- bad values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("energy", ["", "0", "-5", "100000", "NaN", "much", "1e9", "2.123456"])
def test_an_amount_that_makes_no_sense_is_said_beside_the_field(stage, energy):
    ask = {"energy_kwh": energy, "idempotency_key": str(uuid4())}
    answer = stage.client().post(reverse("orders:new", args=[make_offer().code]), ask)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert Order.objects.count() == 0


@pytest.mark.parametrize("key", ["", "not-a-key"])
def test_an_ask_without_its_key_is_refused(stage, key):
    ask = {"energy_kwh": "20", "idempotency_key": key}
    assert stage.client().post(reverse("orders:new", args=[make_offer().code]), ask).status_code == 422


@pytest.mark.parametrize("phone", ["", "12", "call me", "0091 98450", "+91 98450 12345 12345 99"])
def test_a_phone_nobody_can_call_is_refused(stage, phone):
    stage.until("QUOTED")
    answer = stage.client().post(url(stage, "terms"), {"name": "Asha", "phone": phone})
    assert answer.status_code == 422
    assert stage.fresh().state == State.QUOTED


def test_terms_are_not_ticked_beforehand_and_not_accepted_by_silence(stage):
    stage.until("TERMS_OFFERED")
    page = stage.client().get(url(stage)).content.decode()
    assert 'name="accepts_terms"' in page
    assert "checked" not in page.split('id="accept-form"')[1].split("</form>")[0]
    assert stage.client().post(url(stage, "accept"), {}).status_code == 422
    assert stage.fresh().state == State.TERMS_OFFERED


def test_the_terms_are_plain_rows_and_the_operators_full_text_is_a_link(stage):
    """Where a fee stands beside the energy nobody is told that energy is all they pay."""
    stage.until("TERMS_REQUESTED")
    said = terms()
    said["cancellation_terms"][0]["external_ref"] = {
        "mimetype": "text/html",
        "url": "https://grid.example/terms",
    }
    stage.tell("on_init", {"quote": quote(ttl="PT15M"), **said})
    page = stage.client().get(url(stage)).content.decode()
    told = [
        "At most ₹436.60 for 20 kWh. The price does not change while you charge.",
        "Your bank holds ₹436.60 now. Nothing is charged before energy flows.",
        "Cancelling before energy flows costs ₹43.66.",
        "What is held and not used is released when the bill is final.",
        "You can stop at any time, and pay only for what was used until then.",
        'href="https://grid.example/terms"',
    ]
    assert [words for words in told if words not in page] == []
    assert page.split('class="terms"')[1].split("</dl>")[0].count("<dt>") == 5


def test_a_warning_wants_its_own_tick(stage):
    stage.until("TERMS_OFFERED")
    Order.objects.update(warnings=["dearer-than-offer"])
    answer = stage.client().post(url(stage, "accept"), {"accepts_terms": "on"})
    assert answer.status_code == 409
    answer = stage.client().post(url(stage, "accept"), {"accepts_terms": "on", "accepts_warnings": "on"})
    assert answer["Location"].startswith("/pay/sandbox/")


def test_a_reason_of_the_operators_is_none_of_the_drivers(stage):
    stage.until("CONFIRMED")
    assert stage.client().post(url(stage, "cancel"), {"reason_id": "12"}).status_code == 422


def test_a_button_at_the_wrong_moment_says_so(stage):
    stage.until("QUOTED")
    answer = stage.client().post(url(stage, "start"))
    assert answer.status_code == 409


@pytest.mark.parametrize("energy", ["20", "x", "", "-1", "NaN", "Infinity", "1e400"])
def test_the_estimate_survives_whatever_is_typed(stage, energy):
    answer = stage.client().get(reverse("orders:estimate", args=[make_offer().code]), {"energy_kwh": energy})
    assert "₹436.60" in answer.content.decode()


def test_a_price_that_was_not_given_is_said(stage):
    offer = make_offer(energy_rate=None)
    assert "Price not given" in stage.client().get(reverse("orders:new", args=[offer.code])).content.decode()


# --- live --------------------------------------------------------------------------------------------------


def test_a_poll_that_has_seen_everything_gets_nothing(stage):
    stage.until("CHARGING")
    client = stage.client()
    version = client.get(url(stage)).context["version"]
    assert client.get(url(stage), {"seen": version}, headers={"HX-Request": "true"}).status_code == 204
    stage.progress(90, "2.0")
    answer = client.get(url(stage), {"seen": version}, headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert 'id="order-panel"' in answer.content.decode()


def test_the_socket_gets_the_same_panel_and_strangers_get_none(stage, stranger):
    stage.until("CHARGING")
    code = str(stage.order.code)
    panel = selectors.live_panel(stage.driver, code)
    assert 'id="order-panel"' in panel
    assert 'hx-swap-oob="true"' in panel
    assert selectors.live_panel(stranger, code) is None
    assert selectors.live_panel(stage.driver, "no-code") is None


def test_a_reading_changes_figures_and_one_point_of_the_curve(stage, stranger, django_assert_num_queries):
    stage.until("CHARGING")
    stage.progress(30, "1.0")
    stage.progress(90, "2.5")
    code = str(stage.order.code)
    with django_assert_num_queries(2):  # order and figures, each compiled once (lib.rows.Lookup)
        figures = selectors.live_figures(stage.driver, code)
    panel = selectors.live_panel(stage.driver, code)
    for id in ("order-age", "order-banners", "order-figures", "curve-data-more", "stop-words"):
        assert f'id="{id}"' in figures
        assert f'id="{id}"' in panel
    assert figures.count('hx-swap-oob="true"') == 5
    assert '"energy_kwh":[2.5' in figures and "1.0" not in figures.partition('id="curve-data-more"')[2]
    assert selectors.live_figures(stranger, code) is None
    assert selectors.live_figures(stage.driver, "no-code") is None


def test_figures_of_a_charge_that_moved_on_are_the_whole_panel(stage):
    stage.until("CHARGING")
    stage.progress(30, "1.0")
    stage.until("STOPPING")
    assert 'id="order-panel"' in selectors.live_figures(stage.driver, str(stage.order.code))


def test_steps_of_stopping_show_only_what_is_proved(stage):
    stage.until("STOPPING")
    client = stage.client()
    done = [step["is_done"] for step in client.get(url(stage)).context["stop_steps"]]
    assert done == [True, False, False, False]
    Message.objects.filter(message_id=stage.order.asked_message_id).update(state="ACKED")
    Progress.objects.update(reading_at=clock.now() + timedelta(seconds=1), power_kw=0)
    done = [step["is_done"] for step in client.get(url(stage)).context["stop_steps"]]
    assert done == [True, True, True, False]


def test_a_stop_that_takes_long_offers_other_ways(stage):
    stage.until("STOPPING")
    assert "longer than usual" not in stage.client().get(url(stage)).content.decode()
    Order.objects.update(stop_asked_at=clock.now() - timedelta(seconds=31))
    assert "longer than usual" in stage.client().get(url(stage)).content.decode()


def test_a_broken_zone_of_a_peer_breaks_no_page(stage):
    stage.until("SETTLED")
    Order.objects.update(station_zone="../etc/passwd")
    assert "UTC" in stage.client().get(url(stage)).content.decode()
    assert stage.client().get(reverse("orders:history")).status_code == 200


# --- history and messages ------------------------------------------------------------------------------------


def test_history_pins_what_runs_and_sums_the_months(stage):
    for _ in range(2):
        stage.until("SETTLED")
    stage.until("CHARGING")
    page = stage.client().get(reverse("orders:history"))
    assert [order.pk for order in page.context["active"]] == [stage.order.pk]
    (month,) = page.context["months"]
    assert str(month["total"].totals["INR"]) == "722.16"
    assert "₹722.16" in page.content.decode()


def test_an_empty_history_says_what_to_do(stage):
    assert "No charges yet" in stage.client().get(reverse("orders:history")).content.decode()


def test_a_month_is_that_of_the_station(stage):
    stage.until("SETTLED")
    Order.objects.update(ended_at="2026-10-31T19:30:00Z")  # the first of November in India
    (month,) = stage.client().get(reverse("orders:history")).context["months"]
    assert (month["month"].year, month["month"].month) == (2026, 11)


def test_the_messages_of_an_order_are_shown_and_explained(stage):
    stage.until("CONFIRMED")
    page = stage.client().get(url(stage, "messages")).content.decode()
    for action in ("select", "on_select", "init", "on_init", "confirm", "on_confirm"):
        assert f">{action}<" in page
    assert "asks what it will cost" in page


QUERIES = {"QUOTED": 4, "TERMS_OFFERED": 4, "CONFIRMED": 5, "CHARGING": 8, "STOPPING": 8, "SETTLED": 11}


@pytest.mark.parametrize("state", QUERIES)
def test_the_order_page_asks_the_database_this_often(stage, state, django_assert_num_queries):
    stage.until(state)
    client = stage.client()
    with django_assert_num_queries(QUERIES[state]):
        client.get(url(stage))


def test_the_history_asks_the_database_as_often_for_many_as_for_one(stage, django_assert_num_queries):
    for _ in range(3):
        stage.until("SETTLED")
    stage.until("QUOTED")
    client = stage.client()
    with django_assert_num_queries(10):
        client.get(reverse("orders:history"))


def test_the_messages_page_asks_as_often_for_many_as_for_few(stage, django_assert_num_queries):
    stage.until("SETTLED")
    client = stage.client()
    with django_assert_num_queries(6):
        client.get(url(stage, "messages"))
