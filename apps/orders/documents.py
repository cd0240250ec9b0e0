"""The operator's documents of an order: read from tags of ours (other peers may have none), kept as plain JSON.

{"kind": "invoice" | "credit-note", "number", "issued_at", "amount", "currency", "reverses", "seller_name",
 "seller_tax_id", "reason"}      all text, "" where nothing was said; and "taxes": {title of a bill line: percent}
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
        document["taxes"] = _taxes(group)
        if document["number"] and _is_money(document["amount"]) and wire.read_instant(document["issued_at"]):
            found.append(document)
    return found


def _taxes(group: wire.TagGroup) -> dict[str, str]:
    told = wire.all_tags([group])
    pairs = zip(told.get("tax-title", []), told.get("tax-percent", []), strict=False)
    return {title[:120]: percent[:20] for title, percent in pairs if _is_money(percent)}


def _is_money(text: str) -> bool:
    try:
        return numbers.read_number(text) >= 0
    except numbers.NumberError:
        return False
