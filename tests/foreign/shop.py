"""What a foreign operator sells and how it says so: catalog, prices, orders, the course of a charge.

`odd=True` writes the shapes that real peers send: numbers as numbers, connector facts on fulfillments, other
spellings, extra fields. `odd=False` is what the closed specification allows.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.foreign.beckn import now_text

CENT = Decimal("0.01")
GST_PERCENT = Decimal(18)
SERVICE_CHARGE = Decimal("5.00")
PROVIDER_ID = "nordstrom-laden"


@dataclass(frozen=True)
class Plug:
    item_id: str
    point_id: str
    station_id: str
    label: str
    connector_type: str
    oddly: str  # how this operator spells the connector type when it is odd
    current: str
    power_kw: int
    price: Decimal
    availability: str


STATIONS = {
    "ul": ("Ulsoor Lake Dock", "12.981900,77.619000", "14 Kensington Road"),
    "hb": ("Hebbal Flyover Dock", "13.035800,77.597000", "2 Bellary Road"),
}
CCS, TYPE_2 = "IEC_62196_T2_COMBO", "IEC_62196_T2"
PLUGS = {
    plug.item_id: plug
    for plug in (
        Plug("ul-1-a", "ul-1", "ul", "DC gun", CCS, "CCS2", "DC", 60, Decimal("21.50"), "Available"),
        Plug("ul-2-a", "ul-2", "ul", "Socket", TYPE_2, "Type 2", "AC", 22, Decimal("14.25"), "Available"),
        Plug("hb-1-a", "hb-1", "hb", "DC gun", CCS, "ccs2", "DC", 120, Decimal("24.00"), "Charging"),
    )
}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


# --- Arithmetic: right, and three ways of being wrong -----------------------------------------------------
def right(price: Decimal, kwh: Decimal) -> tuple[dict[str, Decimal], Decimal]:
    lines = {"energy-cost": cents(price * kwh), "service-charge": SERVICE_CHARGE}
    lines["gst"] = cents(sum(lines.values()) * GST_PERCENT / 100)
    return lines, sum(lines.values())


def lines_do_not_add_up(price: Decimal, kwh: Decimal) -> tuple[dict[str, Decimal], Decimal]:
    lines, total = right(price, kwh)
    return lines, total + Decimal("3.10")


def dearer_than_quoted(price: Decimal, kwh: Decimal) -> tuple[dict[str, Decimal], Decimal]:
    return right(price * 2, kwh)


def taxed_twice(price: Decimal, kwh: Decimal) -> tuple[dict[str, Decimal], Decimal]:
    lines, total = right(price, kwh)
    return lines | {"gst": lines["gst"] * 2}, total + lines["gst"]


Arithmetic = Callable[[Decimal, Decimal], tuple[dict[str, Decimal], Decimal]]


# --- Saying numbers and tags -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Voice:
    """How this operator writes."""

    odd: bool = True

    def number(self, value: Decimal) -> str | int | float:
        if not self.odd:
            return f"{value:f}"
        return int(value) if value == value.to_integral_value() else float(value)  # JSON has no Decimal

    def money(self, value: Decimal, currency: str = "INR") -> dict[str, Any]:
        return {"value": self.number(cents(value)), "currency": currency}

    def kwh(self, value: Decimal) -> dict[str, Any]:
        unit = "KWH" if self.odd else "kWh"
        measure = {"type": "CONSTANT", "value": self.number(value), "unit": unit}
        return {"measure": measure}

    def group(self, name: str, **tags: Any) -> dict[str, Any]:
        entries = [
            {"descriptor": {"code": key.replace("_", "-")}, "value": value} for key, value in tags.items()
        ]
        descriptor = {"name": name} if self.odd else {"name": name, "code": name.lower().replace(" ", "-")}
        return {"descriptor": descriptor, "list": entries}

    def state(self, code: str) -> dict[str, Any]:
        spelled = code.replace("charging-", "charging ") if self.odd else code
        return {"descriptor": {"code": spelled}, "updated_at": now_text()}

    def extra(self, **fields: Any) -> dict[str, Any]:
        return fields if self.odd else {}

    # --- the catalog -------------------------------------------------------------------------------------
    def catalog(self, plugs: dict[str, Plug] | None = None) -> dict[str, Any]:
        plugs = PLUGS if plugs is None else plugs
        provider = {
            "id": PROVIDER_ID,
            "descriptor": {"name": "Nordstrom Laden"},
            "locations": [self.station(station_id) for station_id in STATIONS],
            "fulfillments": [self.point(plug) for plug in plugs.values()],
            "items": [self.item(plug) for plug in plugs.values()],
        } | self.extra(x_settlement={"cycle": "weekly"})
        return {"descriptor": {"name": "Nordstrom Laden network"}, "providers": [provider]}

    def station(self, station_id: str) -> dict[str, Any]:
        name, gps, address = STATIONS[station_id]
        return {
            "id": station_id,
            "gps": gps.replace(",", ", ") if self.odd else gps,
            "descriptor": {"name": name},
            "address": address,
            "city": {"name": "Bengaluru", "code": "std:080"},
            "area_code": "560042",
        }

    def connector_facts(self, plug: Plug) -> dict[str, Any]:
        return self.group(
            "Connector Specifications",
            connector_id="1",
            charger_type=plug.current,
            connector_type=plug.oddly if self.odd else plug.connector_type,
            power_rating=f"{plug.power_kw} kW" if self.odd else f"{plug.power_kw}kW",
            availability=plug.availability.upper() if self.odd else plug.availability,
        )

    def point(self, plug: Plug) -> dict[str, Any]:
        facts = self.group("Charging Point Specifications", charger_id=plug.point_id, availability="Online")
        tags = [facts, self.connector_facts(plug)] if self.odd else [facts]
        return {"id": plug.point_id, "type": "CHARGING", "tags": tags}

    def item(self, plug: Plug) -> dict[str, Any]:
        currency = "inr/kWH" if self.odd else "INR/kWH"
        item = {
            "id": plug.item_id,
            "descriptor": {"code": "energy", "name": plug.label},
            "price": self.money(plug.price, currency),
            "location_ids": [plug.station_id],
            "fulfillment_ids": [plug.point_id],
        }
        return item if self.odd else item | {"tags": [self.connector_facts(plug)]}


@dataclass
class Order:
    """The operator's side of one deal."""

    transaction_id: str
    bap_id: str
    plug: Plug
    kwh: Decimal
    voice: Voice
    arithmetic: Arithmetic = right
    id: str = ""
    status: str = ""
    state: str = "order-initiated"
    billing: dict[str, Any] = field(default_factory=dict)
    customer: dict[str, Any] = field(default_factory=dict)
    payments: list[dict[str, Any]] = field(default_factory=list)
    delivered: Decimal = Decimal(0)
    meter_start_wh: int = 182_004
    started_at: str = ""
    stopped_at: str = ""
    created_at: str = ""
    confirms: int = 0
    starts: int = 0
    ends: int = 0
    charging: bool = False

    @property
    def quoted_total(self) -> Decimal:
        return right(self.plug.price, self.kwh)[1]

    def quote(self, kwh: Decimal, *, ttl: str | None = "PT15M") -> dict[str, Any]:
        lines, total = self.arithmetic(self.plug.price, kwh)
        breakup = [{"title": title, "price": self.voice.money(value)} for title, value in lines.items()]
        breakup[0]["item"] = {"id": self.plug.item_id, "quantity": {"selected": self.voice.kwh(kwh)}}
        if self.voice.odd:
            breakup.append({"title": "total", "price": self.voice.money(total)})
        quote = {"price": self.voice.money(total), "breakup": breakup}
        return quote | ({"id": str(uuid.uuid4()), "ttl": ttl} if ttl else {})

    def payment(self) -> dict[str, Any]:
        voice = self.voice
        amount = {"amount": str(self.quoted_total), "currency": "INR"}
        return {
            "id": "pay-1",
            "collected_by": "bap" if voice.odd else "BAP",
            "type": "PRE-ORDER",
            "status": "NOT-PAID",
            "params": amount,
        }

    def terms(self) -> dict[str, Any]:
        fee = {"percentage": "0%" if self.voice.odd else "0"}
        started = {"descriptor": {"code": "charging-started"}}
        return {
            "cancellation_terms": [
                {"fulfillment_state": {"descriptor": {"code": "payment-completed"}}, "cancellation_fee": fee},
                {"fulfillment_state": started, "cancellation_fee": {"percentage": "100"}},
            ],
            "refund_terms": [
                {
                    "fulfillment_state": {"code": "payment-completed"},
                    "refund_eligible": True,
                    "refund_within": {"duration": "P5D"},
                }
            ],
        }

    def details(self) -> dict[str, Any]:
        delivered = f"{self.delivered:f}" if self.voice.odd else f"{self.delivered:f}kWh"
        power = "0kW" if not self.charging else f"{self.plug.power_kw}kW"
        tags = {
            "energy_delivered": delivered,
            "soc": "58%",
            "power": power,
            "start_time": self.started_at,
            "meter_start": str(self.meter_start_wh),
        }
        if self.stopped_at:
            tags |= {
                "stop_time": self.stopped_at,
                "meter_stop": str(self.meter_start_wh + int(self.delivered * 1000)),
            }
        return self.voice.group("Charging Details", **tags)

    def said(self, *, final: bool = False, quote: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole order as it stands."""
        quantity = {"selected": self.voice.kwh(self.kwh)}
        if final:
            quantity["allocated"] = self.voice.kwh(self.delivered)
        item = self.voice.item(self.plug)
        fulfillment: dict[str, Any] = {"id": self.plug.point_id, "type": "CHARGING"}
        fulfillment["state"] = self.voice.state(self.state)
        if self.started_at:
            fulfillment["tags"] = [self.details()]
        if self.customer:
            fulfillment["customer"] = self.customer
        order: dict[str, Any] = {
            "provider": {"id": PROVIDER_ID, "descriptor": {"name": "Nordstrom Laden"}},
            "items": [{key: item[key] for key in ("id", "descriptor", "price")} | {"quantity": quantity}],
            "fulfillments": [fulfillment],
            "quote": quote or self.quote(self.delivered if final or self.charging else self.kwh),
        }
        filled = {"id": self.id, "status": self.status, "billing": self.billing, "payments": self.payments}
        order |= {key: value for key, value in filled.items() if value}
        if self.created_at:
            order |= {"created_at": self.created_at, "updated_at": now_text()}
        return order | self.voice.extra(x_trace="north-7")
