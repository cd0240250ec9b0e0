"""AT-F6: what standing costs after the energy has ended, when it begins to, and when it never does."""

from decimal import Decimal

import pytest

from apps.beckn.models import Message
from apps.bookings import running, services, standing
from apps.bookings.models import Booking, IdleStretch
from apps.catalog.models import Connector
from apps.charging import standing as at_the_plug
from apps.charging.models import Session
from apps.ocpp import events
from tests.bookings.doubles import App, lines, state_of, total
from tests.bookings.test_amend import accept, change_row
from tests.bookings.test_amend import ask as ask_for
from tests.bookings.test_running import begin, place, read, sell_by
from tests.charging.doubles import make_charger, minutes, plug_of
from tests.factory import NOON

State = Booking.State
STANDING = {"price_components": [{"type": "ENERGY", "price": "10"}, {"type": "PARKING_TIME", "price": "120"}]}
GRACE = 5


@pytest.fixture(autouse=True)
def tariff(charger):
    sell_by(charger, STANDING, tax_percent=0, parking_grace_minutes=GRACE, parking_cap=Decimal(40))


def place_with_cap(app: App, kwh: str = "20") -> Booking:
    """As our own app does: it holds the quote and the cap."""
    order = app.order(kwh)
    amount = Decimal(total(app.ask("select", order)))
    app.init(kwh)
    app.confirm(kwh, f"{amount + 40}")
    return app.booking()


def charge(app: App, charger, clock, *, word: str = "Finishing", kwh: int = 6) -> int:
    """Ten minutes, then the car ends it and is left at the plug."""
    number = begin(app, charger, place_with_cap(app))
    read(charger, clock, number, 10, kwh * 1000, power_w=Decimal(36_000))
    charger.end(number, wh=1000 + kwh * 1000, at=NOON + minutes(10), reason="Local")
    if word:
        charger.status(word)
    return number


def look(clock, *, seconds: int = 6) -> None:
    clock.shift(seconds)
    at_the_plug.look()
    standing.watch()
    services.move_overdue()


def idle_time(told: dict) -> dict[str, str]:
    tags = told["message"]["order"]["fulfillments"][0]["tags"]
    (group,) = [group for group in tags if group["descriptor"]["code"] == "idle-time"]
    return {tag["descriptor"]["code"]: tag["value"] for tag in group["list"]}


def stand(app: App, charger, clock, *, for_minutes: int) -> None:
    """The app takes the notice, and the car stands on so long after it."""
    app.news()
    look(clock)
    app.news()
    look(clock, seconds=for_minutes * 60)


# --- When it begins ---------------------------------------------------------------------------------------


def test_the_bill_stays_open_while_the_car_stands_and_the_app_is_told(app, charger, clock):
    charge(app, charger, clock)
    told = app.news()[-1]
    assert (app.booking().state, state_of(told)) == (State.STANDING, ("ACTIVE", "charging-ended"))
    assert (total(told), idle_time(told)["state"]) == ("60.00", "announced")
    assert app.booking().final_total is None


def test_nothing_is_billed_before_the_app_has_taken_the_notice(app, charger, clock):
    charge(app, charger, clock)
    look(clock, seconds=3600)  # the notice waits in the queue
    charger.status("Available")
    assert (app.booking().state, lines(app.news()[-1])) == (State.COMPLETED, {"energy-cost": "60.00"})


def test_nothing_is_billed_where_the_app_refused_the_notice(app, charger, clock):
    charge(app, charger, clock)
    Message.objects.filter(action="on_status").update(state=Message.State.NACKED)
    look(clock, seconds=3600)
    charger.status("Available")
    assert app.booking().final_total == 60


def test_the_grace_counts_from_the_notice_and_then_the_minutes_are_billed(app, charger, clock):
    charge(app, charger, clock)
    app.news()
    look(clock)  # six seconds later the notice has arrived
    told = app.news()[-1]
    assert idle_time(told)["free-until"] == "2026-11-22T06:45:06.000Z"
    look(clock, seconds=GRACE * 60)
    assert app.booking().state == State.STANDING
    charger.status("Available")
    assert lines(app.news()[-1]) == {"energy-cost": "60.00"}


