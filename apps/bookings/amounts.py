"""How much was asked for: energy, time or money (fact sheet 5.1). A unit nobody knows is never taken for kWh."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from django.utils.translation import gettext as _

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.lib.errors import Refused
from apps.pricing import MOST_KWH

MOST_MINUTES = 24 * 60
MOST_MONEY = Decimal(1_000_000)
BY, LIMIT = "charging-by", "charging-limit"


@dataclass(frozen=True)
class Amount:
    """One of the three. `currency` is "" where the app left it to the tariff."""

    energy_kwh: Decimal | None = None
    minutes: int | None = None
    money: Decimal | None = None
    currency: str = ""


def read(item: wire.Item) -> Amount:
    """The unit decides; the tag pair AMOUNT overrides a measure in kWh, because such a measure is then an estimate."""
    selected = item.quantity.selected if item.quantity else None
    measure = selected.measure.measure if selected and selected.measure else None
    tags = wire.all_tags(item.tags)
    by = next(iter(tags.get(BY, [])), "").strip().upper()
    if measure and measure[1] == "kWh" and by in ("AMOUNT", "TIME"):
        measure = _limit(next(iter(tags.get(LIMIT, [])), ""), by)
    return _amount(*(measure or (Decimal(0), "")))


def _limit(text: str, by: str) -> tuple[Decimal, str]:
    try:
        number, unit = numbers.read_measure(text)
    except numbers.NumberError as error:
        raise Refused(_("The amount of this order cannot be read."), code="40002") from error
    return number, unit or {"AMOUNT": "MONEY", "TIME": "MINUTES"}[by]


def _amount(number: Decimal, unit: str) -> Amount:
    if unit == "kWh":
        return Amount(energy_kwh=_kwh(number))
    if unit == "MINUTES":
        return Amount(minutes=_minutes(number))
    if unit == "MONEY" or _is_currency(unit):
        return Amount(money=_money(number), currency="" if unit == "MONEY" else unit)
    raise Refused(_("This operator sells by kWh, minutes or money. Please order one of these."), code="40002")


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isascii() and unit.isalpha() and unit.isupper()


def _kwh(number: Decimal) -> Decimal:
    found = number.quantize(Decimal("0.001"), rounding=ROUND_DOWN) if abs(number) < 10**6 else number
    if not 0 < found <= MOST_KWH:
        raise Refused(_("Please order more than 0 and at most %s kWh.") % MOST_KWH, code="40002")
    return found


def _minutes(number: Decimal) -> int:
    """Whole minutes: what is less than one cannot be kept apart from the time a charger needs to stop."""
    if not 1 <= number <= MOST_MINUTES:
        raise Refused(_("Please order at least 1 and at most %s minutes.") % MOST_MINUTES, code="40002")
    return int(number)


def _money(number: Decimal) -> Decimal:
    if not 0 < number <= MOST_MONEY or number != number.quantize(Decimal("0.001")):
        raise Refused(_("This amount of money cannot be ordered."), code="40002")
    return number
