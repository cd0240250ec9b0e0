"""An app of the network that buys from our operators: what it says goes through the inbox, what it hears is checked."""

import json
from typing import Any
from uuid import uuid4

from apps.beckn import inbox, signing
from apps.beckn.arrivals import Arrival, store
from apps.beckn.models import Message, Side
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import Context, check_outgoing
from apps.bookings.models import Booking
from apps.lib import clock
from tests.charging.doubles import Charger, plug_of
from tests.conformance import assert_conforms

MEERA = {"name": "Meera Kulkarni", "email": "meera@voltpath.example", "phone": "+919810000001"}


class App:
    """One buyer with one transaction, ordering at the plug of `charger`."""

    def __init__(self, charger: Charger, subscriber_id: str = "app.voltpath.example") -> None:
        self.id, self.uri = subscriber_id, f"https://{subscriber_id}/beckn/bap"
        self.charger, self.plug = charger, plug_of(charger)
        self.transaction_id = uuid4()
        self._seen = set(self._told().values_list("pk", flat=True))

    # --- What it says ---------------------------------------------------------------------------------

    def ask(self, action: str, message: dict[str, Any], *, message_id: str = "") -> dict[str, Any]:
        """Send it and return the answer, which must be the only one; {} when none came yet."""
        message_id = message_id or str(uuid4())
        self.say(action, message, message_id=message_id)
        inbox.work()
        answers = self.news(message_id=message_id)
        assert len(answers) <= 1
        return answers[0] if answers else {}

    def say(self, action: str, message: dict[str, Any], *, message_id: str = "") -> Message:
        context = self.context(action, message_id or str(uuid4()))
        body = json.dumps({"context": context, "message": message}).encode()
        arrival = Arrival(
            side=Side.BPP,
            action=action,
            sender_id=self.id,
            gateway_id="",
            transaction_id=self.transaction_id,
            message_id=context["message_id"],
            bap_id=self.id,
            bap_uri=self.uri,
            bpp_id=context["bpp_id"],
            bpp_uri=context["bpp_uri"],
            body=body,
            headers={},
            digest=signing.digest(body),
            received_at=clock.now(),
            expires_at=None,
        )
        store([arrival])
        return Message.objects.filter(direction=Message.Direction.IN).latest("pk")

    def context(self, action: str, message_id: str) -> dict[str, Any]:
        return {
            "domain": "ev-charging:uei",
            "location": {"country": {"code": "IND"}, "city": {"code": "std:080"}},
            "action": action,
            "version": "1.1.0",
            "bap_id": self.id,
            "bap_uri": self.uri,
            "bpp_id": "bpp.localhost",
            "bpp_uri": "http://localhost:8000/beckn/bpp",
            "transaction_id": str(self.transaction_id),
            "message_id": message_id,
            "timestamp": clock.utc_text(clock.now()),
            "ttl": "PT30S",
        }

    # --- What it is told ------------------------------------------------------------------------------

    def _told(self):
        return Message.objects.filter(
            direction=Message.Direction.OUT, side=Side.BPP, bap_id=self.id
        ).order_by("pk")

    def news(self, **only: Any) -> list[dict[str, Any]]:
        """What was told since it last looked; all of it must be what the network allows. So it has arrived."""
        rows = list(self._told().exclude(pk__in=self._seen).filter(**only))
        self._seen.update(row.pk for row in rows)
        arrived = Message.objects.filter(pk__in=[row.pk for row in rows])
        arrived.update(state=Message.State.ACKED, tries=1, next_try_at=None)
        return [self._checked(row) for row in rows]

    def _checked(self, row: Message) -> dict[str, Any]:
        envelope = json.loads(bytes(row.body))
        assert_conforms(row.action, envelope)
        read = wire.read_envelope(bytes(row.body))
        message = wire.read_message(row.action, read)
        check_outgoing(row.action, Context.read(envelope["context"]), message, error=read.error is not None)
        assert row.bap_uri == self.uri
        assert str(row.transaction_id) == str(self.transaction_id)
        return envelope

    def the_news(self) -> dict[str, Any]:
        (told,) = self.news()
        return told

    # --- The order ------------------------------------------------------------------------------------

    def order(self, kwh: Any = "20", unit: str = "kWh", **parts: Any) -> dict[str, Any]:
        measure = {"type": "CONSTANT", "value": kwh, "unit": unit}
        return {
            "order": {
                "provider": {"id": self.plug.evse.station.operator.code},
                "items": [{"id": self.plug.code, "quantity": {"selected": {"measure": measure}}}],
                "fulfillments": [{"id": self.plug.evse.code, "type": "CHARGING"}],
                **parts,
            }
        }

    def payment(self, amount: str, **changes: Any) -> list[dict[str, Any]]:
        paid = {"id": "pay-1", "collected_by": "BAP", "type": "PRE-ORDER", "status": "PAID"}
        return [
            {**paid, "params": {"amount": amount, "currency": "INR", "transaction_id": "sb-77"}, **changes}
        ]

    def select(self, kwh: Any = "20", **parts: Any) -> dict[str, Any]:
        return self.ask("select", self.order(kwh, **parts))

    def init(self, kwh: Any = "20", **parts: Any) -> dict[str, Any]:
        return self.ask("init", self.order(kwh, **{"billing": MEERA, **parts}))

    def confirm(self, kwh: Any = "20", amount: str = "448.40", **parts: Any) -> dict[str, Any]:
        return self.ask(
            "confirm", self.order(kwh, **{"billing": MEERA, "payments": self.payment(amount), **parts})
        )

    def place(self, kwh: Any = "20", amount: str = "448.40") -> Booking:
        self.select(kwh)
        self.init(kwh)
        assert "message" in self.confirm(kwh, amount)
        return self.booking()

    def booking(self) -> Booking:
        return Booking.objects.get(bap_id=self.id, transaction_id=self.transaction_id)

    def update(self, code: str, target: str = "order.fulfillments[0].state", **parts: Any) -> dict[str, Any]:
        state = {"descriptor": {"code": code}}
        order = {
            "id": self.booking().code,
            "fulfillments": [{"id": self.plug.evse.code, "state": state}],
            **parts,
        }
        return self.ask("update", {"update_target": target, "order": order})

    def about(self, action: str, **parts: Any) -> dict[str, Any]:
        return self.ask(action, {"order_id": self.booking().code, **parts})


def state_of(told: dict[str, Any]) -> tuple[str, str]:
    order = told["message"]["order"]
    return order["status"], order["fulfillments"][0]["state"]["descriptor"]["code"]


def telemetry(told: dict[str, Any]) -> dict[str, str]:
    group = told["message"]["order"]["fulfillments"][0]["tags"][0]
    assert group["descriptor"]["code"] == "charging-details"
    return {tag["descriptor"]["code"]: tag["value"] for tag in group["list"]}


def total(told: dict[str, Any]) -> str:
    return told["message"]["order"]["quote"]["price"]["value"]


def lines(told: dict[str, Any]) -> dict[str, str]:
    return {line["title"]: line["price"]["value"] for line in told["message"]["order"]["quote"]["breakup"]}


def code_of(told: dict[str, Any]) -> str:
    assert not told.get("message")
    return told["error"]["code"]
