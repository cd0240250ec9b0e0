"""Tariffs from JSON: ours, frozen with a deal, and what somebody typed. Whatever is odd is named, with its place."""

import re
from collections.abc import Callable, Collection
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.pricing.tariff import DAYS, Component, Element, Kind, Reserves, Restrictions, Tariff, Tax

MOST_ELEMENTS, MOST_TAXES = 50, 6
MOST_PRICE, MOST_FIGURE, MOST_SECONDS = Decimal(1_000_000), Decimal(1_000_000), 366 * 86_400
MOST_PLACES = 6
NUMBERS = ("min_kwh", "max_kwh", "min_current", "max_current", "min_power", "max_power")
SECONDS = ("min_duration", "max_duration")
RESTRICTIONS = {
    *("start_time", "end_time", "start_date", "end_date", "day_of_week", "reservation"),
    *NUMBERS,
    *SECONDS,
}
TARIFF = {
    *("version", "currency", "zone", "elements", "taxes", "tax_included"),
    *("min_price", "max_price", "parking_grace", "parking_cap", "parking_when_busy"),
}


class TariffFault(ValueError):
    """`place` as 'elements[1].restrictions.start_time'; `problem` is a key that a page has words for."""

    def __init__(self, place: str, problem: str, **facts: Any) -> None:
        super().__init__(f"{place}: {problem} {facts or ''}".strip())
        self.place, self.problem, self.facts = place, problem, facts


def read_tariff(kept: dict[str, Any]) -> Tariff:
    """What `Tariff.to_json` wrote. Raises TariffFault."""
    _only_known(kept, TARIFF, "tariff")
    return checked(
        Tariff(
            version=str(kept.get("version", "")),
            currency=kept["currency"],
            zone=kept.get("zone", "UTC"),
            elements=read_elements(kept["elements"]),
            taxes=read_taxes(kept.get("taxes", [])),
            tax_included=bool(kept.get("tax_included", False)),
            min_price=_maybe(kept, "min_price", "tariff", _amount),
            max_price=_maybe(kept, "max_price", "tariff", _amount),
            parking_grace=_whole(kept.get("parking_grace", 0), "parking_grace"),
            parking_cap=_maybe(kept, "parking_cap", "tariff", _amount),
            parking_when_busy=bool(kept.get("parking_when_busy", False)),
        )
    )


