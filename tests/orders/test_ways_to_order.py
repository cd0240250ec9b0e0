"""By kWh, minutes, money and "to 80 %": on the page, on the wire, and what a quote must not exceed (fact sheet 5.1)."""

import re
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.beckn.models import Message
from apps.lib import clock
from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.models import Order
from apps.orders.states import State
from apps.orders.wish import Wish, estimate, to_eighty
from tests.orders.stage import BILLING, bill, lines, make_offer, quote, terms

READS_UNITS = {"order_by": "energy,money,time"}


def said(stage, action: str = "select") -> dict:
    (message,) = stage.sent(action)
    return message["message"]["order"]


def measure(stage) -> tuple:
    found = said(stage)["items"][0]["quantity"]["selected"]["measure"]
    return found["value"], found["unit"]


# --- on the wire -----------------------------------------------------------------------------------------


def test_money_goes_to_strangers_as_energy_with_the_pair_of_tags(stage):
    order = stage.ask(wish=Wish(amount=Decimal(400)))
    assert (order.energy_kwh, order.ordered_amount) == (Decimal("18.276"), Decimal(400))
    assert measure(stage) == ("18.276", "kWh")
    (group,) = said(stage)["items"][0]["tags"]
    assert {tag["descriptor"]["code"]: tag["value"] for tag in group["list"]} == {
        "charging-by": "AMOUNT",
        "charging-limit": "400",
    }


def test_money_goes_as_money_to_whom_said_that_it_reads_it(stage):
    stage.ask(wish=Wish(amount=Decimal("400.50")), **READS_UNITS)
    assert measure(stage) == ("400.5", "INR")


def test_minutes_go_to_strangers_as_energy_between_two_times(stage):
    order = stage.ask(wish=Wish(minutes=45))
    assert measure(stage) == ("45", "kWh")  # 45 minutes at 60 kW
    assert "tags" not in said(stage)["items"][0]  # adaptors make nothing of TIME
    begins, ends = (stop["time"]["timestamp"] for stop in said(stage)["fulfillments"][0]["stops"])
    assert clock.read_instant(ends) - clock.read_instant(begins) == timedelta(minutes=45)
    assert order.ordered_by == "TIME"


def test_minutes_go_as_minutes_to_whom_said_that_it_reads_them(stage):
    stage.ask(wish=Wish(minutes=45), **READS_UNITS)
    assert measure(stage) == ("45", "MINUTES")


def test_energy_goes_as_before(stage):
    stage.ask("17.5", **READS_UNITS)
    assert measure(stage) == ("17.5", "kWh")
    assert "stops" not in said(stage)["fulfillments"][0]


def test_the_same_words_at_every_step(stage):
    """The operator compares what it is asked to confirm with what it quoted."""
    wish = Wish(amount=Decimal(436))
    stage.ask(wish=wish)
    stage.tell("on_select", {"quote": quote("430.70", lines("355.00", "10.00", "65.70"))})
    services.request_terms(stage.order, billing=BILLING)
    assert said(stage, "init")["items"] == said(stage)["items"]


# --- what comes back ---------------------------------------------------------------------------------------


def test_a_quote_above_the_money_is_shown_with_a_warning_and_not_paid_blindly(stage):
    """What an adaptor does that takes 400 for kWh (fact sheet 5.1)."""
    stage.ask(wish=Wish(amount=Decimal(400)))
    stage.tell("on_select", {"quote": quote("400.01", lines("328.99", "10.00", "61.02"))})
    assert stage.order.warnings == ["more-than-money"]
    services.request_terms(stage.order, billing=BILLING)
    stage.tell("on_init", {"quote": quote("400.01", lines("328.99", "10.00", "61.02")), **terms()})
    with pytest.raises(Refused):
        services.accept_terms_and_pay(stage.fresh())
    assert stage.fresh().state == State.TERMS_OFFERED
    assert services.accept_terms_and_pay(stage.fresh(), accepts_warnings=True)


@pytest.mark.parametrize("total", ["400.00", "399.98"])
def test_a_quote_within_the_money_is_fine(stage, total):
    stage.ask(wish=Wish(amount=Decimal(400)), **READS_UNITS)
    stage.tell("on_select", {"quote": quote(total, [])})
    assert stage.order.warnings == []


