"""The operator's documents of an order: read from tags of ours (other peers may have none), kept as plain JSON.

{"kind": "invoice" | "credit-note", "number", "issued_at", "amount", "currency", "reverses", "seller_name",
 "seller_tax_id", "reason"}      all text, "" where nothing was said; "taxes": {title of a line: percent};
                                 "lines": [[title, amount]], [] where none were told
"""

from typing import Any

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire

KINDS = ("invoice", "credit-note")
LONGEST = {"seller_name": 200, "reason": 300}
MOST = 40
NAMES = (
    *("number", "issued_at", "amount", "currency", "reverses"),
    *("seller_name", "seller_tax_id", "reason"),
)


def read_documents(order: wire.Order) -> list[dict[str, Any]]:
    """In the order they were told; one without a number, or with an amount that is none, is left out."""
    found = []
    for group in order.tags[:MOST]:
        code = wire.tag_code((group.descriptor and group.descriptor.code) or "")
        if code not in KINDS:
            continue
        said = {name: wire.first_tag([group], name.replace("_", "-")) for name in NAMES}
        document = {"kind": code} | {name: text[: LONGEST.get(name, 40)] for name, text in said.items()}
        document |= {"taxes": _taxes(group), "lines": _lines(group)}
        document["amount"] = _figure(document["amount"])
        if document["number"] and document["amount"] and wire.read_instant(document["issued_at"]):
            found.append(document)
    return found


def _taxes(group: wire.TagGroup) -> dict[str, str]:
    told = wire.all_tags([group])
    pairs = zip(told.get("tax-title", []), told.get("tax-percent", []), strict=False)
    return {title[:120]: figure for title, percent in pairs if (figure := _figure(percent))}


def _lines(group: wire.TagGroup) -> list[list[str]]:
    """All or none: half of them would be another bill. A line may be below zero: it takes something off."""
    told = wire.all_tags([group])
    pairs = list(zip(told.get("line-title", []), told.get("line-amount", []), strict=False))
    lines = [[title[:120], _figure(amount, may_take_off=True)] for title, amount in pairs]
    return lines if len(lines) <= MOST and all(amount for _title, amount in lines) else []


def _figure(text: str, *, may_take_off: bool = False) -> str:
    """Plain decimal text of what was told ('22INR' → '22'); "" where it is none."""
    try:
        number = numbers.read_number(text)
    except numbers.NumberError:
        return ""
    return numbers.plain(number) if number >= 0 or may_take_off else ""