def checked(tariff: Tariff) -> Tariff:
    """What no single part can know. Raises TariffFault."""
    try:
        ZoneInfo(tariff.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TariffFault("zone", "unknown-zone", found=tariff.zone) from error
    if tariff.min_price is not None and tariff.max_price is not None and tariff.min_price > tariff.max_price:
        raise TariffFault("max_price", "less-than-least")
    bounded = tariff.min_price is not None or tariff.max_price is not None
    if bounded and any(tax.kinds for tax in tariff.taxes):
        # Which part of a floor or a ceiling would such a tax be on? Nobody could check that bill.
        raise TariffFault("taxes", "bounds-need-whole-taxes")
    return tariff


def read_elements(kept: Any) -> tuple[Element, ...]:
    """The `elements` of an OCPI tariff. Raises TariffFault."""
    rows = _list(kept, "elements", MOST_ELEMENTS)
    if not rows:
        raise TariffFault("elements", "empty")
    return tuple(_element(row, f"elements[{number}]") for number, row in enumerate(rows))


def read_taxes(kept: Any) -> tuple[Tax, ...]:
    """[{"name", "percent", "on": ["ENERGY", …], "compound"}], in the order they are counted. Raises TariffFault."""
    rows = _list(kept, "taxes", MOST_TAXES)
    taxes = tuple(_tax(row, f"taxes[{number}]") for number, row in enumerate(rows))
    if len({tax.name for tax in taxes}) < len(taxes):
        raise TariffFault("taxes", "twice")
    return taxes


def _tax(row: Any, place: str) -> Tax:
    _only_known(row, {"name", "percent", "on", "compound"}, place)
    name = row.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 20:
        raise TariffFault(f"{place}.name", "not-a-name")
    kinds = [_one_of(kind, Kind, f"{place}.on") for kind in _list(row.get("on", []), f"{place}.on", 4)]
    percent = _number(row.get("percent"), f"{place}.percent", Decimal(100))
    return Tax(name.strip(), percent, frozenset(kinds), _yes_or_no(row, "compound", place))


def _element(row: Any, place: str) -> Element:
    _only_known(row, {"price_components", "restrictions"}, place)
    where = f"{place}.price_components"
    parts = _list(row.get("price_components"), where, len(Kind))
    components = tuple(_component(part, f"{where}[{number}]") for number, part in enumerate(parts))
    if not components:
        raise TariffFault(where, "empty")
    if len({component.kind for component in components}) < len(components):
        raise TariffFault(where, "twice")
    return Element(components, _restrictions(row.get("restrictions") or {}, f"{place}.restrictions"))


def _component(row: Any, place: str) -> Component:
    _only_known(row, {"type", "price", "step_size"}, place)
    return Component(
        _one_of(row.get("type"), Kind, f"{place}.type"),
        _amount(row.get("price"), f"{place}.price"),
        _whole(row.get("step_size", 0), f"{place}.step_size"),
    )


def _restrictions(row: Any, place: str) -> Restrictions:
    _only_known(row, RESTRICTIONS, place)
    days = _list(row.get("day_of_week", []), f"{place}.day_of_week", 7)
    found = Restrictions(
        start_time=_maybe(row, "start_time", place, _time),
        end_time=_maybe(row, "end_time", place, _time),
        start_date=_maybe(row, "start_date", place, _date),
        end_date=_maybe(row, "end_date", place, _date),
        days=frozenset(_day(day, f"{place}.day_of_week") for day in days),
        reservation=_maybe(row, "reservation", place, lambda value, at: _one_of(value, Reserves, at)),
        **{name: _maybe(row, name, place, _number) for name in NUMBERS},
        **{name: _maybe(row, name, place, _whole) for name in SECONDS},
    )
    for least, most in [("start_date", "end_date"), *zip(NUMBERS[::2], NUMBERS[1::2], strict=True), SECONDS]:
        low, high = getattr(found, least), getattr(found, most)
        if low is not None and high is not None and low >= high:
            raise TariffFault(f"{place}.{most}", "less-than-least")
    if found.start_time == found.end_time and found.start_time not in (None, time(0)):
        raise TariffFault(f"{place}.end_time", "same-time")
    return found


# --- Small readers, each (value, place) → value ------------------------------------------------------------


def _maybe(row: dict[str, Any], name: str, place: str, read: Callable[[Any, str], Any]) -> Any:
    return None if row.get(name) is None else read(row[name], f"{place}.{name}")


def _only_known(row: Any, names: Collection[str], place: str) -> None:
    if not isinstance(row, dict):
        raise TariffFault(place, "not-an-object")
    if unknown := sorted(set(row) - set(names)):
        # Left out silently it would be a promise that no bill keeps.
        raise TariffFault(place, "unknown-field", found=unknown[0])


def _list(value: Any, place: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise TariffFault(place, "not-a-list")
    if len(value) > most:
        raise TariffFault(place, "too-many", most=most)
    return value


def _one_of(value: Any, choices: type, place: str) -> Any:
    try:
        return choices(value)
    except ValueError as error:
        raise TariffFault(place, "unknown-word", found=str(value)[:40]) from error


def _day(value: Any, place: str) -> int:
    if value not in DAYS:
        raise TariffFault(place, "unknown-word", found=str(value)[:40])
    return DAYS.index(value)


def _amount(value: Any, place: str) -> Decimal:
    return _number(value, place, MOST_PRICE)


def _number(value: Any, place: str, most: Decimal = MOST_FIGURE) -> Decimal:
    """JSON numbers may come as float from a parser: their shortest text is what was written."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        raise TariffFault(place, "not-a-number")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise TariffFault(place, "not-a-number") from error
    if not number.is_finite() or not 0 <= number <= most:
        raise TariffFault(place, "out-of-range", most=most)
    if -number.as_tuple().exponent > MOST_PLACES:
        raise TariffFault(place, "too-many-places", most=MOST_PLACES)
    return number


def _whole(value: Any, place: str) -> int:
    number = _number(value, place, Decimal(MOST_SECONDS))
    if number != number.to_integral_value():
        raise TariffFault(place, "not-whole")
    return int(number)


def _time(value: Any, place: str) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise TariffFault(place, "not-a-time")
    return time.fromisoformat(value)


def _date(value: Any, place: str) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise TariffFault(place, "not-a-date") from error


def _yes_or_no(row: dict[str, Any], name: str, place: str) -> bool:
    value = row.get(name, False)
    if not isinstance(value, bool):
        raise TariffFault(f"{place}.{name}", "not-yes-or-no")
    return value
