"""A reserved time on the driver's side. It is noon in Bengaluru; the time is 17:00 to 17:45 there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from smtplib import SMTPException
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.db import connection
from django.urls import reverse

from apps.discovery.models import OfferedTimes
from apps.lib import clock
from apps.lib.errors import Refused
from apps.orders import reminders, services
from apps.orders.models import Order
from apps.orders.slots import Slot, read_slot, text_of
from tests.factory import NOON
from tests.orders.stage import BILLING, Stage, make_offer, quote, terms

FIVE = NOON + timedelta(hours=5)
SLOT = Slot(FIVE, FIVE + timedelta(minutes=45))
LATER = Slot(FIVE + timedelta(hours=2), FIVE + timedelta(hours=2, minutes=45))
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture(autouse=True)
def noon(time_machine):
    time_machine.move_to(NOON, tick=False)


def stops(slot: Slot = SLOT, at: datetime | None = None) -> dict:
    begins, ends = clock.utc_text(at or slot.starts_at), clock.utc_text(slot.ends_at)
    said = [{"type": "start", "time": {"timestamp": begins}}, {"type": "finish", "time": {"timestamp": ends}}]
    return {"fulfillments": [{"id": "cp-07", "stops": said}]}


def staged_terms() -> dict:
    code = {"descriptor": {"code": "payment-completed"}}
    free, late = SLOT.starts_at - timedelta(hours=1), SLOT.starts_at + timedelta(minutes=15)
    stages = [("0", free), ("20", late), ("50", None)]
    said = [
        {
            "fulfillment_state": code,
            "cancellation_fee": {"percentage": percent},
            **({"cancel_by": {"timestamp": clock.utc_text(until)}} if until else {}),
        }
        for percent, until in stages
    ]
    return {**terms(), "cancellation_terms": said}


def quoted(stage: Stage, slot: Slot = SLOT, kwh: str = "20") -> Order:
    stage.ask(kwh, slot=slot, is_reservable=True)
    stage.tell("on_select", {"quote": quote(ttl="PT15M"), **stops(slot)})
    return stage.order


def offered(stage: Stage, slot: Slot = SLOT) -> Order:
    services.request_terms(quoted(stage, slot), billing=BILLING)
    stage.tell("on_init", {"quote": quote(ttl="PT15M"), **staged_terms(), **stops(slot)})
    return stage.order


def reserve(stage: Stage, slot: Slot = SLOT) -> Order:
    offered(stage, slot)
    stage.pay()
    stage.tell("on_confirm", {"id": stage.number, "status": "ACTIVE"})
    assert stage.order.state == "CONFIRMED"
    return stage.order


def times_told(message: dict) -> list[str]:
    said = message["message"]["order"]["fulfillments"][0]["stops"]
    return [stop["time"]["timestamp"] for stop in said]


def told_again(stage: Stage, **order) -> None:
    stage.tell("on_update", {"id": stage.number, "status": "ACTIVE", **order})


def page_of(stage: Stage) -> str:
    return stage.client().get(stage.order.get_absolute_url()).content.decode()


# --- Asking -----------------------------------------------------------------------------------------------


def test_the_time_goes_with_select_init_and_confirm(stage):
    reserve(stage)
    for action in ("select", "init", "confirm"):
        (message,) = stage.sent(action)
        assert times_told(message) == ["2026-11-22T11:30:00.000Z", "2026-11-22T12:15:00.000Z"]
    assert stage.order.warnings == []


def test_a_charge_that_begins_now_names_no_time(stage):
    stage.ask()
    assert "stops" not in stage.sent("select")[0]["message"]["order"]["fulfillments"][0]


def test_an_answer_for_another_time_is_a_warning(stage):
    stage.ask(slot=SLOT)
    stage.tell("on_select", {"quote": quote(), **stops(LATER)})
    assert stage.order.warnings == ["other-time"]
    services.request_terms(stage.order, billing=BILLING)
    stage.tell("on_init", {"quote": quote(), **staged_terms()})
    assert stage.order.warnings == ["other-time"]
    with pytest.raises(Refused):
        services.accept_terms_and_pay(stage.order)


def test_more_than_fits_into_the_time_is_a_warning(stage):
    assert "may-end-early" in quoted(stage, kwh="60").warnings
    assert "may-end-early" not in quoted(stage, kwh="45").warnings


@pytest.mark.parametrize(("minutes", "warned"), [(19, True), (60, False)])
def test_an_end_because_of_the_next_driver_is_shown_before_it_is_paid(stage, minutes, warned):
    """20 kWh at 60 kW take 20 minutes."""
    stage.ask()
    ends = clock.utc_text(NOON + timedelta(minutes=minutes))
    finish = [{"type": "start"}, {"type": "finish", "time": {"timestamp": ends}}]
    stage.tell("on_select", {"quote": quote(), "fulfillments": [{"id": "cp-07", "stops": finish}]})
    assert ("may-end-early" in stage.order.warnings) is warned
    assert "The next driver has reserved this plug" in page_of(stage)


def test_a_time_that_is_over_is_refused(stage):
    with pytest.raises(Refused) as refused:
        stage.ask(slot=Slot(NOON - timedelta(minutes=1), NOON + timedelta(minutes=44)))
    assert "over" in str(refused.value.message)
    assert not Order.objects.exists()


# --- One at a time (AT-I4) --------------------------------------------------------------------------------


def test_a_driver_has_one_reserved_time(stage):
    reserve(stage)
    with pytest.raises(Refused) as refused:
        stage.ask(slot=LATER)
    assert "reserved time already" in str(refused.value.message)
    stage.ask()  # charging now is no reservation
    assert Order.objects.count() == 2


def test_two_quotes_may_be_compared_but_one_is_taken(stage):
    first = quoted(stage)
    services.request_terms(quoted(stage, LATER), billing=BILLING)
    with pytest.raises(Refused):
        services.request_terms(Order.objects.get(pk=first.pk), billing=BILLING)
    assert Order.objects.get(pk=first.pk).state == "QUOTED"


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_that_reserve_at_once_one_wins(transactional_db, stage):
    orders = [quoted(stage).pk for _tab in range(6)]
    together = Barrier(len(orders))

    def press(pk: int) -> str:
        try:
            order = Order.objects.get(pk=pk)
            together.wait()
            services.request_terms(order, billing=BILLING)
        except Refused:
            return "told"
        else:
            return "won"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(orders)) as pool:
        outcomes = list(pool.map(press, orders))
    assert (outcomes.count("won"), outcomes.count("told")) == (1, len(orders) - 1)
    assert Order.objects.filter(state="TERMS_REQUESTED").count() == 1


def test_who_let_two_times_pass_reserves_no_third(stage, time_machine):
    for _ in range(2):
        reserve(stage)
        stage.cancelled("PROVIDER", "NO_SHOW", "50.00")
        assert stage.order.state == "NO_SHOW"
    with pytest.raises(Refused):
        stage.ask(slot=SLOT)
    time_machine.shift(timedelta(days=31))
    stage.ask(slot=Slot(clock.now() + timedelta(hours=2), clock.now() + timedelta(hours=3)))


# --- Waiting for it ---------------------------------------------------------------------------------------


def test_the_order_waits_for_its_time_and_asks_nothing_meanwhile(stage, time_machine):
    order = reserve(stage)
    assert (order.deadline_at, order.poll_at) == (SLOT.ends_at, FIVE - timedelta(minutes=45))
    time_machine.move_to(FIVE - timedelta(hours=1), tick=False)
    assert services.move_overdue() == services.ask_again() == 0
    assert stage.fresh().state == "CONFIRMED"


def test_after_a_day_of_silence_the_order_ends(stage, time_machine):
    reserve(stage)
    time_machine.move_to(FIVE + timedelta(days=1), tick=False)
    services.move_overdue()
    assert stage.fresh().state == "CANCELLING"
    time_machine.shift(timedelta(minutes=3))
    services.move_overdue()
    assert stage.fresh().state == "CANCELLED"
    assert stage.settle().state == "VOIDED"


def test_it_is_not_started_before_its_time(stage, time_machine):
    reserve(stage)
    with pytest.raises(Refused):
        services.request_start(stage.order)
    start = reverse("orders:start", args=[stage.order.code])
    assert "You can start from 16:50 IST on" in page_of(stage)
    assert start not in page_of(stage)
    time_machine.move_to(FIVE - timedelta(minutes=10), tick=False)
    assert start in page_of(stage)
    services.request_start(stage.order)
    assert stage.fresh().state == "STARTING"
    stage.overdue()
    assert (stage.order.state, stage.order.deadline_at) == ("CONFIRMED", SLOT.ends_at)


def test_a_page_that_polls_sees_when_the_time_comes(stage, time_machine):
    address, client = reserve(stage).get_absolute_url(), stage.client()
    again = {"seen": client.get(address).context["version"]}
    assert client.get(address, again, headers={"HX-Request": "true"}).status_code == 204
    time_machine.move_to(FIVE - timedelta(minutes=10), tick=False)
    assert client.get(address, again, headers={"HX-Request": "true"}).status_code == 200


@pytest.mark.parametrize(
    ("moment", "fee"),
    [(NOON, "0.00"), (FIVE - timedelta(minutes=59), "87.32"), (FIVE + timedelta(minutes=16), "218.30")],
)
def test_leaving_costs_what_the_stage_of_the_terms_says_whatever_is_asked(stage, time_machine, moment, fee):
    reserve(stage)
    time_machine.move_to(moment, tick=False)
    page = stage.client().get(reverse("orders:cancel", args=[stage.order.code])).content.decode()
    assert (fee in page) is (fee != "0.00")
    services.request_cancel(stage.order)
    stage.cancelled(fee="400.00")
    assert stage.order.billed_amount == Decimal(fee)


def test_the_terms_are_shown_by_stage_with_their_times(stage):
    offered(stage)
    page = page_of(stage)
    for words in ("16:00 IST: free", "17:15 IST: ₹87.32", "do not come: ₹218.30", "22 Nov, 17:00–17:45 IST"):
        assert words in page


# --- Late, another time, another bay ------------------------------------------------------------------------


def test_late_is_said_to_the_operator_and_shown_when_it_agrees(stage):
    reserve(stage)
    services.come_late(stage.order, minutes=20)
    (message,) = stage.sent("update")
    assert message["message"]["update_target"] == "order.fulfillments[0].stops"
    assert times_told(message) == ["2026-11-22T11:50:00.000Z", "2026-11-22T12:15:00.000Z"]
    assert stage.fresh().arrives_at is None
    told_again(stage, **stops(at=FIVE + timedelta(minutes=20)))
    assert (stage.order.arrives_at, stage.order.slot_starts_at) == (FIVE + timedelta(minutes=20), FIVE)


def test_a_refusal_leaves_everything_as_it_was_and_says_why(stage):
    reserve(stage)
    services.change_time(stage.order, slot=LATER)
    stage.tell("on_update", error={"code": "40000", "message": "Somebody else has this time already."})
    assert (stage.order.state, stage.order.slot_starts_at) == ("CONFIRMED", FIVE)
    assert stage.order.wanted_starts_at is None
    assert "Somebody else has this time already." in page_of(stage)


def test_another_time_is_taken_with_its_new_terms_when_the_operator_agrees(stage):
    reserve(stage)
    services.change_time(stage.order, slot=LATER)
    code = {"descriptor": {"code": "payment-completed"}}
    until = {"timestamp": "2026-11-22T12:30:00Z"}
    new_terms = [
        {"fulfillment_state": code, "cancellation_fee": {"percentage": "0"}, "cancel_by": until},
        {"fulfillment_state": code, "cancellation_fee": {"percentage": "20"}},
    ]
    told_again(stage, cancellation_terms=new_terms, **stops(LATER))
    order = stage.order
    times = (order.slot_starts_at, order.slot_ends_at, order.ends_by)
    assert times == (LATER.starts_at, LATER.ends_at, LATER.ends_at)
    assert (order.deadline_at, order.wanted_starts_at) == (LATER.ends_at, None)
    assert order.terms["cancellation"][0]["until"] == "2026-11-22T12:30:00.000Z"
    assert order.quote_amount == Decimal("436.60")


def test_a_time_that_nobody_asked_for_moves_nothing(stage):
    reserve(stage)
    told_again(stage, **stops(LATER))
    assert (stage.order.slot_starts_at, stage.order.ends_by) == (FIVE, SLOT.ends_at)


def test_another_bay_is_shown(stage):
    reserve(stage)
    make_offer(item_id="plug-2", letter="B", fulfillment_id="cp-08")
    point = {"id": "cp-08", "state": {"descriptor": {"code": "payment-completed"}}}
    said = {"id": stage.number, "status": "ACTIVE", "items": [{"id": "plug-2"}], "fulfillments": [point]}
    stage.tell("on_status", said)
    order = stage.order
    assert (order.item_id, order.fulfillment_id, order.plug_letter) == ("plug-2", "cp-08", "B")
    assert "You have another bay now: plug B." in page_of(stage)


@pytest.mark.parametrize("minutes", ["0", "7", "45", "-10", "ten", ""])
def test_nonsense_is_not_said_to_the_operator(stage, minutes):
    reserve(stage)
    answer = stage.client().post(reverse("orders:late", args=[stage.order.code]), {"minutes": minutes})
    assert answer.status_code in (404, 409)
    assert not stage.sent("update")


@pytest.mark.parametrize("slot", ["", "yesterday", "2026-11-22", "2026-11-22T11:30Z/2026-11-22T11:00Z"])
def test_a_change_to_no_time_is_refused(stage, slot):
    reserve(stage)
    answer = stage.client().post(reverse("orders:change_time", args=[stage.order.code]), {"slot": slot})
    assert answer.status_code == 409
    assert not stage.sent("update")


def test_only_the_driver_changes_the_order(stage, stranger, client):
    reserve(stage)
    client.force_login(stranger)
    for name, said in (("late", {"minutes": 10}), ("change_time", {"slot": text_of(LATER)})):
        assert client.post(reverse(f"orders:{name}", args=[stage.order.code]), said).status_code == 404
    assert client.get(reverse("orders:other_times", args=[stage.order.code])).status_code == 404


def test_who_may_be_late_is_asked_when_the_time_is_near(stage, time_machine):
    reserve(stage)
    late = reverse("orders:late", args=[stage.order.code])
    assert late not in page_of(stage)
    time_machine.move_to(FIVE - timedelta(hours=2), tick=False)
    assert late in page_of(stage)
    time_machine.move_to(SLOT.ends_at, tick=False)
    assert late not in page_of(stage)


def test_what_the_operator_knows_is_not_said_again(stage):
    reserve(stage)
    services.come_late(stage.order, minutes=20)
    told_again(stage, **stops(at=FIVE + timedelta(minutes=20)))
    with pytest.raises(Refused):
        services.come_late(stage.order, minutes=20)


# --- The reminder -----------------------------------------------------------------------------------------


def test_a_reminder_is_sent_once_a_little_before(stage, time_machine):
    reserve(stage)
    assert reminders.remind() == 0
    time_machine.move_to(FIVE - timedelta(minutes=45), tick=False)
    assert (reminders.remind(), reminders.remind()) == (1, 0)
    (message,) = mail.outbox
    assert "22 Nov, 17:00–17:45 IST" in message.subject
    assert stage.order.get_absolute_url() in message.body


def test_a_mail_server_that_fails_is_tried_again(stage, time_machine, monkeypatch):
    reserve(stage)
    time_machine.move_to(FIVE - timedelta(minutes=45), tick=False)

    def broken(order: Order) -> None:
        raise SMTPException("busy")

    monkeypatch.setattr("apps.orders.mails.send_reminder", broken)
    assert reminders.remind() == 0
    monkeypatch.undo()
    assert reminders.remind() == 1


def test_nobody_is_reminded_of_what_was_cancelled(stage, time_machine):
    reserve(stage)
    services.request_cancel(stage.order)
    stage.cancelled()
    time_machine.move_to(FIVE - timedelta(minutes=45), tick=False)
    assert reminders.remind() == 0


# --- The pages --------------------------------------------------------------------------------------------


def test_a_slot_is_read_only_when_it_is_one():
    assert read_slot(text_of(SLOT)) == SLOT
    for text in ("", "/", "a/b", "2026-11-22T11:30:00Z", "2026-11-22T12:00Z/2026-11-22T12:00Z", "9" * 80):
        assert read_slot(text) is None
    assert read_slot("2026-11-22T12:00Z/2026-11-24T12:00Z") is None


def test_the_calendar_shows_the_days_and_leads_to_the_question_how_much(stage):
    offer = make_offer(is_reservable=True)
    told = [[clock.utc_text(slot.starts_at), clock.utc_text(slot.ends_at)] for slot in (SLOT, LATER)]
    past = [clock.utc_text(NOON - timedelta(hours=1)), clock.utc_text(NOON)]
    OfferedTimes.objects.create(offer=offer, slots=[past, *told], told_at=NOON)
    page = stage.client().get(reverse("orders:times", args=[offer.code])).content.decode()
    assert "Sunday, 22 November" in page
    assert ">17:00</a>" in page and ">19:00</a>" in page and ">11:00</a>" not in page
    ask = stage.client().get(reverse("orders:new", args=[offer.code]), {"slot": text_of(SLOT)})
    assert "22 Nov, 17:00–17:45 IST" in ask.content.decode()
    said = {"energy_kwh": "10", "slot": text_of(SLOT), "idempotency_key": KEY}
    stage.client().post(reverse("orders:new", args=[offer.code]), said)
    assert Order.objects.get().slot_starts_at == FIVE


def test_the_hour_that_comes_twice_is_told_apart(stage, time_machine):
    time_machine.move_to(datetime.fromisoformat("2026-10-24T12:00:00+00:00"), tick=False)
    offer = make_offer(is_reservable=True)
    type(offer.station).objects.filter(pk=offer.station_id).update(zone="Europe/Copenhagen")
    told = [[f"2026-10-25T0{hour}:00:00.000Z", f"2026-10-25T0{hour}:45:00.000Z"] for hour in (0, 1, 2)]
    OfferedTimes.objects.create(offer=offer, slots=told, told_at=clock.now())
    page = stage.client().get(reverse("orders:times", args=[offer.code])).content.decode()
    assert "02:00 (UTC+0200)" in page and "02:00 (UTC+0100)" in page and ">03:00<" in page


def test_a_tampered_time_is_refused_with_words(stage):
    offer = make_offer(is_reservable=True)
    said = {"energy_kwh": "10", "slot": "soon", "idempotency_key": KEY}
    answer = stage.client().post(reverse("orders:new", args=[offer.code]), said)
    assert answer.status_code == 422
    assert "no time that can be reserved" in answer.content.decode()
    assert not Order.objects.exists()


def test_the_calendar_of_a_plug_without_times_says_so(stage):
    offer = make_offer(is_reservable=True)
    page = stage.client().get(reverse("orders:times", args=[offer.code])).content.decode()
    assert "did not say when this plug can be reserved" in page


# --- How much, at that time ---------------------------------------------------------------------------------------

NIGHT = {
    "price_components": [{"type": "ENERGY", "price": "10"}],
    "restrictions": {"start_time": "17:00", "end_time": "23:00"},
}
DAY = {"price_components": [{"type": "ENERGY", "price": "20"}]}
TARIFF = {"currency": "INR", "zone": "Asia/Kolkata", "elements": [NIGHT, DAY], "taxes": []}


def ask_page(stage, offer, **said: str) -> str:
    return stage.client().get(reverse("orders:new", args=[offer.code]), said).content.decode()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"energy_kwh": "20"}, "₹200.00"),
        ({"by": "time", "minutes": "30"}, "₹300.00"),
        ({"by": "money", "amount": "400"}, "for 40 kWh"),
    ],
)
def test_the_preview_prices_the_chosen_time_and_not_this_hour(stage, said, words):
    """Noon costs twice what five o'clock does."""
    offer = make_offer(is_reservable=True, tariff=TARIFF, tax_percent=Decimal(0), order_by="time,money")
    shown = ask_page(stage, offer, slot=text_of(SLOT), **said)
    assert words in shown and "By the tariff of 22 Nov, 17:00 IST." in shown
    preview = reverse("orders:estimate", args=[offer.code])
    assert words in stage.client().get(preview, {"slot": text_of(SLOT), **said}).content.decode()
    assert words not in ask_page(stage, offer, **said)


