from datetime import UTC, datetime, timedelta

import pytest

from apps.lib.clock import duration_text, read_duration, read_instant, utc_text


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT30S", timedelta(seconds=30)),
        ("PT15M", timedelta(minutes=15)),
        ("P5D", timedelta(days=5)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("15S", timedelta(seconds=15)),
        ("P2W", timedelta(weeks=2)),
        ("PT2D", None),
    ],
)
def test_reads_durations(text, duration):
    if duration is None:
        with pytest.raises(ValueError, match="not a duration"):
            read_duration(text)
    else:
        assert read_duration(text) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "soon", "P1Y", "-PT5S"])
def test_refuses_what_is_no_duration(text):
    with pytest.raises(ValueError, match="not a duration"):
        read_duration(text)


@pytest.mark.parametrize("text", ["PT30S", "PT15M", "P5D", "PT90S", "PT0S"])
def test_writes_the_durations_it_reads(text):
    assert duration_text(read_duration(text)) == text


def test_instants_travel_in_utc_with_milliseconds():
    instant = read_instant("2026-03-02T15:45:30.123456+05:30")
    assert instant == datetime(2026, 3, 2, 10, 15, 30, 123456, tzinfo=UTC)
    assert utc_text(instant) == "2026-03-02T10:15:30.123Z"


def test_an_instant_without_offset_is_utc():
    assert read_instant("2026-03-02T10:15:30") == datetime(2026, 3, 2, 10, 15, 30, tzinfo=UTC)
