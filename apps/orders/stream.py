"""The operator's live figures: JSON shaped like the session of OCPI (fact sheet 4.9). Pure: its words in, ours out.

It is not signed, so it only moves figures: what state the charge is in, and what it costs in the end, is said by
signed messages alone.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.lib.money import round_money
from apps.orders.network import LARGEST_AMOUNT, LARGEST_KWH
from apps.orders.told import Priced, Reading, Told

SECURE = {"http": "ws", "https": "wss"}
LARGEST_KW = Decimal(9_999)


def stream_url(told: Any, tracking_url: str) -> str | None:
    """Where the figures come unasked, if the operator says so and it is the same machine as its tracking page."""
    url = told.get("stream_url") if isinstance(told, dict) else None
    if not isinstance(url, str) or len(url) > 500 or not url.isascii() or not url.isprintable():
        return None
    try:
        ours, theirs = urlsplit(tracking_url), urlsplit(url)
        same = (SECURE[ours.scheme], ours.hostname, ours.port) == (
            theirs.scheme,
            theirs.hostname,
            theirs.port,
        )
    except (ValueError, KeyError):
        return None
    return url if same and "@" not in theirs.netloc and not theirs.fragment else None


def read_figures(text: str | bytes) -> Told | None:
    """What a message of the stream says; None when it cannot be read or does not speak of a running charge."""
    try:
        return figures_of(json.loads(text, parse_float=Decimal))
    except ValueError:
        return None


def has_figures(said: Any) -> bool:
    """Is it worth asking again? It has the shape, whatever the state of the charge."""
    return isinstance(said, dict) and "status" in said and _number(said.get("kwh"), LARGEST_KWH) is not None


def figures_of(said: Any) -> Told | None:
    """None when it does not speak of a running charge."""
    if not isinstance(said, dict) or str(said.get("status", "")).upper() != "ACTIVE":
        return None
    return Told(
        network_order_id=_text(said.get("order_id")),
        at=wire.read_instant(_text(said.get("told_at"))),
        reading=Reading(
            at=wire.read_instant(_text(said.get("last_updated"))),
            word=taxonomy.availability(_text(said.get("connector_status"))) or "",
            energy_kwh=_number(said.get("kwh"), LARGEST_KWH),
            power_kw=_number(said.get("power_kw"), LARGEST_KW),
            soc_percent=_number(said.get("soc_percent"), Decimal(100)),
        ),
        priced=_cost(said),
    )


def _cost(said: dict[str, Any]) -> Priced | None:
    cost, currency = said.get("total_cost"), _text(said.get("currency")).upper()
    amount = _number(cost.get("incl_vat"), LARGEST_AMOUNT) if isinstance(cost, dict) else None
    return Priced(round_money(amount, currency), currency) if amount is not None and currency else None


def _text(value: Any) -> str:
    return value[:255] if isinstance(value, str) else ""


def _number(value: Any, largest: Decimal) -> Decimal | None:
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
        return number.quantize(Decimal("0.001")) if 0 <= number <= largest else None
    except InvalidOperation:  # no number, or NaN compared
        return None