def test_how_much_is_carried_to_the_calendar_and_back_however_it_was_said(stage):
    offer = make_offer(is_reservable=True)
    OfferedTimes.objects.create(offer=offer, slots=[slot_text(SLOT)], told_at=NOON)
    assert "?by=money&amp;amount=400" in ask_page(stage, offer, by="money", amount="400")
    page = stage.client().get(reverse("orders:times", args=[offer.code]), {"by": "time", "minutes": "45"})
    assert "&amp;by=time&amp;minutes=45" in page.content.decode()


def slot_text(slot: Slot) -> list[str]:
    return [clock.utc_text(slot.starts_at), clock.utc_text(slot.ends_at)]


# --- A time that nobody published ---------------------------------------------------------------------------------


def type_time(stage, offer, at: str, **said: str):
    return stage.client().get(reverse("orders:times", args=[offer.code]), {"at": at, **said})


def test_where_no_times_are_published_one_may_be_typed(stage):
    offer = make_offer()
    page = stage.client().get(reverse("orders:times", args=[offer.code]), {"by": "time", "minutes": "50"})
    assert 'type="datetime-local"' in page.content.decode()
    assert '<input type="hidden" name="minutes" value="50">' in page.content.decode()
    answer = type_time(stage, offer, "2026-11-22T17:00", by="time", minutes="50")
    asked = parse_qs(urlsplit(answer.url).query)
    assert (asked["slot"], asked["minutes"]) == (
        ["2026-11-22T11:30:00.000Z/2026-11-22T12:30:00.000Z"],
        ["50"],
    )


