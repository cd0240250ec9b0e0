"""The curve of a charge: what is drawn, what is shaded, and the same in words."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.orders import curve
from apps.orders.models import ProgressPoint
from tests.orders.stage import STARTED, Stage

T0 = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def row(seconds: int, kw: str | None = "40", kwh: str | None = "1") -> curve.Row:
    return T0 + timedelta(seconds=seconds), kw and Decimal(kw), kwh and Decimal(kwh)


def spans(*pairs: tuple[int, int]) -> list[curve.Span]:
    start = int(T0.timestamp())
    return [(start + begin, start + end) for begin, end in pairs]


# --- What is shaded ---------------------------------------------------------------------------------------


def test_a_long_silence_is_an_interruption_and_a_short_one_is_not():
    rows = [row(0), row(60), row(120), row(400), row(460), row(550)]
    assert curve.silences(rows) == spans((120, 400))


def test_standing_still_is_shaded_until_power_flows_again():
    rows = [row(0), row(30, "0"), row(60, "0"), row(90, "38"), row(120)]
    assert curve.merged(curve.standstills(rows)) == spans((30, 90))


def test_a_charge_begins_without_power_and_that_is_no_interruption():
    assert curve.standstills([row(0, "0"), row(30, "0"), row(60, "38"), row(90, "40")]) == []


def test_no_power_told_is_not_no_power():
    assert curve.standstills([row(0, None), row(30, None), row(60)]) == []


def test_interruptions_that_touch_are_one():
    assert curve.merged(spans((50, 60), (0, 10), (10, 20), (15, 18))) == spans((0, 20), (50, 60))


def test_of_a_long_charge_the_usual_distance_of_what_is_left_is_no_silence():
    assert curve.silences([row(240 * number) for number in range(20)]) == []


def test_a_lost_link_is_shaded_from_the_news_of_it_to_its_end(stage):
    stage.until("CHARGING")
    lost, back = STARTED + timedelta(seconds=60), STARTED + timedelta(seconds=70)
    for was, now, at in (("CHARGING", "INTERRUPTED", lost), ("INTERRUPTED", "CHARGING", back)):
        event = stage.order.events.create(was=was, now=now, why="the link")
        type(event).objects.filter(pk=event.pk).update(at=at)
    found = curve.interruptions(stage.order, [], [], until=back)
    assert found == [(int(lost.timestamp()), int(back.timestamp()))]


def test_a_link_that_is_still_lost_is_shaded_to_now(stage):
    stage.until("CHARGING")
    event = stage.order.events.create(was="CHARGING", now="INTERRUPTED", why="the link")
    now = event.at + timedelta(seconds=30)
    assert curve.interruptions(stage.order, [], [], until=now) == [
        (int(event.at.timestamp()), int(now.timestamp()))
    ]


# --- The still picture ------------------------------------------------------------------------------------


def test_the_picture_fits_its_frame():
    rows = [row(0, "0"), row(60, "50"), row(120, "25")]
    drawn = curve.picture(rows, spans((30, 60)))
    assert drawn.lines == ["0,176 300,0 600,88"]
    assert drawn.gaps == [(150, 150)]
    assert drawn.highest == 50


def test_what_was_not_told_is_a_hole_in_the_line():
    rows = [row(0), row(10), row(20, None), row(30), row(40)]
    assert len(curve.picture(rows, []).lines) == 2


def test_energy_is_drawn_as_well():
    assert curve.picture([row(0, None, "0"), row(60, None, "2")], [], column=2).lines == ["0,176 600,0"]


@pytest.mark.parametrize("rows", [[], [row(0)], [row(0), row(0)], [row(0, None), row(60, None)]])
def test_nothing_to_see_is_no_picture(rows):
    assert curve.picture(rows, []) is None


kilowatts = st.none() | st.decimals(0, 9999, places=3)


@given(st.lists(st.tuples(st.integers(0, 90_000), kilowatts), max_size=20))
def test_whatever_was_told_the_picture_stays_in_its_frame(told):
    rows = [(T0 + timedelta(seconds=at), kw, None) for at, kw in sorted(told, key=lambda one: one[0])]
    drawn = curve.picture(rows, curve.merged([*curve.silences(rows), *curve.standstills(rows)]))
    for line in drawn.lines if drawn else []:
        for point in line.split():
            x, y = map(int, point.split(","))
            assert 0 <= x <= curve.WIDTH and 0 <= y <= curve.HEIGHT


def test_of_many_readings_some_are_left_and_the_newest_always():
    rows = [row(second) for second in range(1_000)]
    kept = curve.thinned(rows, 300)
    assert len(kept) <= 301 and (kept[0], kept[-1]) == (rows[0], rows[-1])


# --- On the pages -----------------------------------------------------------------------------------------


@pytest.fixture
def charging(stage) -> Stage:
    stage.until("CHARGING")
    stage.progress(30, "0.3", "40.0")
    stage.progress(90, "0.9", "0")
    stage.progress(120, "0.9", "38.0")
    return stage


def test_without_a_script_the_page_has_the_picture(client, charging):
    client.force_login(charging.driver)
    page = client.get(charging.order.get_absolute_url()).content.decode()
    assert '<polyline class="chart__line"' in page and 'class="chart__gap"' in page
    told = json.loads(page.partition('id="curve-data">')[2].partition("</script>")[0])
    assert len(told["gaps"]) == 1 and told["power_kw"][-1] == 38


def test_the_readings_are_a_table_the_newest_first(client, charging):
    client.force_login(charging.driver)
    page = client.get(f"{charging.order.get_absolute_url()}readings/").content.decode()
    assert page.index("12:02:00 IST") < page.index("12:00:30 IST")
    assert "12:01 IST, for 30 s" in page
    assert page.count("<polyline") == 2


def test_the_table_asks_as_often_for_many_readings_as_for_few(
    client, charging, django_assert_max_num_queries
):
    client.force_login(charging.driver)
    ProgressPoint.objects.bulk_create(
        ProgressPoint(
            order=charging.order, at=STARTED + timedelta(seconds=200 + n), power_kw=40, energy_kwh=1
        )
        for n in range(500)
    )
    with django_assert_max_num_queries(6):
        page = client.get(f"{charging.order.get_absolute_url()}readings/").content.decode()
    assert page.count("<tr>") < 130


def test_before_the_first_reading_the_table_says_so(client, stage):
    stage.until("CONFIRMED")
    client.force_login(stage.driver)
    assert "No reading yet" in client.get(f"{stage.order.get_absolute_url()}readings/").content.decode()


def test_the_readings_are_nobody_elses(client, charging, stranger):
    address = f"{charging.order.get_absolute_url()}readings/"
    assert client.get(address).status_code == 302
    client.force_login(stranger)
    assert client.get(address).status_code == 404
