"""What is wrong with a tariff somebody typed, in words a person can act on."""

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apps.pricing import TariffFault

PROBLEMS = {
    "not-a-list": _("a list is expected here"),
    "not-an-object": _("an object with named fields is expected here"),
    "empty": _("at least one entry is needed"),
    "too-many": _("at most {most} entries"),
    "unknown-field": _("there is no field “{found}”"),
    "unknown-word": _("“{found}” is not one of the words known here"),
    "twice": _("the same thing stands here twice"),
    "not-a-number": _("a number is expected here"),
    "out-of-range": _("a number from 0 to {most} is expected here"),
    "too-many-places": _("at most {most} digits after the point"),
    "not-whole": _("a whole number is expected here"),
    "not-a-time": _("a time like 22:00 is expected here"),
    "not-a-date": _("a date like 2026-12-31 is expected here"),
    "not-yes-or-no": _("true or false is expected here"),
    "not-a-name": _("a name of at most 20 letters is needed"),
    "same-time": _("begins and ends at the same time"),
    "less-than-least": _("must be more than where it begins"),
    "unknown-zone": _("there is no time zone “{found}”"),
    "bounds-need-whole-taxes": _(
        "with a least or a highest price every tax must be on everything, or nobody could check the bill"
    ),
}
FIELDS = {"elements": "elements", "taxes": "taxes", "min_price": "min_price", "max_price": "max_price"}


def words_of(fault: TariffFault) -> str | Promise:
    """'elements[0].restrictions.end_time: begins and ends at the same time'."""
    words = PROBLEMS.get(fault.problem, fault.problem)
    return format_lazy("{place}: {words}", place=fault.place, words=format_lazy(words, **fault.facts))


def field_of(fault: TariffFault) -> str:
    """The form field that the fault is shown at."""
    named = next((FIELDS[name] for name in FIELDS if name in fault.place), None)
    return named or "energy_rate"
