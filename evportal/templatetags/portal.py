"""Tags and filters every template may use without loading them (a builtin library of settings.TEMPLATES)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy
from django_htmx.templatetags.django_htmx import htmx_script

from apps.discovery.plugs import plug_name
from apps.lib import said
from apps.lib.said import decimals, duration, local, short_day_and_time

register = template.Library()
register.filter(plug_name)
for spelling in (
    said.money,
    said.decimals,
    said.whole_or_tenth,
    said.meter,
    said.duration,
    said.day_and_time,
):
    register.filter(spelling)
register.filter(said.short_day_and_time)
register.simple_tag(takes_context=True)(htmx_script)

# One vocabulary on pin, card, list and console: word of a status → glyph, tone, what people read.
STATUS = {
    "free": ("free", "ok", gettext_lazy("Available")),
    "preparing": ("busy", "busy", gettext_lazy("Plugged in, getting ready")),
    "charging": ("charging", "busy", gettext_lazy("Charging")),
    "busy": ("busy", "busy", gettext_lazy("In use")),
    "paused-by-car": ("paused", "warn", gettext_lazy("Paused by the car")),
    "paused-by-station": ("paused", "warn", gettext_lazy("Paused by the station")),
    "finishing": ("unplug", "warn", gettext_lazy("Finished, please unplug")),
    "reserved": ("reserved", "held", gettext_lazy("Reserved")),
    "out": ("out", "unknown", gettext_lazy("Out of service")),
    "fault": ("fault", "bad", gettext_lazy("Fault")),
    "unknown": ("unknown", "unknown", gettext_lazy("Not confirmed")),
    "some-unknown": ("some-unknown", "ok", gettext_lazy("Some not confirmed")),
    "closed": ("closed", "unknown", pgettext_lazy("station", "Closed now")),
}
PIN_MARKS = {"unknown": "?", "fault": "!", "reserved": "", "closed": ""}
BOLTS = ("normal", "fast", "ultra")
TONES = ("ok", "busy", "warn", "bad", "held", "unknown")


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """An icon of the sprite; silent for screen readers unless it has a label of its own."""
    return format_html(
        '<svg class="icon{}" {}><use href="{}#{}"/></svg>',
        f" icon--{size}" if size else "",
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"'),
        static("img/icons.svg"),
        name,
    )


@register.simple_tag
def status(word: str, text: str = "") -> SafeString:
    """Glyph and word of a status; `text` replaces the usual word ('4 of 6 free')."""
    glyph, tone, usual = STATUS[word]
    return format_html(
        '<span class="status tone-{}">{}{}</span>', tone, icon(f"status-{glyph}"), text or usual
    )


@register.simple_tag
def badge(text: str, tone: str = "unknown", glyph: str = "") -> SafeString:
    """A small pill. `tone` is one of TONES; with `glyph` it carries an icon of the sprite."""
    return format_html('<span class="badge tone-{}">{}{}</span>', tone, icon(glyph) if glyph else "", text)


@register.simple_tag
def pin(word: str, count: int | str = "", small: bool = False, speed: str = "") -> SafeString:
    """The pin of the map, drawn in a list or a legend. Only some pins carry a number (as in static/js/map.js)."""
    return format_html(
        '<span class="pin pin--{}{}" aria-hidden="true"><svg aria-hidden="true"><use href="{}#pin-{}"/></svg>'
        '<span class="pin__count">{}</span>{}</span>',
        word,
        " pin--small" if small else "",
        static("img/icons.svg"),
        word,
        PIN_MARKS.get(word, count),
        power(speed),
    )


@register.simple_tag
def power(speed: str) -> SafeString:
    """The bolts of a power class; none for the slow ones and where the power is unknown."""
    if speed not in BOLTS:
        return SafeString("")
    return format_html(
        '<svg class="bolts bolts--{}" aria-hidden="true"><use href="{}#bolts-{}"/></svg>',
        speed,
        static("img/icons.svg"),
        speed,
    )


@register.inclusion_tag("components/_ring.html")
def ring(
    value: Decimal | None, of: Decimal | None, unit: str, *, state: str = "flowing", digits: int = 1
) -> dict:
    """The ring gauge: `value` of `of`; without a target it shows the number alone, without a number a dash.

    state: flowing, paused, over.
    """
    share = min(Decimal(100), max(Decimal(0), value * 100 / of)) if of and value is not None else Decimal(0)
    return {
        "share": f"{share:.1f}",
        "value": decimals(value, digits),
        "of": number_format(of.normalize() if of else 0, force_grouping=False),
        "has_target": bool(of),
        "unit": unit,
        "state": state,
    }


@register.filter
def minutes(number: int) -> str:
    """The same of a number of minutes: '8 min', '1 h 05 min'."""
    return duration(timedelta(minutes=number)) if number else gettext("{} min").format(0)


@register.filter
def clock_time(instant: datetime | None, zone: str = "UTC") -> str:
    """'14:02 IST': the wall clock where the station stands, with the name of its zone."""
    return "–" if instant is None else local(instant, zone).strftime("%H:%M %Z")


@register.filter
def clock_time_exact(instant: datetime, zone: str = "UTC") -> str:
    """'14:02:09 IST'."""
    return local(instant, zone).strftime("%H:%M:%S %Z")


@register.filter
def until(begins: datetime, ends: datetime) -> str:
    """'22 Nov, 17:00–17:45 IST', of two times that are in their station's zone already."""
    if begins.date() == ends.date() and begins.utcoffset() == ends.utcoffset():
        return f"{date_format(begins, 'j M')}, {begins:%H:%M}–{ends:%H:%M %Z}"
    return f"{short_day_and_time(begins)} – {short_day_and_time(ends)}"


@register.filter
def time_there(local: datetime, is_twice: bool = False) -> str:
    """'14:00', of a time that is in its station's zone already; with the offset in the hour that comes twice."""
    return f"{local:%H:%M (UTC%z)}" if is_twice else f"{local:%H:%M}"


@register.simple_tag
def reading_age(at: datetime | None) -> SafeString:
    """'reading 2 s old'; the browser lets it tick (static/js/live.js)."""
    if at is None:
        return format_html('<span class="reading is-late">{}</span>', gettext("no reading yet"))
    age = max(timezone.now() - at, timedelta(0))
    late = age > timedelta(seconds=30)
    words = (
        gettext("no news for {}").format(duration(age))
        if late
        else gettext("reading {} s old").format(age.seconds)
    )
    return format_html(
        '<time class="reading{}" datetime="{}" data-reading>{}</time>',
        " is-late" if late else "",
        _machine(at),
        words,
    )


@register.simple_tag
def elapsed(since: datetime, until: datetime | None = None) -> SafeString:
    """Time that runs, as 0:12:31; stands still once `until` is known."""
    seconds = max(0, int(((until or timezone.now()) - since).total_seconds()))
    words = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    mark = "" if until else SafeString(" data-elapsed")
    return format_html('<time class="number" datetime="{}"{}>{}</time>', _machine(since), mark, words)


@register.simple_tag
def countdown(until: datetime) -> SafeString:
    """Time that is left, as 9:59 or 2:09:59. At zero the element fires the event `over`, which htmx may listen to."""
    seconds = max(0, int((until - timezone.now()).total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    words = f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
    return format_html(
        '<time class="countdown" datetime="{}" data-countdown>{}</time>', _machine(until), words
    )


def _machine(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")
