"""A time reserved ahead, from the select to the last minute of it. It is noon in Bengaluru, 06:30 UTC."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection, transaction

from apps.bookings import services, timekeeping
from apps.bookings.models import Booking
from apps.bookings.reading import Choice, Customer, Peer
from apps.catalog.models import Connector, SlotPolicy, TakenTime
from apps.charging.models import Session
from apps.lib import clock as clocks
from apps.lib.errors import Refused
from tests.bookings.doubles import App, code_of, lines, state_of, total
from tests.charging.doubles import Charger, make_charger, minutes, plug_of
from tests.factory import NOON

HOUR = timedelta(hours=1)
FIVE = NOON + 5 * HOUR  # 17:00 at the station
KEPT_FOR = 45
MEERA = Customer("Meera Kulkarni", "meera@voltpath.example", "+919810000001")


@pytest.fixture
def rules(charger) -> SlotPolicy:
    """45 minutes and 15 between them, an hour ahead; leaving late costs 20 %, not coming 50 %."""
    return SlotPolicy.objects.create(
        operator=plug_of(charger).evse.station.operator, late_fee_percent=20, no_show_fee_percent=50
    )


@pytest.fixture
def reserved(app, rules) -> Booking:
    return place(app)


def at(app: App, start: datetime | None, end: datetime | None = None) -> dict:
    """The parts of an order that name a time."""
    stops = [("start", start), ("finish", end)]
    said = [{"type": kind, "time": {"timestamp": clocks.utc_text(when)}} for kind, when in stops if when]
    return {"fulfillments": [{"id": app.plug.evse.code, "type": "CHARGING", "stops": said}]}


def place(app: App, start: datetime = FIVE) -> Booking:
    time = at(app, start, start + minutes(KEPT_FOR))
    assert "message" in app.select(**time)
    assert "message" in app.init(**time)
    assert "message" in app.confirm(**time)
    return app.booking()


def stops_of(told: dict) -> list[str | None]:
    stops = told["message"]["order"]["fulfillments"][0]["stops"]
    return [stop.get("time", {}).get("timestamp") for stop in stops]


def go_to(clock, moment: datetime, charger: Charger, status: str = "Available") -> None:
    """Time passes, and the charger is still alive."""
    clock.move_to(moment, tick=False)
    charger.status(status)


def work() -> None:
    services.move_overdue()
    timekeeping.keep_times()


def taken() -> set[str]:
    return set(TakenTime.objects.values_list("holder", flat=True))


# --- Asking -----------------------------------------------------------------------------------------------


def test_a_time_is_quoted_and_held_and_confirmed_as_it_was_asked(app, rules):
    time = at(app, FIVE, FIVE + minutes(KEPT_FOR))
    for told in (app.select(**time), app.init(**time), app.confirm(**time)):
        assert stops_of(told) == ["2026-11-22T11:30:00.000Z", "2026-11-22T12:15:00.000Z"]
        assert total(told) == "448.40"
    booking = app.booking()
    assert (booking.state, booking.deadline_at) == ("CONFIRMED", FIVE + minutes(15))
    assert TakenTime.objects.filter(holder=booking.code, is_reserved=True).count() == 4


def test_without_an_end_it_is_the_slot_that_begins_then(app, rules):
    assert stops_of(app.select(**at(app, FIVE)))[1] == "2026-11-22T12:15:00.000Z"


def test_a_range_at_the_start_means_the_same(app, rules):
    times = {"start": clocks.utc_text(FIVE), "end": clocks.utc_text(FIVE + minutes(KEPT_FOR))}
    point = {"id": app.plug.evse.code, "stops": [{"type": "start", "time": {"range": times}}]}
    assert stops_of(app.select(fulfillments=[point]))[0] == "2026-11-22T11:30:00.000Z"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (NOON - HOUR, NOON, "over"),
        (NOON + minutes(30), None, "too soon"),
        (NOON + timedelta(days=8), None, "too far"),
        (FIVE + minutes(15), None, "Near it"),
        (FIVE, FIVE + HOUR, "45 minutes"),
    ],
)
def test_a_time_that_is_not_for_sale_is_refused_with_words(app, rules, start, end, words):
    told = app.select(**at(app, start, end))
    assert code_of(told) == "40000"
    assert words in told["error"]["message"]
    assert not Booking.objects.exists()


def test_where_nothing_can_be_reserved_a_later_time_is_refused(app):
    told = app.select(**at(app, FIVE))
    assert (code_of(told), told["error"]["message"]) == (
        "40000",
        "This operator sells charges that start now, not reserved times.",
    )


def test_who_stands_there_now_does_not_matter_for_later_but_a_fault_does(app, rules, charger):
    charger.status("Charging")
    assert "message" in app.select(**at(app, FIVE))
    charger.status("Faulted")
    assert code_of(App(charger, "other.example").select(**at(app, FIVE))) == "30008"


def test_another_driver_is_told_that_the_time_is_taken(app, rules, reserved, charger):
    other = App(charger, "other.example")
    assert code_of(other.select(**at(app, FIVE))) == "40000"
    place(other, FIVE + HOUR)
    assert Booking.objects.filter(state="CONFIRMED").count() == 2


def test_of_two_that_were_quoted_the_first_to_ask_for_terms_holds_it(app, rules, charger):
    other, time = App(charger, "other.example"), at(app, FIVE)
    for buyer in (app, other):
        assert "message" in buyer.select(**time)
    assert "message" in app.init(**time)
    assert code_of(other.init(**time)) == "40000"
    assert other.booking().state == "QUOTED"


def test_a_hold_that_ran_out_gives_the_time_back(app, rules, charger, clock):
    time = at(app, FIVE)
    app.init(**time)
    clock.shift(15 * 60 + 1)
    services.move_overdue()
    assert not taken()
    place(App(charger, "other.example"))


def test_another_time_in_the_same_transaction_gives_the_first_back(app, rules):
    app.init(**at(app, FIVE))
    app.init(**at(app, FIVE + HOUR))
    assert TakenTime.objects.count() == 4
    assert app.booking().slot_starts_at == FIVE + HOUR


def test_confirmed_again_it_is_the_same_order(app, rules, reserved):
    assert app.confirm(**at(app, FIVE))["message"]["order"]["id"] == reserved.code
    assert TakenTime.objects.count() == 4


def test_a_confirm_for_another_time_is_refused(app, rules):
    app.init(**at(app, FIVE))
    assert code_of(app.confirm(**at(app, FIVE + HOUR))) == "30000"


@pytest.mark.django_db(transaction=True)
def test_of_fifty_drivers_for_overlapping_times_one_gets_it_and_all_are_told(transactional_db, factory):
    plug = plug_of(make_charger(factory))
    SlotPolicy.objects.create(operator=plug.evse.station.operator, slot_minutes=60)
    own = SlotPolicy.objects.create(operator=plug.evse.station.operator, station=plug.evse.station)
    # Half of them were quoted by rules that were changed since: other times, overlapping the new ones.
    buyers = []
    for number in range(50):
        peer = Peer(f"app-{number}.example", f"https://app-{number}.example/bap", uuid4())
        if number == 25:
            SlotPolicy.objects.filter(pk=own.pk).update(slot_minutes=75)
        start = FIVE if number < 25 else FIVE - minutes(30)
        choice = Choice(plug.evse.station.operator.code, plug.code, plug.evse.code, Decimal(20), start)
        services.quote(peer=peer, choice=choice)
        buyers.append((peer, choice))
    start_together = Barrier(len(buyers))

    def run(buyer) -> str:
        try:
            start_together.wait()
            with transaction.atomic():
                return services.offer_terms(peer=buyer[0], choice=buyer[1], customer=MEERA).code
        except Refused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(buyers)) as pool:
        outcomes = list(pool.map(run, buyers))
    assert outcomes.count("40000") == 49
    (winner,) = Booking.objects.filter(state="HELD")
    assert taken() == {winner.code}
    assert winner.code in outcomes


# --- Terms and leaving ------------------------------------------------------------------------------------


def test_the_terms_say_what_each_stage_costs_and_until_when(app, rules):
    order = app.init(**at(app, FIVE))["message"]["order"]
    stages = [
        (term.get("cancel_by", {}).get("timestamp"), term["cancellation_fee"]["percentage"])
        for term in order["cancellation_terms"]
    ]
    assert stages == [
        ("2026-11-22T10:30:00.000Z", "0"),
        ("2026-11-22T11:45:00.000Z", "20.00"),
        (None, "50.00"),
    ]


@pytest.mark.parametrize(
    ("moment", "fee"),
    [(FIVE - HOUR, "0.00"), (FIVE - HOUR + minutes(1), "89.68"), (FIVE + minutes(5), "89.68")],
)
def test_leaving_costs_by_stage_and_the_preview_says_so_first(app, reserved, charger, clock, moment, fee):
    go_to(clock, moment, charger)
    assert total(app.about("cancel", descriptor={"code": "SOFT_CANCEL"})) == fee
    told = app.about("cancel", cancellation_reason_id="2")
    assert (total(told), state_of(told)) == (fee, ("CANCELLED", "order-cancelled"))
    assert not taken()


def test_rules_edited_later_change_nothing_for_an_accepted_order(app, rules, reserved, charger, clock):
    SlotPolicy.objects.update(late_fee_percent=90, grace_minutes=5, slot_minutes=30, is_reservable=False)
    go_to(clock, FIVE + minutes(14), charger)
    work()
    assert app.booking().state == "CONFIRMED"
    assert total(app.about("cancel")) == "89.68"


def test_nobody_came(app, reserved, charger, clock):
    """AT-I1: late by the grace, the fee is the one that was agreed, and the plug is free again."""
    go_to(clock, FIVE - minutes(10), charger)
    work()
    go_to(clock, FIVE + minutes(15), charger, "Reserved")
    app.news()
    work()
    (told,) = app.news()
    assert (state_of(told), lines(told)) == (("CANCELLED", "order-cancelled"), {"cancellation-fee": "224.20"})
    assert told["message"]["order"]["cancellation"]["reason"]["descriptor"]["code"] == "NO_SHOW"
    assert app.booking().state == "NO_SHOW"
    assert charger.asked("cancel_reservation").count() == 1
    assert not taken()


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
def test_nobody_is_blamed_for_not_coming_to_a_broken_bay(app, reserved, charger, clock, status):
    go_to(clock, FIVE + minutes(16), charger, status)
    work()
    assert (app.booking().state, app.booking().final_total) == ("FAILED", 0)


def test_after_a_day_without_us_the_order_ends_and_costs_nothing(app, reserved, charger, clock):
    go_to(clock, FIVE + timedelta(days=1), charger)
    work()
    assert (app.booking().state, app.booking().final_total) == ("FAILED", 0)
    assert not taken()


# --- Coming -----------------------------------------------------------------------------------------------


def test_a_time_far_ahead_waits_for_its_driver(app, reserved, clock, charger):
    go_to(clock, NOON + 4 * HOUR, charger)
    work()
    assert app.booking().state == "CONFIRMED"


@pytest.mark.parametrize(("moment", "code"), [(-minutes(11), "50002"), (minutes(KEPT_FOR), "50002")])
def test_it_cannot_be_started_before_or_after_its_time(app, reserved, charger, clock, moment, code):
    go_to(clock, FIVE + moment, charger)
    assert code_of(app.update("start-charging")) == code
    assert not charger.asked("remote_start").exists()


def test_who_comes_a_little_early_may_begin_and_the_charge_ends_with_the_time(app, reserved, charger, clock):
    go_to(clock, FIVE - minutes(10), charger)
    app.update("start-charging")
    number = charger.begin(reserved.start_token).transaction_id
    assert stops_of(app.news()[-1])[1] == "2026-11-22T12:15:00.000Z"
    go_to(clock, FIVE + minutes(KEPT_FOR) - minutes(1), charger, "Charging")
    work()
    assert not charger.asked("remote_stop").exists()
    clock.shift(60)
    work()
    work()
    assert charger.asked("remote_stop").count() == 1
    charger.end(number, wh=9000, at=clocks.now())
    assert (app.booking().state, app.booking().delivered_kwh) == ("COMPLETED", 8)
    assert not taken()


def test_the_charger_is_asked_to_keep_the_plug_a_little_before(app, reserved, charger, clock):
    go_to(clock, FIVE - minutes(11), charger)
    work()
    assert not charger.asked("reserve").exists()
    clock.shift(60)
    work()
    work()
    asked = charger.asked("reserve").get()
    assert asked.payload == {
        "connector_id": 1,
        "token": reserved.start_token,
        "until": clocks.utc_text(FIVE + minutes(15)),
    }


def test_a_charger_that_refuses_to_reserve_does_not_lose_the_time(app, reserved, charger, clock):
    go_to(clock, FIVE - minutes(10), charger)
    work()
    charger.answer("reserve", "rejected")
    work()
    assert app.booking().state == "CONFIRMED"
    clock.shift(600)
    other = App(charger, "other.example")
    assert code_of(other.select()) == "30008"
    app.update("start-charging")
    assert charger.begin(reserved.start_token).accepted


def test_leaving_takes_the_reservation_back_from_the_charger(app, reserved, charger, clock):
    go_to(clock, FIVE - minutes(5), charger)
    work()
    app.about("cancel")
    assert charger.asked("cancel_reservation").get().payload == {
        "reservation": charger.asked("reserve").get().pk
    }


def test_a_card_may_not_begin_in_a_time_that_is_reserved(app, reserved, charger, clock):
    go_to(clock, FIVE - minutes(11), charger)
    assert charger.begin("RFID-1").accepted
    go_to(clock, FIVE - minutes(5), charger, "Charging")
    work()
    assert charger.asked("remote_stop").count() == 1  # it was there, and has to leave in time
    assert Session.objects.get().state == "STOPPING"
    assert not charger.begin("RFID-2").accepted


# --- Late, and another time -------------------------------------------------------------------------------


def move_to(app: App, start: datetime | None, end: datetime | None = None) -> dict:
    order = {"id": app.booking().code, **at(app, start, end)}
    return app.ask("update", {"update_target": "order.fulfillments[0].stops", "order": order})


def test_running_late_is_said_and_the_plug_is_kept_longer(app, reserved, charger, clock):
    told = move_to(app, FIVE + minutes(20))
    assert stops_of(told) == ["2026-11-22T11:50:00.000Z", "2026-11-22T12:15:00.000Z"]
    go_to(clock, FIVE + minutes(34), charger)
    work()
    assert app.booking().state == "CONFIRMED"
    clock.shift(60)
    work()
    assert app.booking().state == "NO_SHOW"


def test_running_late_never_shortens_and_never_passes_the_end(app, reserved):
    move_to(app, FIVE + minutes(40))
    assert app.booking().deadline_at == FIVE + minutes(KEPT_FOR)
    move_to(app, FIVE + minutes(1))
    assert app.booking().deadline_at == FIVE + minutes(KEPT_FOR)


def test_another_time_takes_its_place_at_the_same_price(app, reserved):
    told = move_to(app, FIVE + 2 * HOUR)
    assert stops_of(told)[0] == "2026-11-22T13:30:00.000Z"
    assert total(told) == "448.40"
    assert told["message"]["order"]["cancellation_terms"][0]["cancel_by"]["timestamp"].startswith(
        "2026-11-22T12:30"
    )
    booking = app.booking()
    assert (booking.ends_by, booking.deadline_at) == (
        FIVE + 2 * HOUR + minutes(KEPT_FOR),
        FIVE + 2 * HOUR + minutes(15),
    )
    assert TakenTime.objects.count() == 4


def test_a_taken_time_is_refused_and_the_first_one_stays(app, reserved, charger):
    place(App(charger, "other.example"), FIVE + HOUR)
    assert code_of(move_to(app, FIVE + HOUR)) == "40000"
    assert app.booking().slot_starts_at == FIVE
    assert TakenTime.objects.filter(holder=reserved.code).count() == 4


@pytest.mark.parametrize(
    ("moment", "to", "code"),
    [
        (FIVE - HOUR + minutes(1), FIVE + 2 * HOUR, "50002"),  # leaving is no longer free
        (NOON, FIVE + minutes(100), "40000"),
        (NOON, NOON - HOUR, "40000"),
        (NOON, None, "30000"),
    ],
)
def test_changes_that_cannot_be_are_refused(app, reserved, charger, clock, moment, to, code):
    go_to(clock, moment, charger)
    assert code_of(move_to(app, to)) == code
    assert app.booking().slot_starts_at == FIVE


def test_a_charge_that_begins_now_has_no_time_to_change(app, rules):
    app.place()
    assert code_of(move_to(app, FIVE)) == "50002"


# --- The bay is not ready (AT-I2) -------------------------------------------------------------------------


@pytest.fixture
def beside(factory, charger, app) -> Connector:
    """Another bay with the same plug and a little more power."""
    make_charger(factory, "CP-2", station=app.plug.evse.station, tariff=app.plug.tariff, max_kw=Decimal(90))
    return plug_of(Charger("CP-2"))


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
def test_a_broken_bay_is_changed_for_an_equal_one_and_the_app_is_told(
    app, reserved, beside, charger, clock, status
):
    go_to(clock, FIVE - minutes(20), Charger("CP-2"))
    charger.status(status)
    app.news()
    work()
    (told,) = app.news()
    order = told["message"]["order"]
    assert (order["items"][0]["id"], order["fulfillments"][0]["id"]) == (beside.code, beside.evse.code)
    assert state_of(told) == ("ACTIVE", "payment-completed")
    assert TakenTime.objects.filter(evse=beside.evse).count() == TakenTime.objects.count() == 4
    assert total(app.about("cancel", descriptor={"code": "SOFT_CANCEL"})) == "0.00"  # nobody has to take it


def test_a_bay_is_not_changed_long_before(app, reserved, beside, charger, clock):
    go_to(clock, FIVE - minutes(31), charger, "Faulted")
    work()
    assert app.booking().connector == app.plug


def test_a_bay_that_is_still_occupied_is_changed_when_the_time_comes(app, reserved, beside, charger, clock):
    go_to(clock, FIVE - minutes(1), Charger("CP-2"))
    charger.status("Finishing")
    work()
    assert app.booking().connector == app.plug
    go_to(clock, FIVE, Charger("CP-2"))
    work()
    assert app.booking().connector == beside


@pytest.mark.parametrize(
    "unequal",
    [
        {"max_kw": Decimal(30)},
        {"standard": "CHADEMO"},
        {"status": "Charging"},
        {"is_published": False},
    ],
)
def test_without_an_equal_bay_it_costs_nothing(app, reserved, beside, charger, clock, unequal):
    Connector.objects.filter(pk=beside.pk).update(**unequal)
    go_to(clock, FIVE - minutes(20), charger, "Faulted")
    work()
    assert app.booking().state == "CONFIRMED"  # it may still be mended
    go_to(clock, FIVE, charger, "Faulted")
    app.news()
    work()
    (told,) = app.news()
    assert (state_of(told)[0], total(told)) == ("CANCELLED", "0.00")
    assert told["message"]["order"]["cancellation"]["cancelled_by"] == "PROVIDER"
    assert (app.booking().state, taken()) == ("FAILED", set())


def test_an_equal_bay_that_is_reserved_itself_is_no_help(app, reserved, beside, charger, clock):
    other = App(Charger("CP-2"), "other.example")
    place(other)
    go_to(clock, FIVE, Charger("CP-2"))
    charger.status("Faulted")
    work()
    assert (app.booking().state, other.booking().state) == ("FAILED", "CONFIRMED")


def test_a_moved_driver_who_does_not_come_pays_nothing(app, reserved, beside, charger, clock):
    go_to(clock, FIVE - minutes(20), Charger("CP-2"))
    charger.status("Faulted")
    work()
    go_to(clock, FIVE + minutes(15), Charger("CP-2"))
    work()
    assert (app.booking().state, app.booking().final_total) == ("FAILED", 0)


# --- Without a reservation, beside those that have one ------------------------------------------------------


def test_a_charge_before_a_reserved_time_is_quoted_with_its_end(app, rules, reserved, charger, clock):
    go_to(clock, FIVE - HOUR, charger)
    walker = App(charger, "other.example")
    assert stops_of(walker.select("20")) == [None, "2026-11-22T11:25:00.000Z"]
    booking = walker.place()
    assert booking.ends_by == FIVE - minutes(5)
    walker.update("start-charging")
    charger.begin(booking.start_token)
    go_to(clock, FIVE - minutes(5), charger, "Charging")
    work()
    assert charger.asked("remote_stop").count() == 1


def test_too_little_time_before_a_reserved_one_is_not_sold(app, rules, reserved, charger, clock):
    go_to(clock, FIVE - minutes(24), charger)
    told = App(charger, "other.example").select()
    assert code_of(told) == "30008"
    assert "reserved from 2026-11-22 17:00 (UTC+0530) on" in told["error"]["message"]


def test_a_time_cannot_be_reserved_over_a_charge_that_needs_it(app, rules, charger):
    """20 kWh at 60 kW, at half power, and half an hour to plug in: until 13:15."""
    app.place()
    other = App(charger, "other.example")
    assert code_of(other.select(**at(app, NOON + HOUR))) == "40000"
    place(other, NOON + 2 * HOUR)


def test_a_long_charge_is_stretched_while_nobody_else_wants_the_time(app, rules, charger, clock):
    booking = app.place()
    app.update("start-charging")
    charger.begin(booking.start_token)
    go_to(clock, NOON + HOUR, charger, "Charging")
    for _ in range(12):
        clock.shift(600)
        charger.status("Charging")
        work()
    booking = app.booking()
    assert booking.ends_by is None
    assert booking.kept_until > clocks.now()
    assert not charger.asked("remote_stop").exists()


def test_a_stretched_charge_meets_a_reserved_time_and_is_told_when_it_ends(app, rules, charger, clock):
    booking = app.place()
    app.update("start-charging")
    charger.begin(booking.start_token)
    place(App(charger, "other.example"), NOON + 2 * HOUR)
    app.news()
    go_to(clock, NOON + HOUR + minutes(5), charger, "Charging")
    work()
    clock.shift(30 * 60)
    work()
    assert app.booking().ends_by == NOON + 2 * HOUR - minutes(5)
    assert "2026-11-22T08:25:00.000Z" in [stops_of(told)[1] for told in app.news()]
    go_to(clock, NOON + 2 * HOUR - minutes(5), charger, "Charging")
    work()
    assert charger.asked("remote_stop").count() == 1


def test_two_bookings_may_wait_at_one_charging_point_but_only_one_is_there_now(app, rules, reserved, charger):
    walker = App(charger, "other.example")
    walker.place()
    assert code_of(App(charger, "third.example").init()) == "30008"
    assert Booking.objects.filter(state="CONFIRMED", evse=app.plug.evse).count() == 2