def test_more_energy_than_the_minutes_may_bring_is_a_warning(stage):
    stage.ask(wish=Wish(minutes=10))
    items = [{"id": "plug-1", "quantity": {"selected": {"measure": {"value": "20", "unit": "kWh"}}}}]
    stage.tell("on_select", {"quote": quote("212.40", []), "items": items})
    assert "more-than-asked" in stage.order.warnings


def test_the_operator_says_what_the_money_brings(stage):
    stage.ask(wish=Wish(amount=Decimal(400)), **READS_UNITS)
    energy = {"id": "plug-1", "quantity": {"selected": {"measure": {"value": "17.9", "unit": "kWh"}}}}
    breakup = [{"title": "energy-cost", "item": energy, "price": {"value": "399.00", "currency": "INR"}}]
    stage.tell("on_select", {"quote": quote("399.00", breakup)})
    assert stage.order.energy_kwh == Decimal("17.900")
    assert "about 17.9 kWh" in stage.client().get(stage.order.get_absolute_url()).content.decode()


def test_several_lines_of_energy_are_one_amount(stage):
    def part(kwh: str, value: str) -> dict:
        selected = {"selected": {"measure": {"value": kwh, "unit": "kWh"}}}
        return {
            "title": "energy-cost",
            "item": {"id": "plug-1", "quantity": selected},
            "price": {"value": value, "currency": "INR"},
        }

    stage.ask("20")
    stage.tell("on_select", {"quote": quote("300.00", [part("12", "200.00"), part("9", "100.00")])})
    assert "more-than-asked" in stage.order.warnings


def test_the_receipt_says_what_ended_the_charge(stage):
    stage.until("CHARGING")
    stage.final_bill(quote=bill("361.08", "296.00", "10.00", "55.08"))
    assert stage.order.ended_by == ""
    Order.objects.update(ended_by="money")
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert "the amount you agreed to was used up" in page


def test_the_operators_note_stands_beside_its_line(stage):
    note = {"id": "plug-1", "descriptor": {"short_desc": "38 min billed as 40 (steps of 5 min)"}}
    part = {"title": "time-cost", "item": note, "price": {"value": "40.00", "currency": "INR"}}
    stage.ask("20")
    stage.tell("on_select", {"quote": quote("40.00", [part])})
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert "Charging time" in page and "38 min billed as 40" in page


# --- a new price -------------------------------------------------------------------------------------------


def test_asking_again_marks_what_became_different(stage):
    stage.until("QUOTED")
    client = stage.client()
    assert client.post(reverse("orders:new_price", args=[stage.order.code])).status_code == 302
    assert stage.fresh().state == State.QUOTE_REQUESTED
    stage.tell("on_select", {"quote": quote("401.20", lines("330.00", "10.00", "61.20"))})
    page = client.get(stage.order.get_absolute_url()).content.decode()
    assert "<del>" in page
    assert page.count("<del>") == 3  # energy, tax and total; the fee is what it was
    assert "₹436.60" in page and "₹401.20" in page


def test_lines_that_came_and_went_are_named(stage):
    stage.until("QUOTED")
    services.ask_for_new_price(stage.order)
    other = [
        {"title": "energy-cost", "price": {"value": "360.00", "currency": "INR"}},
        {"title": "idle-fee", "price": {"value": "76.60", "currency": "INR"}},
    ]
    stage.tell("on_select", {"quote": quote("436.60", other)})
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert (page.count("<del>"), page.count(">gone<"), page.count(">new<")) == (2, 2, 1)


def test_the_same_price_again_marks_nothing(stage):
    stage.until("QUOTED")
    services.ask_for_new_price(stage.order)
    stage.tell("on_select", {"quote": quote()})
    assert "<del>" not in stage.client().get(stage.order.get_absolute_url()).content.decode()


def test_terms_at_another_price_are_marked_too(stage):
    stage.until("TERMS_REQUESTED")
    stage.tell("on_init", {"quote": quote("448.40", lines("370.00", "10.00", "68.40")), **terms()})
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert page.count("<del>") == 3
    assert "dearer-than-quoted" in stage.order.warnings


def test_asking_again_twice_asks_once(stage):
    stage.until("QUOTED")
    stale = Order.objects.get(pk=stage.order.pk)
    services.ask_for_new_price(stage.order)
    services.ask_for_new_price(stale)
    assert Message.objects.filter(action="select").count() == 2  # the first quote and this one


