"""The one place where numbers of other people are read: decimal strings, stray units, absurd lengths.

Everything raises NumberError (a ValueError); nothing here returns a float.
"""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from apps.lib import clock, money

LONGEST = 40  # characters of a number on the wire
LARGEST_EXPONENT = 15

_NUMBER = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*((?:[^\W\d_]|[%₹€£¥$])[^0-9]*)?\s*"
)
_GPS = re.compile(r"\s*([+-]?[0-9]{1,3}(?:\.[0-9]{0,20})?)\s*,\s*([+-]?[0-9]{1,3}(?:\.[0-9]{0,20})?)\s*")
_CURRENCY = re.compile(r"\s*([A-Za-z]{3})\s*(?:/\s*([A-Za-z]{1,20}))?\s*")

UNITS = {
    "kwh": ("kWh", Decimal(1)),
    "kilowatt-hour": ("kWh", Decimal(1)),
    "wh": ("kWh", Decimal("0.001")),
    "watt-hour": ("kWh", Decimal("0.001")),
    "mwh": ("kWh", Decimal(1000)),
    "minutes": ("MINUTES", Decimal(1)),
    "minute": ("MINUTES", Decimal(1)),
    "mins": ("MINUTES", Decimal(1)),
    "min": ("MINUTES", Decimal(1)),
    "hours": ("MINUTES", Decimal(60)),
    "hour": ("MINUTES", Decimal(60)),
    "h": ("MINUTES", Decimal(60)),
    "kw": ("kW", Decimal(1)),
    "kilowatt": ("kW", Decimal(1)),
    "w": ("kW", Decimal("0.001")),
    "km": ("km", Decimal(1)),
    "m": ("km", Decimal("0.001")),
    "meters": ("km", Decimal("0.001")),
    "metres": ("km", Decimal("0.001")),
    "mi": ("km", Decimal("1.609344")),
    "miles": ("km", Decimal("1.609344")),
    "mile": ("km", Decimal("1.609344")),
    "%": ("%", Decimal(1)),
    "percent": ("%", Decimal(1)),
}
_PER = {
    "kwh": "kWh",
    "kilowatthour": "kWh",
    "min": "min",
    "minute": "min",
    "minutes": "min",
    "h": "h",
    "hour": "h",
}


class NumberError(ValueError):
    """This is not a number we are willing to calculate with."""


def checked(number: Decimal) -> Decimal:
    """`number` if it is finite and of a size that occurs in charging."""
    if not number.is_finite():
        raise NumberError("not a finite number")
    if number and not -LARGEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT:
        raise NumberError("number out of range")
    if len(number.as_tuple().digits) > LONGEST or number.as_tuple().exponent < -LONGEST:
        raise NumberError("number too long")
    return number + 0 if number else Decimal(0)


def read_quantity(raw: object) -> tuple[Decimal, str]:
    """'42.1kW' → (42.1, 'kW'); '30%' → (30, '%'); 7 → (7, ''). Refuses NaN and the absurdly long."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise NumberError("not a number")
    if isinstance(raw, Decimal):
        return checked(raw), ""
    if isinstance(raw, int) and abs(raw) >= 10**LARGEST_EXPONENT * 10:
        raise NumberError("number out of range")
    text = str(raw)
    if len(text) > LONGEST:
        raise NumberError("not a number")
    return _read_text(text)


@lru_cache(maxsize=4096)  # a catalog says the same few numbers for every plug
def _read_text(text: str) -> tuple[Decimal, str]:
    match = _NUMBER.fullmatch(text)
    if not match:
        raise NumberError("not a number")
    try:
        return checked(Decimal(match[1])), (match[2] or "").strip()
    except InvalidOperation as error:
        raise NumberError("not a number") from error


def read_number(raw: object) -> Decimal:
    """The number alone; a trailing unit is dropped ('22INR' → 22)."""
    return read_quantity(raw)[0]


def plain(number: Decimal | int) -> str:
    """Plain decimal text, never an exponent: core's pattern knows none."""
    return f"{checked(Decimal(number)):f}"


def money_text(amount: Decimal, currency: str = "INR") -> str:
    """'448.40': money has two places on the wire, more only where the currency has more."""
    places = max(2, money.minor_units(currency))
    return f"{money.round_money(checked(amount), currency).quantize(Decimal(1).scaleb(-places)):f}"


