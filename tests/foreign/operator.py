"""A foreign operator platform (BPP): sells charges to any driver app, with good manners or bad ones.

`mischief` names, per verb, how to misbehave: a request ("select") gets an `Answering`, a callback
("on_select") a `Sending`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from tests.foreign import shop
from tests.foreign.agenda import Agenda
from tests.foreign.beckn import Letter, Peer, Reply, new_id, now_text, post
from tests.foreign.party import HANG, SILENCE, Party, Received, nack
from tests.foreign.reading import number

RETRY_SECONDS = 0.25
RETRIES = 240  # a minute: a peer that was killed comes back


@dataclass(frozen=True)
class Answering:
    """How the same connection is answered. `times`: so many bad answers before good ones (None: always)."""

    how: str = "ack"  # ack, nack, unauthorised, error500, silence, hang
    times: int | None = None

    REPLIES = {
        "nack": nack(400, "30000", "we do not like it"),
        "unauthorised": nack(401, "30000", "we do not know you"),
        "error500": Reply(500, None),
        "silence": SILENCE,
        "hang": HANG,
    }


@dataclass(frozen=True)
class Sending:
    """How a callback goes out. `after` keeps it back until a callback of that name was delivered."""

    delay_seconds: float = 0
    copies: int = 1
    drop: bool = False
    after: str = ""
    error: dict[str, Any] | None = None


class ForeignOperator(Party):
    role = "BPP"

    def __init__(
        self,
        subscriber_id: str = "grid.nordstrom.example",
        *,
        odd: bool = True,
        mischief: dict[str, Answering | Sending] | None = None,
        arithmetic: shop.Arithmetic = shop.right,
        quote_arithmetic: shop.Arithmetic = shop.right,
        tick_seconds: float = 0.1,
        kwh_per_tick: Decimal = Decimal("0.5"),
        **how: Any,
    ):
        self.voice = shop.Voice(odd)
        self.mischief = dict(mischief or {})
        self.arithmetic, self.quote_arithmetic = arithmetic, quote_arithmetic
        self.tick_seconds, self.kwh_per_tick = tick_seconds, kwh_per_tick
        self.tells_figures = True  # unasked, by on_status
        self.shows_figures = False  # to machines that ask at tracking.url
        self.orders: dict[str, shop.Order] = {}  # by transaction
        self.sent: list[tuple[Letter, Reply | None]] = []
        self.answered: dict[str, int] = {}  # requests per action that came, repeats included
        self._seen: set[tuple[str, str, bytes]] = set()
        self._kept_back: list[tuple[str, Letter]] = []
        self._guard = threading.RLock()
        self.agenda = Agenda()
        super().__init__(subscriber_id, **how)

    def close(self) -> None:
        self.agenda.close()
        super().close()

    def look(self, path: str) -> Reply:
        """The tracking page, for machines: OCPI's names, and numbers where OCPI has numbers."""
        order = next((one for one in self.orders.values() if path == f"/beckn/live/{one.id}"), None)
        if order is None or not self.shows_figures:
            return Reply(406 if order else 404, None)
        status = "ACTIVE" if order.charging else "COMPLETED"
        cost = order.quote(order.delivered)["price"]["value"]
        told = {
            "kwh": float(order.delivered),
            "status": status,
            "currency": "INR",
            "last_updated": now_text(),
        }
        return Reply(200, told | {"total_cost": {"incl_vat": float(cost)}})

    # --- receiving ---------------------------------------------------------------------------------------
    def take(self, received: Received) -> Reply:
        with self._guard:
            came = self.answered[received.action] = self.answered.get(received.action, 0) + 1
            manner = self.mischief.get(received.action)
            if (
                isinstance(manner, Answering)
                and manner.how != "ack"
                and (manner.times is None or came <= manner.times)
            ):
                return Answering.REPLIES[manner.how]
            work = VERBS.get(received.action)
            if work is None:
                return nack(404, "40001", f"no such verb: {received.action}")
            key = (received.action, received.context["message_id"], received.body)
            if key not in self._seen:
                self._seen.add(key)
                self.agenda.add(lambda: work(self, received))
        return self._ack(received)

    def _ack(self, received: Received) -> Reply:
        """202 and an echoed context are what one widespread implementation answers."""
        payload: dict[str, Any] = {"message": {"ack": {"status": "ACK"}}}
        return Reply(202, payload | {"context": received.context}) if self.voice.odd else Reply(200, payload)

    # --- sending -----------------------------------------------------------------------------------------
    def _peer(self, context: dict[str, Any]) -> Peer:
        """Callbacks go where the introduction said, never where a message says."""
        return self.peers[context["bap_id"]]

    def answer(self, received: Received, message: dict | None = None, error: dict | None = None) -> None:
        """The callback to `received`, with its message id."""
        meta = received.action.startswith("get_")
        action = received.action.removeprefix("get_") if meta else f"on_{received.action}"
        context = received.context
        self.dispatch(
            action, self._peer(context), context["transaction_id"], context["message_id"], message, error
        )

    def tell(self, action: str, order: shop.Order, message: dict[str, Any]) -> None:
        """An unsolicited callback, with a message id of its own."""
        self.dispatch(action, self.peers[order.bap_id], order.transaction_id, new_id(), message)

    def dispatch(
        self,
        action: str,
        peer: Peer,
        transaction_id: str,
        message_id: str,
        message: dict | None = None,
        error: dict | None = None,
    ) -> None:
        manner = self.mischief.get(action, Sending())
        if manner.error is not None:
            message, error = None, manner.error
        letter = self.letter(action, peer, transaction_id, message, message_id=message_id, error=error)
        if manner.drop:
            return
        if manner.after:
            self._kept_back.append((manner.after, letter))
            return
        for _ in range(manner.copies):
            self.agenda.add(lambda: self._post(letter), in_seconds=manner.delay_seconds)

    def _post(self, letter: Letter, tries: int = RETRIES) -> None:
        """The same bytes again while the peer is away; a new header when the old one has run out."""
        try:
            reply = post(letter, timeout=5)
        except requests.RequestException:
            reply = None
        self.sent.append((letter, reply))
        if (reply is None or reply.status in (408, 429) or reply.status >= 500) and tries:
            fresh = letter.signed_by(self.keys)
            self.agenda.add(lambda: self._post(fresh, tries - 1), in_seconds=RETRY_SECONDS)
            return
        ready = [kept for kept in self._kept_back if kept[0] == letter.action]
        self._kept_back = [kept for kept in self._kept_back if kept[0] != letter.action]
        for _, kept in ready:
            self.agenda.add(lambda kept=kept: self._post(kept))

    def delivered(self, action: str) -> list[Letter]:
        """What the peer acknowledged."""
        return [letter for letter, reply in self.sent if letter.action == action and reply and reply.acked]

    def send_again(self, letter: Letter) -> None:
        self.agenda.add(lambda: self._post(letter))

    def wait_until(self, what: Callable[[], bool], *, timeout: float = 30) -> None:
        """For facts that leave no message at our door (a callback acknowledged, an order counted)."""
        deadline = time.monotonic() + timeout
        while not what():
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come true in {timeout} s; faults: {self.agenda.faults}")
            time.sleep(0.02)

    # --- the verbs ---------------------------------------------------------------------------------------
    def search(self, received: Received) -> None:
        self.answer(received, {"catalog": self.voice.catalog()})

    def _priced(self, received: Received) -> shop.Order | None:
        """The order that this select, init or confirm speaks of, from its own content."""
        asked = received.order
        transaction_id = received.context["transaction_id"]
        item = (asked.get("items") or [{}])[0]
        plug = shop.PLUGS.get(item.get("id"))
        if plug is None:
            self.answer(received, error={"code": "30004", "message": "no such connector", "paths": ""})
            return None
        measure = item["quantity"]["selected"]["measure"]
        if str(measure.get("unit")).lower() != "kwh":
            self.answer(received, error={"code": "40002", "message": "we sell kWh", "paths": ""})
            return None
        order = self.orders.get(transaction_id)
        if order is None:
            order = shop.Order(
                transaction_id,
                received.context["bap_id"],
                plug,
                number(measure["value"]),
                self.voice,
                self.quote_arithmetic,
            )
            self.orders[transaction_id] = order
        elif not order.id:
            order.plug, order.kwh = plug, number(measure["value"])
        return order

    def select(self, received: Received) -> None:
        if order := self._priced(received):
            self.answer(received, {"order": order.said()})

    def init(self, received: Received) -> None:
        if order := self._priced(received):
            order.billing = received.order.get("billing") or {}
            order.customer = (received.order.get("fulfillments") or [{}])[0].get("customer") or {}
            said = order.said() | order.terms() | {"payments": [order.payment()]}
            self.answer(received, {"order": said})

    def confirm(self, received: Received) -> None:
        order = self._priced(received)
        if order is None:
            return
        order.confirms += 1
        if not order.id:
            paid = (received.order.get("payments") or [{}])[0]
            if str(paid.get("status")).upper() != "PAID":
                refusal = {"code": "40004", "message": "we want it paid first", "paths": ""}
                self.answer(received, error=refusal)
                return
            order.id = f"NL-{new_id()[:8]}"
            order.status, order.state = "ACTIVE", "payment-completed"
            order.created_at = now_text()
            order.payments = [order.payment() | {"status": "PAID"}]
        self.answer(received, {"order": order.said() | order.terms()})

    def _known(self, received: Received, order_id: Any) -> shop.Order | None:
        for order in self.orders.values():
            if order.id and order.id == order_id and order.bap_id == received.sender_id:
                return order
        self.answer(
            received, error={"code": "30010", "message": "no such order", "paths": "message.order_id"}
        )
        return None

    def status(self, received: Received) -> None:
        if order := self._known(received, received.message.get("order_id")):
            self.answer(received, {"order": order.said(final=order.status == "COMPLETE")})

    def track(self, received: Received) -> None:
        if order := self._known(received, received.message.get("order_id")):
            status = "active" if order.charging else "inactive"
            tracking = {
                "id": f"trk-{order.id}",
                "url": f"{self.door.uri}/live/{order.id}",
                "status": status.upper() if self.voice.odd else status,
            }
            self.answer(received, {"tracking": tracking})

    def update(self, received: Received) -> None:
        order = self._known(received, received.order.get("id"))
        if order is None:
            return
        if received.message.get("update_target") == "order.payments":
            return self._refund_by_update(received, order)
        fulfillment = (received.order.get("fulfillments") or [{}])[0]
        wanted = ((fulfillment.get("state") or {}).get("descriptor") or {}).get("code")
        if wanted == "start-charging" and not order.started_at:
            self._start(order)
            self.answer(received, {"order": order.said()})
        elif wanted == "end-charging" and order.charging:
            self._end(order)
            self.answer(received, {"order": order.said(final=True)})
        else:
            error = {"code": "40001", "message": f"{wanted} does not fit now", "paths": "message.order"}
            self.answer(received, error=error)

    def cancel(self, received: Received) -> None:
        order = self._known(received, received.message.get("order_id"))
        if order is None:
            return
        if order.started_at:
            error = {"code": "50001", "message": "it charges already; stop it instead", "paths": ""}
            self.answer(received, error=error)
            return
        order.status, order.state = "CANCELLED", "order-cancelled"
        reason = {"id": str(received.message.get("cancellation_reason_id"))}
        cancellation = {"time": now_text(), "cancelled_by": "CONSUMER", "reason": reason}
        nothing = {"price": self.voice.money(Decimal(0)), "breakup": []}
        self.answer(received, {"order": order.said(quote=nothing) | {"cancellation": cancellation}})

    def reasons(self, received: Received) -> None:
        reason = {"id": "2", "descriptor": {"code": "USER_CANCELLED", "name": "Plans changed"}}
        self.answer(received, {"cancellation_reasons": [reason]})

    def categories(self, received: Received) -> None:
        self.answer(received, {"rating_categories": ["Order", "Fulfillment", "Provider"]})

    def rating(self, received: Received) -> None:
        self.answer(received, {})

    def support(self, received: Received) -> None:
        ref_id = received.message["support"]["ref_id"]
        desk = {"phone": "1800 1080", "email": "help@grid.nordstrom.example"}
        url = f"https://grid.nordstrom.example/help/{ref_id}"
        self.answer(received, {"support": {"ref_id": ref_id, "url": url} | desk})

    def refund(self, received: Received) -> None:
        order = self._known(received, received.message.get("order_id"))
        if order is None:
            return
        amount = number(received.message["refund"]["amount"]["value"])
        self._give_back(received, order, amount, "APPROVED")

    def _refund_by_update(self, received: Received, order: shop.Order) -> None:
        """The other way to ask; and how a buyer says that the money is back."""
        (row,) = received.order["payments"]
        status = "REFUNDED" if row["status"] == "PAID" else "APPROVED"
        self._give_back(received, order, number(row["params"]["amount"]), status)

    def _give_back(self, received: Received, order: shop.Order, amount: Decimal, status: str) -> None:
        entry = {
            "id": "rfd-1",
            "type": "POST-FULFILLMENT",
            "status": "PAID" if status == "REFUNDED" else "NOT-PAID",
            "collected_by": "BAP",
            "params": {"amount": str(amount), "currency": "INR"},
            "tags": [
                self.voice.group(
                    "Refund",
                    refund_type="SERVICE_ISSUE_REFUND",
                    refund_amount=str(amount),
                    refund_status=status,
                    refund_of="pay-1",
                )
            ],
        }
        self.answer(received, {"order": order.said(final=True) | {"payments": [*order.payments, entry]}})

    # --- the charge --------------------------------------------------------------------------------------
    def _start(self, order: shop.Order) -> None:
        order.starts += 1
        order.charging, order.started_at, order.state = True, now_text(), "charging-started"
        order.arithmetic = self.arithmetic
        self.agenda.add(lambda: self._tick(order), in_seconds=self.tick_seconds)

    def _tick(self, order: shop.Order) -> None:
        if not order.charging:
            return
        order.delivered = min(order.delivered + self.kwh_per_tick, order.kwh)
        if order.delivered >= order.kwh:
            self._end(order)
            self.tell("on_update", order, {"order": order.said(final=True)})
            return
        if self.tells_figures:
            self.tell("on_status", order, {"order": order.said()})
        self.agenda.add(lambda: self._tick(order), in_seconds=self.tick_seconds)

    def _end(self, order: shop.Order) -> None:
        order.ends += 1
        order.charging, order.stopped_at = False, now_text()
        order.status, order.state = "COMPLETE", "charging-ended"

    def cancel_by_operator(self, transaction_id: str) -> None:
        """Unsolicited: the charger broke."""
        order = self.orders[transaction_id]
        order.status, order.state = "CANCELLED", "order-cancelled"
        reason = {"id": "11", "descriptor": {"code": "HARDWARE_FAILURE"}}
        cancellation = {"time": now_text(), "cancelled_by": "PROVIDER", "reason": reason}
        nothing = {"price": self.voice.money(Decimal(0)), "breakup": []}
        self.tell("on_cancel", order, {"order": order.said(quote=nothing) | {"cancellation": cancellation}})

    def behave(self, **mischief: Answering | Sending) -> None:
        """Add bad manners during a test; `Sending()` and `Answering()` are good ones again."""
        self.mischief |= mischief


VERBS: dict[str, Callable[[ForeignOperator, Received], None]] = {
    "search": ForeignOperator.search,
    "select": ForeignOperator.select,
    "init": ForeignOperator.init,
    "confirm": ForeignOperator.confirm,
    "status": ForeignOperator.status,
    "track": ForeignOperator.track,
    "update": ForeignOperator.update,
    "cancel": ForeignOperator.cancel,
    "get_cancellation_reasons": ForeignOperator.reasons,
    "get_rating_categories": ForeignOperator.categories,
    "rating": ForeignOperator.rating,
    "support": ForeignOperator.support,
    "refund": ForeignOperator.refund,
}