def test_when_the_car_has_gone_the_bill_is_final(app, charger, clock):
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=GRACE + 10)
    charger.status("Available")
    told = app.news()[-1]
    assert (state_of(told), lines(told)) == (
        ("COMPLETE", "charging-ended"),
        {"energy-cost": "60.00", "idle-fee": "20.00"},
    )
    assert idle_time(told)["bill"] == "final"


def test_the_live_total_is_the_receipt_total(app, charger, clock):
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=GRACE + 7)
    booking, session = app.booking(), Session.objects.get()
    live = running.meter_of(booking, session).bill().total
    charger.status("Available")
    assert app.booking().final_total == live == 74


def test_a_stop_is_answered_at_once_though_the_bill_stays_open(app, charger, clock):
    number = begin(app, charger, place_with_cap(app))
    read(charger, clock, number, 10, 6000, power_w=Decimal(36_000))
    app.update("end-charging")
    charger.answer("remote_stop")
    charger.end(number, wh=7000, at=NOON + minutes(10))
    (answer,) = [told for told in app.news() if told["context"]["action"] == "on_update"]
    assert state_of(answer) == ("ACTIVE", "charging-ended")
    assert app.update("end-charging")["message"]["order"]["status"] == "ACTIVE"


# --- How much it is at most -------------------------------------------------------------------------------


def test_at_the_cap_the_bill_is_final_though_the_car_stands(app, charger, clock):
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=120)
    assert app.booking().state == State.COMPLETED
    told = app.news()[-1]
    assert total(told) == "100.00"
    assert lines(told)["idle-fee-discount"].startswith("-")


def test_an_app_that_holds_only_the_quote_pays_standing_out_of_what_is_left(app, charger, clock):
    number = begin(app, charger, place(app, "7", "kWh"))  # 70.00
    read(charger, clock, number, 10, 6000, power_w=Decimal(36_000))
    charger.end(number, wh=7000, at=NOON + minutes(10), reason="Local")
    charger.status("Finishing")
    stand(app, charger, clock, for_minutes=120)
    assert (app.booking().state, app.booking().final_total) == (State.COMPLETED, 70)


def test_all_that_was_ordered_was_delivered_and_standing_still_costs(app, charger, clock):
    number = begin(app, charger, place_with_cap(app, "6"))
    read(charger, clock, number, 10, 6100, power_w=Decimal(36_000))
    charger.end(number, wh=7100, at=NOON + minutes(10))
    charger.status("Finishing")
    stand(app, charger, clock, for_minutes=GRACE + 10)
    charger.status("Available")
    assert lines(app.news()[-1]) == {"energy-cost": "60.00", "idle-fee": "20.00"}


def test_another_amount_than_the_quote_or_the_quote_and_the_cap_is_refused(app, charger):
    amount = Decimal(total(app.select("20")))
    app.init("20")
    assert app.confirm("20", f"{amount + 39}")["error"]["code"] == "40004"


# --- When it never counts ---------------------------------------------------------------------------------


def test_a_plug_that_would_not_unlock_takes_it_all_back(app, charger, clock):
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=GRACE + 10)
    lock = {"connector_id": 1, "status": "Finishing", "at": lib_now(), "error_code": "ConnectorLockFailure"}
    charger.say(events.ConnectorStatus, **lock)
    charger.status("Available")
    told = app.news()[-1]
    assert lines(told) == {"energy-cost": "60.00"}
    assert idle_time(told)["state"] == "waived"


def test_an_unlock_that_failed_takes_it_all_back(app, charger, clock):
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=GRACE + 10)
    answer = {"command": "unlock", "reference": "unlock/1", "outcome": "rejected"}
    charger.say(events.CommandAnswered, **answer)
    charger.status("Available")
    assert app.booking().final_total == 60


@pytest.mark.parametrize("word", ["Faulted", "Unavailable", "Preparing"])
def test_any_doubt_whether_the_car_stands_ends_it(app, charger, clock, word):
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=GRACE + 10)
    charger.status(word)
    assert (app.booking().state, app.booking().final_total) == (State.COMPLETED, 80)