@pytest.mark.parametrize("state", ["QUOTE_REQUESTED", "TERMS_OFFERED", "CONFIRMED", "CHARGING"])
def test_asking_again_makes_sense_for_a_quote_only(stage, state):
    if state == "QUOTE_REQUESTED":
        stage.ask()
        services.ask_for_new_price(stage.order)  # it is being asked for already
        assert Message.objects.filter(action="select").count() == 1
        return
    stage.until(state)
    answer = stage.client().post(reverse("orders:new_price", args=[stage.order.code]))
    assert answer.status_code == 409


def test_a_stranger_asks_for_no_price(stage, stranger, client):
    stage.until("QUOTED")
    client.force_login(stranger)
    assert client.post(reverse("orders:new_price", args=[stage.order.code])).status_code == 404
    assert client.get(reverse("orders:new_price", args=[stage.order.code])).status_code == 405


# --- the page ----------------------------------------------------------------------------------------------


@pytest.fixture
def car(factory, driver):
    """40 kWh, 60 kW at a CCS2 plug."""
    return factory.make_vehicle(driver, is_driven=True)


def page_of(stage, **address) -> str:
    return stage.client().get(reverse("orders:new", args=[make_offer().code]), address).content.decode()


def post(stage, **facts):
    offer = make_offer(**facts.pop("offer", {}))
    return stage.client().post(
        reverse("orders:new", args=[offer.code]), {"idempotency_key": str(uuid4()), **facts}
    )


def preview(stage, **facts) -> str:
    return stage.client().get(reverse("orders:estimate", args=[make_offer().code]), facts).content.decode()


def test_one_control_offers_what_can_be_ordered(stage):
    page = page_of(stage)
    assert [mode for mode in ("energy", "time", "money", "percent") if f'id="by-{mode}"' in page] == [
        "energy",
        "time",
        "money",
    ]
    assert "Choose your vehicle to charge to 80 %" in page


def test_who_drives_a_known_car_may_charge_to_eighty(stage, car):
    page = page_of(stage)
    assert 'id="by-percent"' in page and "Choose your vehicle" not in page
    assert "a battery of 40 kWh" in page


def test_a_car_that_does_not_fit_is_not_charged_to_eighty(stage, factory, driver):
    model = factory.make_vehicle_model(dc_standards=["CHADEMO"])
    factory.make_vehicle(driver, model, is_driven=True)
    assert 'id="by-percent"' not in page_of(stage)


@pytest.mark.parametrize(
    ("facts", "wish"),
    [
        ({"energy_kwh": "17.5"}, Wish(energy_kwh=Decimal("17.5"))),
        ({"by": "energy", "energy_kwh": "17.5", "minutes": "junk"}, Wish(energy_kwh=Decimal("17.5"))),
        ({"by": "time", "minutes": "45", "energy_kwh": ""}, Wish(minutes=45)),
        ({"by": "money", "amount": "400.50", "energy_kwh": "-3"}, Wish(amount=Decimal("400.50"))),
        ({"by": "percent", "percent_now": "35"}, Wish(energy_kwh=Decimal("20.0"), from_percent=35)),
    ],
)
def test_an_order_is_what_the_chosen_field_says(stage, car, facts, wish):
    assert post(stage, **facts).status_code == 302
    assert Order.objects.get().wish == wish


@pytest.mark.parametrize(
    "facts",
    [
        {"by": "energy"},
        {"by": "energy", "energy_kwh": "0"},
        {"by": "energy", "energy_kwh": "NaN"},
        {"by": "energy", "energy_kwh": "100.01"},
        {"by": "time", "minutes": "0"},
        {"by": "time", "minutes": "-45"},
        {"by": "time", "minutes": "601"},
        {"by": "time", "minutes": "1e3"},
        {"by": "time"},
        {"by": "money", "amount": "0"},
        {"by": "money", "amount": "-400"},
        {"by": "money", "amount": "Infinity"},
        {"by": "money", "amount": "400.001"},
        {"by": "money", "amount": "1e9"},
        {"by": "percent", "percent_now": "80"},
        {"by": "percent", "percent_now": "-1"},
        {"by": "percent", "percent_now": "79"},  # less than the least charge
        {"by": "favour", "energy_kwh": "20"},
    ],
)
def test_an_amount_that_makes_no_sense_is_refused(stage, car, facts):
    answer = post(stage, **facts)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert not Order.objects.exists()


def test_percent_of_an_unknown_car_cannot_be_smuggled_in(stage):
    assert post(stage, by="percent", percent_now="30").status_code == 422


