"""What may be reserved, when, and who gets it."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.beckn.models import Message
from apps.catalog import reserving, services, slots
from apps.catalog.demo import make_demo_network
from apps.catalog.models import SlotPolicy, Staff, Station, TakenTime
from apps.catalog.slots import Rules
from tests.catalog.conftest import near
from tests.catalog.test_search import tags_of
from tests.factory import NOON

RULES = Rules(45, 15, 60, 7, 15, 60, Decimal(20), Decimal(50))
HOUR = timedelta(hours=1)
RUNNERS = 50


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def wall(begins, zone: str) -> list[str]:
    return [f"{at.astimezone(ZoneInfo(zone)):%H:%M%z}" for at in begins]


@pytest.fixture
def plug(factory):
    operator = factory.make_operator(code="garden")
    SlotPolicy.objects.create(operator=operator)
    evse = factory.make_evse(factory.make_station(operator, code="hub"), code="hub-1")
    return factory.make_priced_connector(evse, code="hub-1-a")


# --- The clock --------------------------------------------------------------------------------------------


def test_slots_begin_by_the_clock_at_the_station():
    start = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)  # midnight in Bengaluru
    begins = list(slots.beginnings(RULES, "Asia/Kolkata", start, start + 24 * HOUR))
    assert wall(begins[:3], "Asia/Kolkata") == ["00:00+0530", "01:00+0530", "02:00+0530"]
    assert len(begins) == 24


def test_the_hour_that_the_clocks_leave_out_has_no_slot():
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    begins = list(slots.beginnings(RULES, "Europe/Copenhagen", start, start + 4 * HOUR))
    assert wall(begins, "Europe/Copenhagen") == ["00:00+0100", "01:00+0100", "03:00+0200", "04:00+0200"]
    assert not slots.instants_of(datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Copenhagen")))


def test_the_hour_that_comes_twice_has_two_slots_that_are_not_the_same():
    start = datetime(2026, 10, 24, 23, tzinfo=UTC)
    begins = list(slots.beginnings(RULES, "Europe/Copenhagen", start, start + 4 * HOUR))
    expected = ["01:00+0200", "02:00+0200", "02:00+0100", "03:00+0100"]
    assert wall(begins, "Europe/Copenhagen") == expected
    taken = [set(RULES.kept(RULES.slot_at(at))) for at in begins]
    assert not taken[1] & taken[2]


@pytest.mark.parametrize(
    "zone", ["America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe"]
)
def test_every_zone_fits_the_grid_of_quarters(zone):
    begins = slots.beginnings(RULES, zone, NOON, NOON + 24 * HOUR)
    assert all(slots.begin_of(slots.quarter_of(at)) == at for at in begins)


def test_a_day_never_runs_into_the_next():
    """Sixteen and a bit times 75 + 15 minutes would: the last one is left out."""
    rules = Rules(75, 15, 60, 7, 15, 60, Decimal(0), Decimal(0))
    begins = list(slots.beginnings(rules, "UTC", NOON, NOON + 96 * HOUR))
    for one, other in itertools.pairwise(begins):
        assert not set(rules.kept(rules.slot_at(one))) & set(rules.kept(rules.slot_at(other)))


def test_rules_survive_being_written_down():
    assert Rules.from_json(RULES.to_json()) == RULES


# --- What is asked for ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "words"),
    [
        (NOON - HOUR, None, "over"),
        (NOON, None, "over"),
        (NOON + HOUR / 2, None, "too soon"),
        (NOON + timedelta(days=8), None, "too far"),
        (
            NOON + 5 * HOUR + timedelta(minutes=15),
            None,
            "Near it: 2026-11-22 17:00 (UTC+0530), 2026-11-22 18:00",
        ),
        (NOON + 5 * HOUR + timedelta(seconds=1), None, "No reserved time begins then"),
        (NOON + 5 * HOUR, NOON + 6 * HOUR, "45 minutes"),
        (NOON + 11 * HOUR, None, "closed"),
    ],
)
def test_a_time_that_is_not_for_sale_is_refused_with_words(plug, time_machine, starts_at, ends_at, words):
    time_machine.move_to(NOON, tick=False)
    station = plug.evse.station
    station.hours = [{"days": [0, 1, 2, 3, 4, 5, 6], "opens": "06:00", "closes": "23:30"}]
    with pytest.raises(reserving.NoSuchTime) as refused:
        reserving.slot_for(station, RULES, starts_at, ends_at)
    assert words in str(refused.value.message)


def test_a_time_of_the_calendar_is_for_sale(plug, time_machine):
    time_machine.move_to(NOON, tick=False)
    slot = reserving.slot_for(plug.evse.station, RULES, NOON + 5 * HOUR, NOON + 5.75 * HOUR)
    assert slot.ends_at - slot.starts_at == timedelta(minutes=45)


# --- Who gets it (law 7) ----------------------------------------------------------------------------------


def test_of_two_times_that_overlap_one_is_taken(plug):
    slot = RULES.slot_at(NOON)
    reserving.take(plug.evse, RULES.kept(slot), holder="BK-1", is_reserved=True)
    with pytest.raises(reserving.TimeTaken):
        reserving.take(plug.evse, RULES.kept(RULES.slot_at(NOON + HOUR / 2)), holder="BK-2", is_reserved=True)
    assert not TakenTime.objects.filter(holder="BK-2").exists()
    reserving.take(plug.evse, RULES.kept(RULES.slot_at(NOON + HOUR)), holder="BK-3", is_reserved=True)


def test_what_was_given_back_can_be_taken_again(plug):
    for holder in ("BK-1", "BK-2"):
        reserving.take(plug.evse, RULES.kept(RULES.slot_at(NOON)), holder=holder, is_reserved=True)
        assert reserving.give_back(holder) == 4


@pytest.mark.django_db(transaction=True)
def test_of_fifty_that_want_overlapping_times_exactly_one_gets_its_own(plug):
    evse, start = plug.evse, Barrier(RUNNERS)

    def run(number: int) -> str:
        # Each begins a quarter of an hour after the last, and again: every two of them share the fourth quarter.
        slot = RULES.slot_at(NOON + slots.QUARTER * (number % 4))
        try:
            start.wait()
            reserving.take(evse, RULES.kept(slot), holder=f"BK-{number}", is_reserved=True)
        except reserving.TimeTaken:
            return "told"
        else:
            return "won"
        finally:
            connection.close()

    with ThreadPoolExecutor(RUNNERS) as pool:
        outcomes = list(pool.map(run, range(RUNNERS)))
    assert (outcomes.count("won"), outcomes.count("told")) == (1, RUNNERS - 1)
    assert TakenTime.objects.values("holder").distinct().count() == 1
    assert TakenTime.objects.count() == 4


# --- On the wire ------------------------------------------------------------------------------------------


def window(intent: dict, start: datetime, end: datetime, *, free: bool = False) -> dict:
    times = {"start": start.isoformat(), "end": end.isoformat()}
    intent["fulfillment"]["stops"][0]["time"] = {"range": times}
    if free:
        pair = {"descriptor": {"code": "availability"}, "value": "Available"}
        intent["fulfillment"]["tags"] = [{"list": [pair]}]
    return intent


def told_slots(provider: dict) -> list[tuple[str, str]]:
    ranges = [stop["time"]["range"] for stop in provider["fulfillments"][0].get("stops", [])]
    return [(told["start"], told["end"]) for told in ranges]


def test_a_search_says_what_can_be_reserved(plug, search):
    (provider,) = search(near())
    assert tags_of(provider["items"][0], "connector-specifications")["reservable"] == "yes"
    assert not told_slots(provider)


def test_a_window_brings_the_free_times_in_it(plug, search):
    taken = RULES.slot_at(NOON + 6 * HOUR)
    reserving.take(plug.evse, RULES.kept(taken), holder="BK-1", is_reserved=True)
    (provider,) = search(window(near(), NOON + 5 * HOUR, NOON + 8 * HOUR))
    assert told_slots(provider) == [
        ("2026-11-22T11:30:00.000Z", "2026-11-22T12:15:00.000Z"),
        ("2026-11-22T13:30:00.000Z", "2026-11-22T14:15:00.000Z"),
    ]


def test_with_availability_a_window_finds_what_has_a_free_time(plug, search):
    full = window(near(), NOON + 6 * HOUR, NOON + 7 * HOUR, free=True)
    (provider,) = search(full)
    assert len(told_slots(provider)) == 1


def test_a_full_window_with_availability_finds_nothing(plug, search):
    slot = RULES.slot_at(NOON + 6 * HOUR)
    reserving.take(plug.evse, RULES.kept(slot), holder="BK-1", is_reserved=True)
    assert search(window(near(), NOON + 6 * HOUR, NOON + 7 * HOUR, free=True)) == []


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
def test_a_broken_plug_offers_no_times(plug, search, status):
    type(plug).objects.update(status=status)
    (provider,) = search(window(near(), NOON + 6 * HOUR, NOON + 7 * HOUR))
    assert not told_slots(provider)


def test_a_busy_plug_offers_times(plug, search):
    type(plug).objects.update(status="Charging")
    (provider,) = search(window(near(), NOON + 6 * HOUR, NOON + 7 * HOUR))
    assert len(told_slots(provider)) == 1


def test_the_times_of_many_stations_cost_one_query(factory, ask):
    operator = factory.make_operator()
    SlotPolicy.objects.create(operator=operator)
    counts = []
    for number in (1, 12):
        for _ in range(number):
            factory.make_priced_connector(factory.make_evse(factory.make_station(operator)))
        with CaptureQueriesContext(connection) as queries:
            ask("search", {"intent": window(near(), NOON, NOON + 24 * HOUR)})
        counts.append(sum('FROM "catalog_' in query["sql"] for query in queries))
        Message.objects.all().delete()
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("begins", "word"),
    [
        (-minutes(46), "Reserved"),
        (-minutes(60), "Available"),
        (minutes(10), "Reserved"),
        (minutes(31), "Available"),
    ],
)
def test_a_plug_that_is_kept_is_not_told_as_free(plug, search, begins, word):
    """Until its pause is over, and from ten minutes before."""
    reserving.take(plug.evse, RULES.kept(RULES.slot_at(NOON + begins)), holder="BK-1", is_reserved=True)
    (provider,) = search(near())
    assert tags_of(provider["items"][0], "connector-specifications")["availability"] == word


@pytest.mark.parametrize(("begins", "found"), [(NOON, False), (NOON + HOUR, True)])
def test_a_search_for_free_plugs_leaves_out_what_is_kept(plug, search, begins, found):
    reserving.take(plug.evse, RULES.kept(RULES.slot_at(begins)), holder="BK-1", is_reserved=True)
    assert bool(search(near(availability="Available"))) is found


def test_a_plug_that_somebody_has_now_says_what_its_charger_says(plug, search):
    reserving.take(plug.evse, slots.quarters(NOON, NOON + HOUR), holder="BK-1", is_reserved=False)
    (provider,) = search(near())
    assert tags_of(provider["items"][0], "connector-specifications")["availability"] == "Available"


# --- Whose rules ------------------------------------------------------------------------------------------


def test_a_station_with_rules_of_its_own_has_those(factory):
    operator = factory.make_operator()
    general, special, none = (factory.make_station(operator) for _ in range(3))
    SlotPolicy.objects.create(operator=operator, slot_minutes=30)
    SlotPolicy.objects.create(operator=operator, station=special, slot_minutes=105)
    SlotPolicy.objects.create(operator=operator, station=none, is_reservable=False)
    elsewhere = factory.make_station()
    found = reserving.rules_for([general, special, none, elsewhere])
    assert {pk: rules.slot_minutes for pk, rules in found.items()} == {general.pk: 30, special.pk: 105}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slot_minutes": 50}, "slot_minutes"),
        ({"buffer_minutes": 5}, "buffer_minutes"),
        ({"grace_minutes": 60}, "grace_minutes"),
        ({"no_show_fee_percent": 101}, "no_show_fee_percent"),
        ({"least_ahead_minutes": 0}, "least_ahead_minutes"),
        ({"most_ahead_days": 15}, "most_ahead_days"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(factory, changes, field):
    with pytest.raises(ValidationError) as refused:
        services.create_slot_policy(operator=factory.make_operator(), **changes)
    assert field in refused.value.message_dict


def test_rules_for_the_station_of_another_are_refused(factory):
    with pytest.raises(ValidationError):
        services.create_slot_policy(operator=factory.make_operator(), station=factory.make_station())


@pytest.mark.parametrize(("role", "status"), [(Staff.Role.MANAGER, 302), (Staff.Role.VIEWER, 403)])
def test_managers_write_the_rules_of_their_own_stations(factory, client, role, status):
    station = factory.make_station()
    client.force_login(factory.make_staff(station.operator, role))
    form = {name: getattr(RULES, name) for name in Rules.__dataclass_fields__}
    form |= {"operator": station.operator.pk, "station": station.pk, "is_reservable": "on"}
    response = client.post(reverse("admin:catalog_slotpolicy_add"), form)
    assert response.status_code == status
    assert SlotPolicy.objects.filter(station=station).exists() is (status == 302)


def test_nobody_sees_the_rules_of_another_operator(factory, client):
    policy = SlotPolicy.objects.create(operator=factory.make_operator())
    client.force_login(factory.make_staff(factory.make_operator()))
    assert client.get(reverse("admin:catalog_slotpolicy_change", args=[policy.pk])).status_code == 302
    response = client.get(reverse("admin:catalog_slotpolicy_changelist"))
    assert not response.context["cl"].result_list


def test_a_good_part_of_the_demo_can_be_reserved(db):
    make_demo_network()
    stations = list(Station.objects.all())
    assert len(stations) > len(reserving.rules_for(stations)) > len(stations) // 4
    for policy in SlotPolicy.objects.all():
        policy.full_clean()
