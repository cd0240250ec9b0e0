from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from apps.catalog.hours import (
    ALWAYS,
    fault_in_hours,
    fault_in_zone,
    is_open,
    next_closing,
    next_opening,
    text_of,
)
from apps.catalog.importers.hours_text import read_hours
from apps.catalog.selectors import closes_next, open_now, opens_next

NEW_YORK, KOLKATA, LORD_HOWE = "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"
EVERY = [0, 1, 2, 3, 4, 5, 6]
M_F = EVERY[:5]


def daily(opens: str, closes: str, days: list[int] = EVERY) -> list[dict]:
    return [{"days": days, "opens": opens, "closes": closes}]


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "wall", "open_"),
    [
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 06:00", True),
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 05:59", False),
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 22:59", True),
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 23:00", False),
        (ALWAYS, KOLKATA, "2026-11-22 00:00", True),
        (ALWAYS, KOLKATA, "2026-11-22 23:59", True),
        (daily("17:00", "02:00"), KOLKATA, "2026-11-22 01:59", True),
        (daily("17:00", "02:00"), KOLKATA, "2026-11-22 02:00", False),
        # Saturday's window (5) runs into Sunday; Sunday itself has none
        (daily("17:00", "02:00", [5]), KOLKATA, "2026-11-22 01:00", True),
        (daily("17:00", "02:00", [6]), KOLKATA, "2026-11-22 01:00", False),
        (daily("08:00", "08:00"), KOLKATA, "2026-11-22 07:59", True),  # the same clock: round the clock
        ([], KOLKATA, "2026-11-22 12:00", None),
        # 1 November 2026: 01:30 happens twice in New York
        (daily("01:15", "01:45"), NEW_YORK, "2026-11-01 01:30", True),
        # 8 March 2026: 02:30 does not happen; the fold reads it as 03:30
        (daily("02:00", "03:00"), NEW_YORK, "2026-03-08 03:10", False),
        # half an hour of summer time
        (daily("06:00", "22:00"), LORD_HOWE, "2026-10-04 06:00", True),
    ],
)
def test_wall_time_at_the_gate_decides(hours, zone, wall, open_):
    assert is_open(hours, zone, at(wall, zone)) is open_


def test_the_hour_that_happens_twice_is_open_twice():
    first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert [is_open(daily("01:00", "02:00"), NEW_YORK, moment) for moment in (first, second)] == [True, True]


@pytest.mark.parametrize(
    ("hours", "zone", "now", "opens"),
    [
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 23:30", "2026-11-23 06:00"),
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 05:00", "2026-11-22 06:00"),
        (daily("09:00", "17:00", [0]), KOLKATA, "2026-11-23 09:00", "2026-11-30 09:00"),
        (daily("02:30", "05:00"), NEW_YORK, "2026-03-08 01:00", "2026-03-08 03:30"),  # jumped over
        (daily("06:00", "23:00"), NEW_YORK, "2026-10-31 23:30", "2026-11-01 06:00"),  # a night of 25 hours
    ],
)
def test_next_opening_is_told_in_the_zone_of_the_station(hours, zone, now, opens):
    found = next_opening(hours, zone, at(now, zone))
    assert (found.strftime("%Y-%m-%d %H:%M"), found.tzinfo.key) == (opens, zone)


def test_an_opening_that_the_clocks_jump_over_is_that_of_the_next_day():
    found = next_opening(daily("02:00", "03:00"), NEW_YORK, at("2026-03-08 00:30", NEW_YORK))
    assert found.isoformat() == "2026-03-09T02:00:00-04:00"


@pytest.mark.parametrize(
    ("hours", "zone", "now", "closes"),
    [
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 12:00", "2026-11-22T23:00:00+05:30"),
        (daily("17:00", "02:00"), KOLKATA, "2026-11-22 18:00", "2026-11-23T02:00:00+05:30"),
        (daily("17:00", "02:00"), KOLKATA, "2026-11-22 01:00", "2026-11-22T02:00:00+05:30"),
        (daily("06:00", "24:00"), KOLKATA, "2026-11-22 12:00", "2026-11-23T00:00:00+05:30"),
        # Friday's night runs on into Saturday's: one window ends where the next begins
        (daily("00:00", "24:00", M_F), KOLKATA, "2026-11-26 12:00", "2026-11-28T00:00:00+05:30"),
        # a night of 25 hours, and one of 23
        (daily("22:00", "06:00"), NEW_YORK, "2026-10-31 23:00", "2026-11-01T06:00:00-05:00"),
        (daily("22:00", "06:00"), NEW_YORK, "2026-03-07 23:00", "2026-03-08T06:00:00-04:00"),
        (daily("06:00", "22:00"), LORD_HOWE, "2026-10-04 07:00", "2026-10-04T22:00:00+11:00"),
        (ALWAYS, KOLKATA, "2026-11-22 12:00", None),
        (daily("00:00", "24:00"), KOLKATA, "2026-11-22 12:00", None),
        (daily("08:00", "08:00"), KOLKATA, "2026-11-22 12:00", None),
        (daily("06:00", "23:00"), KOLKATA, "2026-11-22 23:30", None),  # closed already
        ([], KOLKATA, "2026-11-22 12:00", None),
    ],
)
def test_next_closing_is_told_in_the_zone_of_the_station(hours, zone, now, closes):
    found = next_closing(hours, zone, at(now, zone))
    assert (found and found.isoformat()) == closes