def test_of_a_box_that_is_away_nothing_is_billed_beyond_its_last_word(app, charger, clock):
    """AT-A1: no idle minutes while nobody knows."""
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=GRACE + 10)
    plug = Connector.objects.all()
    plug.update(status=Connector.Status.UNKNOWN, last_seen_at=NOON + minutes(10 + GRACE + 5))
    look(clock, seconds=3600)
    assert app.booking().state == State.COMPLETED
    assert Decimal("69") < app.booking().final_total < Decimal("71")


def test_a_car_that_took_its_cable_out_does_not_stand(app, charger, clock):
    number = begin(app, charger, place_with_cap(app))
    read(charger, clock, number, 10, 6000, power_w=Decimal(36_000))
    charger.end(number, wh=7000, at=NOON + minutes(10), reason="EVDisconnected")
    assert (app.booking().state, IdleStretch.objects.count()) == (State.COMPLETED, 0)


def test_a_plug_that_never_says_that_a_car_is_left_closes_the_bill_after_two_minutes(app, charger, clock):
    charge(app, charger, clock, word="")
    assert app.booking().state == State.STANDING
    look(clock, seconds=121)
    assert (app.booking().state, app.booking().final_total) == (State.COMPLETED, 60)


def test_a_plug_that_says_free_a_moment_after_the_end_closes_the_bill_at_once(app, charger, clock):
    charge(app, charger, clock, word="Available")
    assert (app.booking().state, app.booking().final_total) == (State.COMPLETED, 60)


def test_where_standing_costs_nothing_the_bill_is_final_at_the_end(app, charger, clock):
    sell_by(charger, {"price_components": [{"type": "ENERGY", "price": "10"}]}, tax_percent=0)
    number = begin(app, charger, place(app, "20", "kWh"))
    read(charger, clock, number, 10, 6000)
    charger.status("Finishing")
    charger.end(number, wh=7000, at=NOON + minutes(10))
    assert app.booking().state == State.COMPLETED


def test_who_got_no_energy_pays_for_no_standing(app, charger, clock):
    number = begin(app, charger, place_with_cap(app))
    charger.end(number, wh=1000, at=NOON + minutes(1))
    charger.status("Finishing")
    assert (app.booking().state, app.booking().final_total) == (State.COMPLETED, 0)


# --- Scheduled hours, and only when busy ---------------------------------------------------------------------


def test_hours_in_which_standing_is_free_are_free(app, charger, clock):
    """12:00 at the station; standing costs from 12:30 on."""
    paid = {"price_components": [{"type": "PARKING_TIME", "price": "120"}]}
    paid["restrictions"] = {"start_time": "12:30", "end_time": "23:00"}
    energy = {"price_components": [{"type": "ENERGY", "price": "10"}]}
    sell_by(charger, paid, energy, tax_percent=0, parking_cap=Decimal(40))
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=25)  # to 12:35
    charger.status("Available")
    fee = Decimal(lines(app.news()[-1])["idle-fee"])
    assert Decimal(10) <= fee <= Decimal("10.50")


def test_while_another_such_plug_is_free_standing_costs_nothing(app, charger, clock, factory):
    sell_by(charger, STANDING, tax_percent=0, parking_cap=Decimal(40), parking_when_busy=True)
    mine = Connector.objects.get()
    other = factory.make_priced_connector(
        factory.make_evse(mine.evse.station), standard=mine.standard, status="Available"
    )
    charge(app, charger, clock)
    stand(app, charger, clock, for_minutes=10)
    assert idle_time(app.news()[-1])["state"] == "not-busy"
    Connector.objects.filter(pk=other.pk).update(status="Charging")
    look(clock)
    look(clock, seconds=600)
    Connector.objects.filter(pk=other.pk).update(status="Available")
    look(clock, seconds=60)
    look(clock, seconds=600)
    charger.status("Available")
    assert lines(app.news()[-1])["idle-fee"] == "22.00"  # eleven minutes in which nobody else found one


# --- Inside the transaction ----------------------------------------------------------------------------------