def test_its_length_follows_from_how_much_is_wanted(stage):
    """20 kWh at 60 kW take twenty minutes: two quarters of an hour."""
    answer = type_time(stage, make_offer(), "2026-11-22T17:00", energy_kwh="20")
    assert "12%3A00%3A00.000Z" in answer.url


@pytest.mark.parametrize("at", ["2026-11-22T11:59", "2027-06-01T12:00", "soon", "", "2026-13-40T99:99"])
def test_a_typed_time_that_makes_no_sense_is_refused_on_the_page(stage, at):
    answer = type_time(stage, make_offer(), at)
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()


def test_an_hour_that_the_clock_leaves_out_is_refused(stage, time_machine):
    time_machine.move_to("2027-03-27T10:00:00+00:00")
    offer = make_offer()
    offer.station.zone = "Europe/Copenhagen"
    offer.station.save()
    answer = type_time(stage, offer, "2027-03-28T02:30")
    assert "the clock at the station leaves this hour out" in answer.content.decode()


def test_a_refusal_is_shown_in_the_operators_words_with_the_earliest_time(stage):
    stage.ask(slot=SLOT)
    words = (
        "That is too soon: a time must be reserved 60 minutes ahead, so from 2026-11-22 18:00 (UTC+0530) on."
    )
    stage.tell("on_select", error={"code": "40000", "message": words})
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert stage.order.state == "REFUSED" and "so from 2026-11-22 18:00" in page
