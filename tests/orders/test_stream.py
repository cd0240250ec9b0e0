"""What we read from an operator's live stream, and where we look for it."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.orders.stream import read_figures, stream_url

PAGE = "https://grid.example/track/abc/?t=4bq9"
SAID = {
    "order_id": "GR-1",
    "status": "ACTIVE",
    "kwh": "7.42",
    "power_kw": "42.1",
    "soc_percent": "58.0",
    "currency": "INR",
    "total_cost": {"incl_vat": "173.78"},
    "last_updated": "2026-11-22T06:40:00.000Z",
    "told_at": "2026-11-22T06:40:01.000Z",
    "connector_status": "Charging",
}


def test_the_figures_are_read_as_they_are():
    told = read_figures(json.dumps(SAID))
    assert (told.network_order_id, told.at) == ("GR-1", datetime(2026, 11, 22, 6, 40, 1, tzinfo=UTC))
    assert told.reading.at == datetime(2026, 11, 22, 6, 40, tzinfo=UTC)
    assert (told.reading.energy_kwh, told.reading.power_kw) == (Decimal("7.420"), Decimal("42.100"))
    assert (told.reading.soc_percent, told.reading.word) == (Decimal("58.000"), "Charging")
    assert (told.priced.total, told.priced.currency) == (Decimal("173.78"), "INR")
    assert (told.status, told.state) == (None, None)  # no state is taken from what nobody signed


def test_numbers_may_be_numbers_and_most_may_be_missing():
    told = read_figures('{"status": "active", "kwh": 7.42}')
    assert told.reading.energy_kwh == Decimal("7.420")
    assert (told.at, told.priced, told.reading.power_kw, told.network_order_id) == (None, None, None, "")


@pytest.mark.parametrize("wrong", ["-1", "NaN", "Infinity", "1e9", "much", "", None, [], {}, True])
def test_a_figure_that_is_none_is_left_out(wrong):
    told = read_figures(json.dumps(SAID | {"kwh": wrong, "total_cost": {"incl_vat": wrong}}))
    assert (told.reading.energy_kwh, told.reading.power_kw) == (None, Decimal("42.100"))
    assert told.priced is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '"ACTIVE"', "{}", '{"status": "COMPLETED", "kwh": 1}']
)
def test_what_speaks_of_no_running_charge_says_nothing(text):
    assert read_figures(text) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from([*SAID]), some, max_size=5),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*SAID]), anything))
def test_whatever_comes_nothing_falls_over(said):
    told = read_figures(json.dumps(SAID | said))
    assert told is None or told.reading.energy_kwh is None or told.reading.energy_kwh >= 0


@given(st.binary(max_size=60))
def test_whatever_bytes_come_nothing_falls_over(raw):
    assert read_figures(raw) is None


@pytest.mark.parametrize(
    "url", ["wss://grid.example/track/abc/", "wss://grid.example/live?id=7", "wss://GRID.example/x"]
)
def test_a_stream_on_the_same_machine_is_taken(url):
    assert stream_url({"stream_url": url}, PAGE) == url


@pytest.mark.parametrize(
    "url",
    [
        "ws://grid.example/track/abc/",  # not as safe as the page
        "wss://other.example/track/abc/",
        "wss://grid.example:444/track/abc/",
        "wss://grid.example@evil.example/",
        "wss://me@grid.example/",
        "wss://grid.example/#x",
        "https://grid.example/track/abc/",
        "wss://grid.example/" + "x" * 500,
        "wss://grid.example/\n",
        "wss://[grid/",
        "",
        7,
        None,
    ],
)
def test_any_other_address_is_none(url):
    assert stream_url({"stream_url": url}, PAGE) is None


@pytest.mark.parametrize("told", [None, [], "x", {}, 7])
def test_an_operator_without_a_stream_has_none(told):
    assert stream_url(told, PAGE) is None