def energy_text(energy_kwh: Decimal) -> str:
    """'20', '17.78', '0.004': to the watt-hour, without idle zeros."""
    text = f"{checked(energy_kwh).quantize(Decimal('0.001')):f}"
    return text.rstrip("0").rstrip(".")


def _unit_key(unit: str) -> str:
    return re.sub(r"[\s_-]+", "-", unit.strip().lower())


def read_measure(value: object, unit: object = None) -> tuple[Decimal, str]:
    """A measure in the unit we calculate with: kWh, MINUTES, kW, km, % or an ISO 4217 code.

    The unit may stand beside the value or behind it, or the value may be a duration ('PT45M' → 45 MINUTES).
    A unit nobody knows is returned as it came: whoever orders by it decides to refuse.
    """
    if isinstance(value, str) and value.strip().upper().startswith("P") and len(value) <= LONGEST:
        return _minutes(value), "MINUTES"
    number, trailing = read_quantity(value)
    name = (unit if isinstance(unit, str) and unit.strip() else trailing).strip()
    if known := UNITS.get(_unit_key(name)):
        return number * known[1], known[0]
    return number, name.upper() if re.fullmatch("[A-Za-z]{3}", name) else name


def _minutes(value: str) -> Decimal:
    try:
        return Decimal(clock.read_duration(value) // timedelta(seconds=1)) / 60
    except (ValueError, OverflowError) as error:
        raise NumberError("not a duration") from error


def read_power_kw(raw: object) -> Decimal:
    """'42.1kW', '42100 W' or a bare 42.1 (kW)."""
    number, unit = read_measure(raw)
    if unit not in ("", "kW"):
        raise NumberError("not a power")
    return number


def read_energy_kwh(raw: object) -> Decimal:
    """'7.42kWh', '7420 Wh' or a bare 7.42 (kWh)."""
    number, unit = read_measure(raw)
    if unit not in ("", "kWh"):
        raise NumberError("not an energy")
    return number


def read_distance_km(value: object, unit: object = None) -> Decimal:
    number, name = read_measure(value, unit)
    if name not in ("", "km"):
        raise NumberError("not a distance")
    return number


def read_gps(text: object) -> tuple[Decimal, Decimal]:
    """'18.559010, 73.786780' → (latitude, longitude) to six places."""
    match = _GPS.fullmatch(text) if isinstance(text, str) and len(text) <= 2 * LONGEST else None
    if not match:
        raise NumberError("not a position")
    return position(Decimal(match[1]), Decimal(match[2]))


def position(lat: Decimal, lon: Decimal) -> tuple[Decimal, Decimal]:
    """Both in range, to six places (11 cm)."""
    if abs(lat) > 90 or abs(lon) > 180:
        raise NumberError("position out of range")
    step = Decimal("0.000001")
    return lat.quantize(step) + 0, lon.quantize(step) + 0


def read_coordinate(text: str) -> Decimal:
    """One latitude or longitude typed by a person or sent by a browser."""
    number, unit = read_quantity(text)
    if unit or abs(number) > 180:
        raise NumberError("not a coordinate")
    return number


def gps_text(lat: Decimal, lon: Decimal) -> str:
    lat, lon = position(lat, lon)
    return f"{lat:f},{lon:f}"


def read_currency(text: object) -> tuple[str, str | None]:
    """'INR/kWH' → ('INR', 'kWh'); 'inr' → ('INR', None)."""
    match = _CURRENCY.fullmatch(text) if isinstance(text, str) and len(text) <= LONGEST else None
    if not match:
        raise NumberError("not a currency")
    unit = match[2]
    return match[1].upper(), _PER.get(unit.lower(), unit) if unit else None


def json_decimal(text: str) -> Decimal:
    """For json.loads(parse_float=…)."""
    if len(text) > LONGEST:
        raise NumberError("number too long")
    return checked(Decimal(text))


def json_integer(text: str) -> int:
    """For json.loads(parse_int=…)."""
    if len(text) > LONGEST:
        raise NumberError("number too long")
    return int(text)


def json_constant(text: str) -> None:
    """For json.loads(parse_constant=…): NaN and Infinity are not JSON."""
    raise NumberError(f"{text} is not JSON")
