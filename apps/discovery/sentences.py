"""A tariff with elements as sentences a person would say. Pure; the first that fits counts, so the order is kept."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.lib.money import format_money
from apps.pricing import Component, Element, Kind, Reserves, Restrictions, Tariff, Tax

DAYS = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
PRICES = {
    Kind.ENERGY: gettext_lazy("{price} per kWh"),
    Kind.TIME: gettext_lazy("{price} per minute"),
    Kind.PARKING_TIME: gettext_lazy("{price} per minute plugged in after charging"),
    Kind.FLAT: gettext_lazy("{price} per charge"),
}
WHOLE_WEEK = 7


def sentences(rules: Tariff) -> list[str]:
    """'from 22:00 to 06:00: ₹12.50 per kWh', 'otherwise: ₹18.50 per kWh', 'always: ₹10.00 per charge'."""
    told: list[str] = []
    before: set[Kind] = set()
    for element in rules.elements:
        told += _element(element, before, rules.currency)
        before |= set(element.by_kind)
    return [*told, *_around(rules)]


def _element(element: Element, before: set[Kind], currency: str) -> Iterable[str]:
    """Without a condition it holds where none before it does; what none before it prices holds always."""
    if when := _when(element.restrictions):
        parts = [(when, element.components)]
    else:
        other = tuple(part for part in element.components if part.kind in before)
        rest = tuple(part for part in element.components if part.kind not in before)
        parts = [(_("otherwise"), other), (_("always") if before else "", rest)]
    for when, components in parts:
        if prices := [
            _priced(part, currency) for part in components if part.price or part.kind == Kind.ENERGY
        ]:
            words = get_text_list(prices, _("and"))
            yield _("{when}: {prices}").format(when=when, prices=words) if when else words


def _priced(part: Component, currency: str) -> str:
    return PRICES[part.kind].format(price=_price(part.kind, part.price, currency)) + _step(
        part.kind, part.step
    )


def _price(kind: Kind, price: Decimal, currency: str) -> str:
    """Hours are said as minutes: that is how people wait."""
    per_minute = kind in (Kind.TIME, Kind.PARKING_TIME)
    return format_money(price / 60 if per_minute else price, currency)


def _step(kind: Kind, step: int) -> str:
    if kind in (Kind.TIME, Kind.PARKING_TIME) and step > 60 and step % 60 == 0:
        return " " + _("(in steps of {minutes} min)").format(minutes=step // 60)
    if kind == Kind.ENERGY and step >= 1000:
        return " " + _("(in steps of {kwh} kWh)").format(kwh=_number(Decimal(step) / 1000))
    return ""


def _when(rule: Restrictions) -> str:
    parts = [*_reserved(rule), *_wall(rule), *_amounts(rule)]
    return ", ".join(parts)


def _reserved(rule: Restrictions) -> Iterable[str]:
    if rule.reservation == Reserves.RESERVATION:
        yield _("while it is reserved")
    elif rule.reservation == Reserves.EXPIRES:
        yield _("when a reservation is not used")


def _wall(rule: Restrictions) -> Iterable[str]:
    if 0 < len(rule.days) < WHOLE_WEEK:
        yield get_text_list([str(DAYS[day]) for day in sorted(rule.days)], _("and"))
    if rule.start_time or rule.end_time:
        begins = f"{rule.start_time:%H:%M}" if rule.start_time else "00:00"
        ends = f"{rule.end_time:%H:%M}" if rule.end_time else "24:00"
        yield _("from {begins} to {ends}").format(begins=begins, ends=ends)
    if rule.start_date:
        yield _("from {date} on").format(date=rule.start_date.isoformat())
    if rule.end_date:
        yield _("before {date}").format(date=rule.end_date.isoformat())


def _amounts(rule: Restrictions) -> Iterable[str]:
    minutes = {"min_duration": rule.min_duration, "max_duration": rule.max_duration}
    said = (
        (rule.min_kwh, _("from {n} kWh on")),
        (rule.max_kwh, _("up to {n} kWh")),
        (rule.min_power, _("from {n} kW on")),
        (rule.max_power, _("below {n} kW")),
        (rule.min_current, _("from {n} A on")),
        (rule.max_current, _("below {n} A")),
        (_minutes(minutes["min_duration"]), _("after {n} min")),
        (_minutes(minutes["max_duration"]), _("in the first {n} min")),
    )
    return (words.format(n=_number(figure)) for figure, words in said if figure)


def _minutes(seconds: int | None) -> Decimal | None:
    return None if seconds is None else Decimal(seconds) / 60


def _around(rules: Tariff) -> Iterable[str]:
    """What stands around the prices: taxes, bounds, grace."""
    if rules.taxes:
        taxes = get_text_list([_tax(tax) for tax in rules.taxes], _("and"))
        yield (_("{taxes} included") if rules.tax_included else _("plus {taxes}")).format(taxes=taxes)
    if rules.min_price:
        yield _("at least {price} per charge").format(price=format_money(rules.min_price, rules.currency))
    if rules.max_price is not None:
        yield _("at most {price} per charge").format(price=format_money(rules.max_price, rules.currency))
    if rules.parking_grace:
        yield _("the first {n} min after charging are free").format(n=_number(_minutes(rules.parking_grace)))
    if rules.parking_cap is not None:
        cap = format_money(rules.parking_cap, rules.currency)
        yield _("standing after charging costs at most {price}").format(price=cap)
    if rules.parking_when_busy:
        yield _("standing costs only while no other such plug is free")


def _tax(tax: Tax) -> str:
    return _("{percent} % {tax}").format(percent=_number(tax.percent), tax=tax.name)


def _number(figure: Decimal) -> str:
    return number_format(round(figure, 2).normalize() + 0)
