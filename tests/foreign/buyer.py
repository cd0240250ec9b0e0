"""A foreign driver app (BAP): buys a charge from any operator platform, and checks the bill for itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.foreign.beckn import Letter, Peer, Reply, new_id, post, post_until_answered
from tests.foreign.party import Party, Received
from tests.foreign.reading import (
    CENT,
    Found,
    check_quote,
    check_same_tax_rate,
    delivered_kwh,
    lines_of,
    number,
    read_catalog,
    state_of,
)


class Declined(AssertionError):
    """The other side answered with an error."""

    def __init__(self, action: str, error: dict[str, Any]):
        super().__init__(f"{action}: {error}")
        self.action, self.error = action, error
        self.code = str(error.get("code", ""))


@dataclass
class Deal:
    """One purchase as this app sees it."""

    bpp: Peer
    transaction_id: str
    found: Found
    kwh: Decimal
    order_id: str = ""
    quoted: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)


class ForeignBuyer(Party):
    role = "BAP"
    billing = {"name": "Meera Kulkarni", "email": "meera@sternfahrt.example", "phone": "+919810000001"}

    def __init__(self, subscriber_id: str = "app.sternfahrt.example", **how: Any):
        super().__init__(subscriber_id, **how)
        self.sent: list[Letter] = []
        self.after_ack: Callable[[str], None] = lambda action: None  # a test may strike here

    # --- the post ----------------------------------------------------------------------------------------
    def send(self, letter: Letter, *, patient: bool = True) -> Reply:
        """`patient` posts the same bytes again while the peer is down or has a fault."""
        self.sent.append(letter)
        return post_until_answered(letter) if patient else post(letter)

    def ask(
        self,
        deal: Deal,
        action: str,
        message: dict[str, Any],
        *,
        timeout: float = 20,
        until: Callable[[Received], bool] | None = None,
    ) -> Received:
        """Send a request and take its answer; a NACK or an error raises Declined."""
        letter = self.letter(action, deal.bpp, deal.transaction_id, message)
        reply = self.send(letter)
        if not reply.acked:
            raise Declined(action, reply.error or {"code": f"HTTP {reply.status}"})
        self.after_ack(action)
        return self.answer_to(letter, timeout=timeout, until=until)

    def answer_to(
        self, letter: Letter, *, timeout: float = 20, until: Callable[[Received], bool] | None = None
    ) -> Received:
        meta = letter.action.startswith("get_")
        answer = self.door.wait_for(
            letter.action.removeprefix("get_") if meta else f"on_{letter.action}",
            message_id=letter.message_id,
            predicate=lambda received: bool(received.error) or until is None or until(received),
            timeout=timeout,
        )
        if answer.error:
            raise Declined(answer.action, answer.error)
        return answer

    # --- the verbs ---------------------------------------------------------------------------------------
    def search(
        self,
        bpp: Peer,
        *,
        gps: str = "12.971600,77.594600",
        radius_km: str = "40",
        connector_type: str | None = None,
        transaction_id: str | None = None,
        timeout: float = 20,
    ) -> tuple[str, list[Found]]:
        circle = {"gps": gps, "radius": {"type": "CONSTANT", "value": radius_km, "unit": "km"}}
        fulfillment: dict[str, Any] = {"stops": [{"type": "start", "location": {"circle": circle}}]}
        if connector_type:
            fulfillment["tags"] = [
                {
                    "descriptor": {"name": "Connector Specifications", "code": "connector-specifications"},
                    "list": [{"descriptor": {"code": "connector-type"}, "value": connector_type}],
                }
            ]
        letter = self.letter(
            "search", bpp, transaction_id or new_id(), {"intent": {"fulfillment": fulfillment}}
        )
        reply = self.send(letter)
        if not reply.acked:
            raise Declined("search", reply.error or {"code": f"HTTP {reply.status}"})
        answer = self.answer_to(letter, timeout=timeout)
        return letter.context["transaction_id"], read_catalog(answer.message["catalog"])

    def deal(self, bpp: Peer, transaction_id: str, found: Found, kwh: Decimal = Decimal(5)) -> Deal:
        return Deal(bpp, transaction_id, found, kwh)

    def draft(self, deal: Deal) -> dict[str, Any]:
        measure = {"type": "CONSTANT", "value": str(deal.kwh), "unit": "kWh"}
        return {
            "provider": {"id": deal.found.provider_id},
            "items": [{"id": deal.found.item_id, "quantity": {"selected": {"measure": measure}}}],
            "fulfillments": [{"id": deal.found.fulfillment_id, "type": "CHARGING"}],
        }

    def full_draft(self, deal: Deal) -> dict[str, Any]:
        draft = self.draft(deal)
        draft["billing"] = dict(self.billing)
        draft["fulfillments"][0]["customer"] = {
            "person": {"name": self.billing["name"]},
            "contact": {"phone": self.billing["phone"]},
        }
        return draft

    def select(self, deal: Deal, **how: Any) -> dict[str, Any]:
        deal.quoted = self.ask(deal, "select", {"order": self.draft(deal)}, **how).order
        return deal.quoted

    def init(self, deal: Deal, **how: Any) -> dict[str, Any]:
        deal.terms = self.ask(deal, "init", {"order": self.full_draft(deal)}, **how).order
        return deal.terms

    def confirm(self, deal: Deal, **how: Any) -> dict[str, Any]:
        deal.order = self.ask(deal, "confirm", {"order": self.paid_draft(deal)}, **how).order
        deal.order_id = deal.order["id"]
        return deal.order

    def paid_draft(self, deal: Deal) -> dict[str, Any]:
        """The draft with the operator's payment entry, now paid; proof where the operator collects."""
        asked = (deal.terms.get("payments") or [{}])[0]
        quote = deal.terms.get("quote") or deal.quoted["quote"]
        collected_by = str(asked.get("collected_by") or "BAP").upper()
        payment = {
            "collected_by": collected_by,
            "type": asked.get("type") or "PRE-ORDER",
            "status": "PAID",
            "params": {"amount": quote["price"]["value"], "currency": quote["price"]["currency"]},
        }
        if "id" in asked:
            payment["id"] = asked["id"]
        if collected_by == "BPP":
            payment["params"]["transaction_id"] = f"upi-{new_id()[:8]}"
        return self.full_draft(deal) | {"payments": [payment]}

    def status(self, deal: Deal, **how: Any) -> dict[str, Any]:
        return self.ask(deal, "status", {"order_id": deal.order_id}, **how).order

    def track(self, deal: Deal, **how: Any) -> dict[str, Any]:
        return self.ask(deal, "track", {"order_id": deal.order_id}, **how).message["tracking"]

    def state_update(self, deal: Deal, state: str) -> dict[str, Any]:
        fulfillment = {
            "id": deal.found.fulfillment_id,
            "type": "CHARGING",
            "state": {"descriptor": {"code": state}},
        }
        order = {"id": deal.order_id, "fulfillments": [fulfillment]}
        return {"update_target": "order.fulfillments[0].state", "order": order}

    def start(self, deal: Deal, *, timeout: float = 120) -> dict[str, Any]:
        """Returns when energy really flows, not when the charger was asked."""
        message = self.state_update(deal, "start-charging")
        return self.ask(
            deal, "update", message, timeout=timeout, until=lambda r: state_of(r.order) == "charging-started"
        ).order

    def end(self, deal: Deal, *, timeout: float = 60) -> dict[str, Any]:
        """Returns the final bill. When the charge ended by itself a moment earlier, that bill is it."""
        letter = self.letter("update", deal.bpp, deal.transaction_id, self.state_update(deal, "end-charging"))
        self.send(letter)
        self.after_ack("end")
        return self.final_bill(deal, timeout=timeout)

    def final_bill(self, deal: Deal, *, timeout: float = 120) -> dict[str, Any]:
        deal.final = self.door.wait_for(
            "on_update",
            transaction_id=deal.transaction_id,
            predicate=lambda received: received.order.get("status") == "COMPLETE",
            timeout=timeout,
        ).order
        return deal.final

    def cancel(self, deal: Deal, reason_id: str = "2", **how: Any) -> dict[str, Any]:
        message = {
            "order_id": deal.order_id,
            "cancellation_reason_id": reason_id,
            "descriptor": {"code": "CONFIRM_CANCEL", "short_desc": "Plans changed"},
        }
        return self.ask(deal, "cancel", message, **how).order

    def cancellation_reasons(self, deal: Deal, **how: Any) -> list[dict[str, Any]]:
        return self.ask(deal, "get_cancellation_reasons", {}, **how).message["cancellation_reasons"]

    def rating(self, deal: Deal, stars: str = "4", **how: Any) -> dict[str, Any]:
        rating = {"id": deal.order_id, "rating_category": "Order", "value": stars}
        return self.ask(deal, "rating", {"ratings": [rating]}, **how).message

    def support(self, deal: Deal, **how: Any) -> dict[str, Any]:
        message = {"support": {"ref_id": deal.order_id, "callback_phone": self.billing["phone"]}}
        return self.ask(deal, "support", message, **how).message["support"]

    def refund(self, deal: Deal, amount: Decimal, **how: Any) -> dict[str, Any]:
        payment = (deal.final.get("payments") or deal.order["payments"])[0]
        message = {
            "order_id": deal.order_id,
            "refund_reason_id": "R03",
            "descriptor": {"code": "SERVICE_ISSUE", "short_desc": "Power dropped twice"},
            "refund": {
                "payment_id": payment["id"],
                "amount": {"value": str(amount), "currency": payment["params"]["currency"]},
            },
        }
        return self.ask(deal, "refund", message, **how).order

    # --- the whole journey -------------------------------------------------------------------------------
    def buy(
        self,
        bpp: Peer,
        *,
        kwh: Decimal = Decimal(5),
        stop_after_kwh: Decimal = Decimal("0.05"),
        wanted: Callable[[Found], bool] = lambda found: True,
    ) -> Deal:
        """Search, take the first free connector that is `wanted`, charge a little, stop, check the bill."""
        transaction_id, offers = self.search(bpp)
        free = [found for found in offers if found.is_free and wanted(found)]
        if not free:
            raise AssertionError(f"none of {len(offers)} offers is free and wanted")
        deal = self.deal(bpp, transaction_id, free[0], kwh)
        self.select(deal)
        self.init(deal)
        self.confirm(deal)
        self.start(deal)
        self.wait_for_energy(deal, stop_after_kwh)
        self.end(deal)
        check_bill(deal)
        return deal

    def wait_for_energy(self, deal: Deal, kwh: Decimal, *, timeout: float = 120) -> Received:
        return self.door.wait_for(
            "on_status",
            transaction_id=deal.transaction_id,
            predicate=lambda received: (delivered_kwh(received.order) or Decimal(0)) >= kwh,
            timeout=timeout,
        )


def check_bill(deal: Deal) -> Decimal:
    """The final bill, worked out again from the quoted price and the delivered energy. Returns the total."""
    bill = deal.final
    price = number(deal.quoted["items"][0]["price"]["value"])
    check_quote(deal.quoted, price, deal.kwh)
    allocated = (bill["items"][0].get("quantity") or {}).get("allocated")
    delivered = number(allocated["measure"]["value"]) if allocated else delivered_kwh(bill)
    assert delivered is not None, "the bill does not say how much energy was delivered"
    told = delivered_kwh(bill)
    assert told is None or abs(told - delivered) < CENT, f"{told} kWh told, {delivered} kWh billed"
    check_quote(bill, price, delivered)
    quoted, billed = lines_of(deal.quoted["quote"]), lines_of(bill["quote"])
    assert billed.keys() <= quoted.keys() | {"idle-fee", "refund", "discount"}, f"new lines: {billed}"
    check_same_tax_rate(deal.quoted["quote"], bill["quote"])
    return number(bill["quote"]["price"]["value"])