def test_an_hour_that_happens_twice_closes_twice():
    hours = daily("01:00", "01:30")
    first = next_closing(hours, NEW_YORK, datetime(2026, 11, 1, 5, 15, tzinfo=UTC))
    second = next_closing(hours, NEW_YORK, datetime(2026, 11, 1, 6, 15, tzinfo=UTC))
    assert (first.astimezone(UTC).hour, second.astimezone(UTC).hour) == (5, 6)


def test_unknown_hours_have_no_next_opening():
    assert next_opening([], KOLKATA, datetime(2026, 11, 22, tzinfo=UTC)) is None


def test_a_closed_station_is_closed_whatever_its_hours(factory):
    station = factory.make_station(hours=ALWAYS, closed_reason="Repaving")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert open_now(station, now) is False
    assert opens_next(station, now) is None
    assert closes_next(station, now) is None


@pytest.mark.parametrize(
    "hours",
    [
        "always",
        {},
        [1],
        [{}],
        [{"days": [0], "opens": "06:00"}],
        [{"days": [], "opens": "06:00", "closes": "23:00"}],
        [{"days": [7], "opens": "06:00", "closes": "23:00"}],
        [{"days": [True], "opens": "06:00", "closes": "23:00"}],
        [{"days": [0], "opens": "24:00", "closes": "23:00"}],
        [{"days": [0], "opens": "06:00", "closes": "25:00"}],
        [{"days": [0], "opens": "6:00", "closes": "23:00"}],
        daily("06:00", "23:00") * 51,
    ],
)
def test_hours_of_another_shape_are_refused(hours):
    assert fault_in_hours(hours)


def test_zones_are_iana_names():
    assert not fault_in_zone("Asia/Kolkata")
    assert fault_in_zone("IST+5:30")


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (ALWAYS, "24 hours daily"),
        (daily("06:00", "23:00"), "daily 06:00–23:00"),
        (
            daily("08:00", "20:00", M_F) + daily("09:00", "14:00", [5]),
            "Mon–Fri 08:00–20:00, Sat 09:00–14:00",
        ),
        (daily("08:00", "20:00", [0, 2]), "Mon, Wed 08:00–20:00"),
        ([], ""),
    ],
)
def test_hours_are_said_in_words(hours, text):
    assert text_of(hours) == text


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("24 hours daily", ALWAYS),
        ("24/7", ALWAYS),
        ("24 Hours Daily; pay lot", ALWAYS),
        ("24 hours daily. Please check the online map to see if an adapter is required.", ALWAYS),
        ("6am-10pm M-F", daily("06:00", "22:00", M_F)),
        ("6am-12am daily", daily("06:00", "24:00")),
        ("MON: 8:30 a.m. - 5 p.m.", daily("08:30", "17:00", [0])),
        (
            "Mon 8:00am - 5:00pm; Sun 12:00pm - 11:59pm",
            [*daily("08:00", "17:00", [0]), *daily("12:00", "24:00", [6])],
        ),
        (
            "8am-5pm M-F, 24 hours Sat-Sun",
            [*daily("08:00", "17:00", M_F), *daily("00:00", "24:00", [5, 6])],
        ),
        ("9am-2pm, 4pm-9pm daily", [*daily("09:00", "14:00"), *daily("16:00", "21:00")]),
        ("7am-7pm M-Th and Sat", daily("07:00", "19:00", [0, 1, 2, 3, 5])),
        ("6pm-2am Fri-Mon", daily("18:00", "02:00", [0, 4, 5, 6])),
        ("Wednesday: 09:00-17:00", daily("09:00", "17:00", [2])),
        ("noon-midnight weekdays", daily("12:00", "24:00", M_F)),
        # Not understood entirely, so not at all:
        ("Dealership business hours", []),
        ("24 hours daily; access restricted to students and staff 5am-5pm", []),
        ("8am-5pm daily; seasonal hours vary", []),
        ("6am - 11pm", []),
        ("7:30-7:30 M-F", []),
        ("99am-5pm daily", []),
        ("Dawn to dusk daily", []),
        ("", []),
        ("daily " * 2000, []),
    ],
)
def test_free_text_is_read_when_it_is_understood_entirely(text, hours):
    assert read_hours(text) == hours
