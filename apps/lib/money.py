"""Money: Decimal, a currency beside every amount, rounded half-up in one place."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

MINOR_UNITS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}
SYMBOLS = {"INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def minor_units(currency: str) -> int:
    """Digits after the point in `currency` (ISO 4217): 2 unless it is one of the exceptions."""
    return MINOR_UNITS.get(currency, 2)


def round_money(amount: Decimal, currency: str) -> Decimal:
    """`amount` half-up to the currency's minor unit. Call it once per line; totals are sums of rounded lines."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


def to_minor_units(amount: Decimal, currency: str) -> int:
    """12.34 INR → 1234, as payment providers count. Raises ValueError for parts of a minor unit."""
    minor = amount.scaleb(minor_units(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} {currency} has parts of the smallest unit")
    return int(minor)


def from_minor_units(minor: int, currency: str) -> Decimal:
    """1234 INR → 12.34."""
    return Decimal(minor).scaleb(-minor_units(currency))


@dataclass(frozen=True, order=False)
class Money:
    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)


def group_digits(whole: str, *, indian: bool) -> str:
    """'1234567' → '12,34,567' in India, '1,234,567' elsewhere."""
    head, tail = whole[:-3], whole[-3:]
    step = 2 if indian else 3
    groups = []
    while head:
        groups.insert(0, head[-step:])
        head = head[:-step]
    return ",".join([*groups, tail])


def format_money(amount: Decimal, currency: str) -> str:
    """'₹1,23,456.50', '$123,456.50', '−₹20.00', 'CHF 12.00'."""
    rounded = round_money(amount, currency)
    whole, _, fraction = f"{abs(rounded):f}".partition(".")
    text = group_digits(whole, indian=currency == "INR") + (f".{fraction}" if fraction else "")
    sign = "−" if rounded < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency + ' ')}{text}"