def test_a_full_car_inside_its_transaction_is_announced_once_and_goes_on_standing_after_it(
    app, charger, clock
):
    number = begin(app, charger, place_with_cap(app))
    read(charger, clock, number, 10, 6000, power_w=Decimal(36_000))
    charger.status("SuspendedEV")
    assert idle_time(app.news()[-1])["state"] == "announced"
    look(clock)
    read(charger, clock, number, 20, 6000, power_w=Decimal(0))
    charger.end(number, wh=7000, at=NOON + minutes(20))
    charger.status("Finishing")
    look(clock, seconds=600)
    charger.status("Available")
    stretch = IdleStretch.objects.get()
    assert stretch.began_at == NOON + minutes(10)
    fee = Decimal(lines(app.news()[-1])["idle-fee"])
    assert (
        Decimal(29) < fee <= Decimal(30)
    )  # twenty minutes, less the grace and the seconds before the notice


def test_energy_that_flows_again_ends_the_standing(app, charger, clock):
    number = begin(app, charger, place_with_cap(app))
    read(charger, clock, number, 10, 6000, power_w=Decimal(36_000))
    charger.status("SuspendedEV")
    charger.status("Charging")
    assert IdleStretch.objects.get().ended_at is not None
    read(charger, clock, number, 40, 12_000, power_w=Decimal(36_000))
    charger.end(number, wh=13_000, at=NOON + minutes(40), reason="EVDisconnected")
    assert lines(app.news()[-1]) == {"energy-cost": "120.00"}


# --- A day's outage ------------------------------------------------------------------------------------------


def test_after_a_day_the_bill_is_final_and_nobody_looked(app, charger, clock):
    charge(app, charger, clock)
    app.news()
    look(clock, seconds=26 * 3600)
    assert app.booking().state == State.COMPLETED
    assert app.booking().final_total == 60  # nobody proved that the app knew, nor that the car stood there


def lib_now():
    from apps.lib import clock

    return clock.now()


# --- A changed order -------------------------------------------------------------------------------------------


def test_a_change_keeps_what_is_held_for_standing(app, charger, clock):
    """200 and 40 are held; ten kWh more are 100 more, and the cap is there as before."""
    booking = place_with_cap(app)
    told = ask_for(app, "30")
    assert change_row(told)["params"]["amount"] == "100.00"
    assert "message" in accept(app, told)
    assert app.booking().held_total == 340
    number = begin(app, charger, booking)
    read(charger, clock, number, 50, 30_100, power_w=Decimal(36_000))
    charger.end(number, wh=31_100, at=NOON + minutes(50))
    charger.status("Finishing")
    stand(app, charger, clock, for_minutes=120)
    assert (app.booking().state, app.booking().final_total) == (State.COMPLETED, 340)


@pytest.mark.parametrize(
    ("there", "code"),
    [({}, ""), ({"parking_cap": Decimal(90)}, "30008"), ({"parking_grace_minutes": 1}, "30008")],
)
def test_a_plug_where_standing_costs_something_else_needs_an_order_of_its_own(app, factory, there, code):
    """What the driver accepted for standing is frozen; an offer tells only the price of the charge."""
    mine = Connector.objects.get()
    place_with_cap(app)
    same = {"parking_grace_minutes": GRACE, "parking_cap": Decimal(40), "tax_percent": 0}
    facts = {**same, **there, "elements": [STANDING]}
    tariff = factory.make_tariff(mine.evse.station.operator, **facts)
    other = make_charger(factory, "CP-2", station=mine.evse.station, tariff=tariff)
    told = ask_for(app, None, id=plug_of(other).code)
    assert told.get("error", {}).get("code", "") == code


def test_a_plug_where_standing_is_free_may_take_the_order(app, factory):
    mine = Connector.objects.get()
    place_with_cap(app)
    tariff = factory.make_tariff(mine.evse.station.operator, energy_rate=Decimal(10), tax_percent=0)
    other = make_charger(factory, "CP-2", station=mine.evse.station, tariff=tariff)
    assert "message" in accept(app, ask_for(app, None, id=plug_of(other).code))
    assert app.booking().connector == plug_of(other)
