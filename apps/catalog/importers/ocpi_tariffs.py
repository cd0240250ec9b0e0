"""OCPI 2.2.1 Tariffs: a list of Tariff objects, and which of them a connector names (`tariff_ids`).

Our tariffs are of the same shape, so what is taken is billed as the source states it. What we cannot bill exactly is
left out with the reason, and the plugs that name it have no price: never another one than the operator's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.catalog.faults import words_of
from apps.catalog.importers import entries
from apps.catalog.importers.entries import Entry, listed, part, plain
from apps.catalog.importers.records import SkippedRow, TariffRow, Unusable
from apps.lib import clock
from apps.pricing import Kind, TariffFault, read_tariff

LONGEST_ID = 36
LONGEST_NAME = 120
# Who plugs in without an agreement pays AD_HOC_PAYMENT; "" and REGULAR are for everybody. The others are for members.
FOR_EVERYBODY = ("AD_HOC_PAYMENT", "REGULAR", "")


@dataclass(frozen=True)
class ReadTariffs:
    """Tariffs by their names in lower case, and what was left out."""

    by_name: dict[str, TariffRow]
    skipped: tuple[SkippedRow, ...] = ()

    def of(self, names: Iterable[str]) -> TariffRow | None:
        """Of several the one for a driver who is nobody's customer; None when none of them is known."""
        known = [row for name in names if (row := self.by_name.get(name.casefold()))]
        return min(known, key=lambda row: FOR_EVERYBODY.index(row.kind), default=None)


def read(*pages: Path) -> ReadTariffs:
    """Raises UnreadableFile unless every page is whole."""
    entries.count(*pages)
    found: dict[str, TariffRow] = {}
    skipped: list[SkippedRow] = []
    for number, entry in entries.entries(*pages):
        source_id = ""
        try:
            if not isinstance(entry, dict):
                raise Unusable("tariff is not an object", str(entry)[:60])
            source_id = name_of(entry, plain(entry.get("id")))
            if source_id.casefold() in found:
                raise Unusable("repeated tariff ID")
            found[source_id.casefold()] = _tariff(source_id, entry, clock.now())
        except Unusable as unusable:
            skipped.append(SkippedRow(number, source_id, *unusable.args))
    return ReadTariffs(found, tuple(skipped))


def name_of(owner: Entry, name: str) -> str:
    """Unique among all parties that a hub passes on: country, party, id. `owner`: the tariff or the location."""
    if not name or len(name) > LONGEST_ID:
        raise Unusable("tariff without a usable ID", name[:40])
    party = (plain(owner.get(key))[:3] for key in ("country_code", "party_id"))
    return "-".join([*filter(None, party), name])


def _tariff(source_id: str, entry: Entry, now: datetime) -> TariffRow:
    kind = plain(entry.get("type")).upper()
    if kind not in FOR_EVERYBODY:
        raise Unusable("tariff is not for everybody", f"type {kind[:30]}")
    _check_valid(entry, now)
    terms = {
        "currency": _currency(entry),
        "elements": [_element(element) for element in listed(entry.get("elements"))],
        "taxes": _taxes(entry),
        "min_price": _bound(entry, "min_price"),
        "max_price": _bound(entry, "max_price"),
    }
    try:
        rules = read_tariff(terms)
    except TariffFault as fault:
        raise Unusable("tariff cannot be billed", str(words_of(fault))[:200]) from fault
    if not any(Kind.ENERGY in element.by_kind for element in rules.elements):
        # Every plug of ours says a price per kWh, and none would read as "free".
        raise Unusable("tariff has no price per kWh")
    name = _words(entry) or source_id
    return TariffRow(source_id=source_id, name=name, kind=kind, terms=terms)


def _check_valid(entry: Entry, now: datetime) -> None:
    begins, ends = (_instant(entry, name) for name in ("start_date_time", "end_date_time"))
    if (begins and begins > now) or (ends and ends <= now):
        raise Unusable("tariff is not valid now", f"{begins or ''} – {ends or ''}")


def _instant(entry: Entry, name: str) -> datetime | None:
    text = plain(entry.get(name))
    try:
        return clock.read_instant(text) if text else None
    except ValueError as error:
        raise Unusable("tariff says no readable time", f"{name} {text[:30]}") from error


def _currency(entry: Entry) -> str:
    currency = plain(entry.get("currency")).upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise Unusable("tariff names no currency", currency[:20])
    return currency


def _element(element: Any) -> Any:
    """As our engine reads it: the taxes stand with the tariff, and numbers are texts, exact in every JSON."""
    if not isinstance(element, dict):
        return element
    said = {name: value for name, value in element.items() if value is not None}
    said["price_components"] = [
        _plain_numbers(part, but="vat") for part in listed(element.get("price_components"))
    ]
    if "restrictions" in said:
        said["restrictions"] = _plain_numbers(said["restrictions"])
    return said


def _plain_numbers(entry: Any, *, but: str = "") -> Any:
    if not isinstance(entry, dict):
        return entry
    return {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in entry.items()
        if name != but and value is not None
    }


def _taxes(entry: Entry) -> list[dict[str, Any]]:
    """The VAT of the components. One rate for a kind of price can be billed, two cannot."""
    rates: dict[str, set[Decimal]] = {}
    for element in listed(entry.get("elements")):
        for component in listed(element.get("price_components")) if isinstance(element, dict) else ():
            if isinstance(component, dict):
                kind, vat = plain(component.get("type")).upper(), component.get("vat")
                rates.setdefault(kind, set()).add(_rate(vat))
    if any(len(some) > 1 for some in rates.values()):
        raise Unusable("tariff has two taxes on one kind of price")
    by_kind = {kind: next(iter(some)) for kind, some in rates.items()}
    different = set(by_kind.values())
    if len(different) == 1:
        rate = different.pop()
        return [{"name": "VAT", "percent": str(rate)}] if rate else []
    return [
        {
            "name": f"VAT {rate.normalize():f} %",
            "percent": str(rate),
            "on": sorted(kind for kind in by_kind if by_kind[kind] == rate),
        }
        for rate in sorted(different)
        if rate
    ]


def _rate(vat: Any) -> Decimal:
    if vat is None:
        return Decimal(0)
    rate = entries.number(vat)
    if rate is None or not 0 <= rate <= 100:
        raise Unusable("tariff says no readable tax", plain(vat)[:30])
    return rate


def _bound(entry: Entry, name: str) -> str | None:
    """Net, as all prices of OCPI are."""
    if entry.get(name) is None:
        return None
    net = entries.number(part(entry, name).get("excl_vat"))
    if net is None or net < 0:
        raise Unusable("tariff says no readable bound", name)
    return str(net)


def _words(entry: Entry) -> str:
    told = [text for text in listed(entry.get("tariff_alt_text")) if isinstance(text, dict)]
    english = [text for text in told if plain(text.get("language")).lower().startswith("en")]
    return next((plain(text.get("text")) for text in (*english, *told)), "")[:LONGEST_NAME].strip()
