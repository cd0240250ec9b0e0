"""Reading what came over the wire, tolerantly, and working a bill out again."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT, HALF_A_CENT = Decimal("0.01"), Decimal("0.005")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
TAX = re.compile(r"gst|tax|vat")


def number(value: Any) -> Decimal:
    """'16.00kWh', '18 %', 16, '16' → Decimal."""
    return Decimal(NUMBER.search(str(value)).group())


def code(text: Any) -> str:
    return str(text or "").strip().lower().replace("_", "-").replace(" ", "-")


def label(described: dict[str, Any]) -> str:
    descriptor = described.get("descriptor") or {}
    return code(descriptor.get("code") or descriptor.get("name"))


def tag(tagged: dict[str, Any], wanted: str, group: str = "") -> Any:
    """The first value of tag `wanted` in `tagged`; with `group`, only from groups of that name."""
    for tags in tagged.get("tags") or []:
        for entry in tags.get("list") or []:
            if label(entry) == wanted and group in ("", label(tags)):
                return entry.get("value")
    return None


def connector_fact(item: dict[str, Any], point: dict[str, Any], wanted: str) -> str:
    """Connectors are described on the item; older peers do it on the charging point."""
    place = "connector-specifications"
    return str(tag(item, wanted) or tag(point, wanted, place) or tag(point, wanted) or "")


@dataclass(frozen=True)
class Found:
    """One connector offer of a catalog."""

    provider_id: str
    item_id: str
    fulfillment_id: str
    location_id: str
    station: str
    price: Decimal
    currency: str
    connector_type: str
    availability: str

    @property
    def is_free(self) -> bool:
        return code(self.availability) == "available"

    @property
    def is_fast(self) -> bool:
        """A gun for direct current: energy to speak of flows within seconds."""
        return any(word in self.connector_type.upper() for word in ("COMBO", "CCS", "CHADEMO", "GBT_DC"))


def read_catalog(catalog: dict[str, Any]) -> list[Found]:
    found = []
    for provider in catalog.get("providers") or []:
        stations = {place["id"]: place for place in provider.get("locations") or []}
        points = {point["id"]: point for point in provider.get("fulfillments") or []}
        for item in provider.get("items") or []:
            point_id = (item.get("fulfillment_ids") or [""])[0]
            station_id = (item.get("location_ids") or [""])[0]
            point = points.get(point_id, {})
            station = stations.get(station_id, {})
            found.append(
                Found(
                    provider_id=provider["id"],
                    item_id=item["id"],
                    fulfillment_id=point_id,
                    location_id=station_id,
                    station=(station.get("descriptor") or {}).get("name", ""),
                    price=number(item["price"]["value"]),
                    currency=item["price"]["currency"].partition("/")[0].upper(),
                    connector_type=connector_fact(item, point, "connector-type"),
                    availability=connector_fact(item, point, "availability"),
                )
            )
    return found


def state_of(order: dict[str, Any]) -> str:
    for fulfillment in order.get("fulfillments") or []:
        state = code((fulfillment.get("state") or {}).get("descriptor", {}).get("code"))
        if state:
            return state
    return ""


def delivered_kwh(order: dict[str, Any]) -> Decimal | None:
    for fulfillment in order.get("fulfillments") or []:
        delivered = tag(fulfillment, "energy-delivered")
        if delivered is not None:
            return number(delivered)
    return None


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def lines_of(quote: dict[str, Any]) -> dict[str, Decimal]:
    """Amount by line title, without any line that only repeats the total."""
    lines: dict[str, Decimal] = {}
    for line in quote.get("breakup") or []:
        title = code(line.get("title"))
        if title != "total":
            lines[title] = lines.get(title, Decimal(0)) + number(line["price"]["value"])
    return lines


def tax_and_net(quote: dict[str, Any]) -> tuple[Decimal, Decimal]:
    lines = lines_of(quote)
    tax = sum((value for title, value in lines.items() if TAX.search(title)), start=Decimal(0))
    return tax, sum(lines.values()) - tax


def check_quote(order: dict[str, Any], price: Decimal, kwh: Decimal) -> None:
    lines = lines_of(order["quote"])
    assert lines["energy-cost"] == cents(price * kwh), f"{lines} is not {kwh} kWh at {price}"
    assert sum(lines.values()) == number(order["quote"]["price"]["value"]), f"{lines} do not add up"


def check_same_tax_rate(quoted: dict[str, Any], billed: dict[str, Any]) -> None:
    """The rate itself is not on the wire, but both tax lines must come from one, rounding aside."""
    (quoted_tax, quoted_net), (tax, net) = tax_and_net(quoted), tax_and_net(billed)
    rounding = HALF_A_CENT + HALF_A_CENT * net / quoted_net
    assert abs(tax - net * quoted_tax / quoted_net) <= rounding, f"tax {tax} on {net}, quoted {quoted_tax}"
