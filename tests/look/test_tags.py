from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.template import Context, Template
from django.utils import translation

from evportal.templatetags import portal

NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def render(source: str, **context) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize("word", portal.STATUS)
def test_every_status_has_a_word_and_a_shape(word):
    drawn = render("{% status word %}", word=word)
    glyph, _, usual = portal.STATUS[word]
    assert f"#status-{glyph}" in drawn
    assert str(usual) in drawn


def test_a_status_may_say_more():
    assert "4 of 6 free" in render('{% status "free" text="4 of 6 free" %}')


def test_words_from_outside_are_no_markup():
    assert "<b>" not in render('{% status "free" text=text %}{% badge text %}', text="<b>free</b>")


@pytest.mark.parametrize(
    "value, of, share", [("12.4", "20", "62.0"), ("25", "20", "100.0"), ("0", "20", None), ("3", None, None)]
)
def test_the_ring_is_as_full_as_the_charge(value, of, share):
    drawn = render('{% ring value of "kWh" %}', value=Decimal(value), of=of and Decimal(of))
    assert (f'stroke-dasharray="{share} 100"' in drawn) if share else ("stroke-dasharray" not in drawn)


def test_the_ring_says_twenty_not_two_e_one():
    assert "of 20 kWh" in render('{% ring value of "kWh" %}', value=Decimal("1"), of=Decimal("20.000"))


@pytest.mark.parametrize(
    "source, value, drawn",
    [
        ('{{ v|money:"INR" }}', Decimal("1234567.5"), "₹12,34,567.50"),
        ('{{ v|money:"USD" }}', Decimal("1234567.5"), "$1,234,567.50"),
        ("{{ v|money }}", None, "–"),
        ("{{ v|decimals:2 }}", Decimal("3.456"), "3.46"),
        ("{{ v|whole_or_tenth }}", Decimal("60.0"), "60"),
        ("{{ v|whole_or_tenth }}", Decimal("7.4"), "7.4"),
        ("{{ v|duration }}", timedelta(seconds=40), "40 s"),
        ("{{ v|duration }}", timedelta(minutes=65), "1 h 05 min"),
        ('{{ v|clock_time:"Asia/Kolkata" }}', NOON, "12:00 IST"),
        ('{{ v|clock_time:"America/New_York" }}', NOON, "01:30 EST"),
        ('{{ v|day_and_time:"Asia/Kolkata" }}', NOON, "22 November 2026, 12:00 IST"),
    ],
)
def test_values_are_written_as_people_read_them(source, value, drawn):
    with translation.override("en"):
        assert render(source, v=value) == drawn


@pytest.mark.parametrize(
    "age, told", [(2, "reading 2 s old"), (95, "no news for 1 min"), (-5, "reading 0 s old")]
)
def test_an_old_reading_says_so(age, told):
    with time_machine.travel(NOON, tick=False):
        drawn = render("{% reading_age at %}", at=NOON - timedelta(seconds=age))
    assert told in drawn
    assert ("is-late" in drawn) is (age > 30)


def test_no_reading_yet_is_said():
    assert "no reading yet" in render("{% reading_age at %}", at=None)


def test_times_run_and_stand_still():
    with time_machine.travel(NOON, tick=False):
        running = render("{% elapsed at %}", at=NOON - timedelta(seconds=751))
        over = render("{% elapsed at until %}", at=NOON - timedelta(seconds=751), until=NOON)
        left = render("{% countdown at %}", at=NOON + timedelta(seconds=599))
        gone = render("{% countdown at %}", at=NOON - timedelta(seconds=1))
    assert ">0:12:31<" in running
    assert "data-elapsed" in running
    assert "data-elapsed" not in over
    assert ">9:59<" in left
    assert ">0:00<" in gone