def test_money_where_no_price_is_known_cannot_be_smuggled_in(stage):
    assert post(stage, by="money", amount="400", offer={"energy_rate": None}).status_code == 422
    with pytest.raises(Refused, match="too little"):
        services.request_quote(
            driver=stage.driver,
            offer=make_offer(energy_rate=None),
            wish=Wish(amount=Decimal(400)),
            idempotency_key="x",
        )


def test_money_that_buys_nothing_is_refused_with_a_reason(stage):
    assert "This amount buys no energy here" in preview(stage, by="money", amount="5")
    assert post(stage, by="money", amount="5").status_code == 409


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"by": "energy", "energy_kwh": "10"}, ["₹224.20", "for 10 kWh", "10 min or more"]),
        ({"by": "time", "minutes": "30"}, ["₹649.00", "for 30 kWh", "in 30 min, at most"]),
        ({"by": "money", "amount": "400"}, ["₹399.98", "for 18.3 kWh", "19 min or more"]),
        ({"by": "percent", "percent_now": "35"}, ["₹436.60", "for 20 kWh"]),
    ],
)
def test_the_preview_follows_every_way(stage, car, facts, words):
    text = preview(stage, **facts)
    assert [word for word in words if word not in text] == []


def test_the_preview_counts_with_what_the_car_takes(stage, factory, driver):
    model = factory.make_vehicle_model(max_dc_kw=Decimal(30))
    factory.make_vehicle(driver, model, is_driven=True)
    assert "for 15 kWh" in preview(stage, by="time", minutes="30")


def test_where_minutes_are_read_the_preview_is_the_ceiling_and_beside_it_what_the_car_takes(
    stage, factory, driver
):
    factory.make_vehicle(driver, factory.make_vehicle_model(max_dc_kw=Decimal(30)), is_driven=True)
    address = reverse("orders:estimate", args=[make_offer(**READS_UNITS).code])
    shown = stage.client().get(address, {"by": "time", "minutes": "30"}).content.decode()
    assert "₹649.00" in shown and "for 30 kWh" in shown
    assert "Your car takes about 15 kWh of it, for about ₹330.40." in shown


def test_the_preview_takes_as_many_queries_whatever_is_asked(stage, car, django_assert_num_queries):
    client, address = stage.client(), reverse("orders:estimate", args=[make_offer().code])
    with django_assert_num_queries(4):  # session, user, offer, vehicle
        client.get(address, {"by": "money", "amount": "400"})


def test_the_same_again_is_the_same_wish(stage):
    stage.ask(wish=Wish(amount=Decimal(400)))
    stage.tell("on_select", {"quote": quote("399.00", [])})
    page = stage.client().get(stage.order.get_absolute_url())
    again = page.context["again_url"]
    assert again.endswith("?by=money&amount=400")
    shown = stage.client().get(again).content.decode()
    assert 'value="money" id="by-money" checked' in shown and 'value="400"' in shown


def test_an_address_that_makes_no_sense_shows_the_usual(stage):
    page = page_of(stage, by="percent", minutes="-9", energy_kwh="x")
    assert 'value="energy" id="by-energy" checked' in page


@pytest.mark.parametrize(("now", "kwh"), [(0, "35.6"), (30, "22.3"), (79, "0.5")])
def test_to_eighty_percent(now, kwh):
    assert to_eighty(Decimal(40), now) == Decimal(kwh)


@pytest.mark.django_db
def test_an_estimate_is_the_bill_of_the_engine():
    offer = make_offer()
    found = estimate(offer, Wish(energy_kwh=Decimal(20)), now=clock.now())
    assert (found.total, found.kwh, found.minutes) == (Decimal("436.60"), Decimal(20), 20)
    assert estimate(make_offer(max_kw=None), Wish(minutes=20), now=clock.now()) is None
    assert estimate(make_offer(max_kw=None), Wish(energy_kwh=Decimal(20)), now=clock.now()).minutes is None


@pytest.mark.parametrize("language", ["en", "hi"])
def test_bounds_are_written_for_browsers_not_for_people(stage, language):
    """A slider "up to 2,000" would end at 100."""
    stage.until("QUOTED")
    client = stage.client()
    client.cookies["django_language"] = language
    page = client.get(reverse("orders:new", args=[stage.order.offer.code])).content.decode()
    bounds = re.findall(r'(?:min|max|step)="([^"]*)"', page)
    assert len(bounds) > 12
    assert [bound for bound in bounds if not re.fullmatch(r"\d+(\.\d+)?|any", bound)] == []
