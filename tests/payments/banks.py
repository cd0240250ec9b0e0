"""Two payment providers as far as we use them, over HTTP on this machine: their paths, their words, their refusals.

Written after the providers' own documentation, not after our adapters. A test presses the payer's buttons (`pay`,
`decline`), counts what was really moved, and may let the next answers get lost (`lose`) or be faults (`fail`).
"""

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Bank:
    """The HTTP side. Subclasses answer `POST`/`GET` by path; every request is written down."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        self.lose = self.fail = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        bank = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                bank.serve(self)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                """Tests read `Bank.requests`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, call: BaseHTTPRequestHandler) -> None:
        body = call.rfile.read(int(call.headers.get("Content-Length") or 0)).decode()
        url = urlsplit(call.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        with self._lock:
            data = self.parse(body) | query
            self.requests.append((call.command, url.path, data))
            if self.fail:
                self.fail -= 1
                status, answer = 500, {"error": {"code": "SERVER_ERROR", "description": "on fire"}}
            elif not self.knows(call.headers.get("Authorization", "")):
                status, answer = 401, self.refusal("wrong key")
            else:
                status, answer = self.answer(call.command, url.path, data, call.headers)
            lost, self.lose = self.lose > 0, max(0, self.lose - 1)
        if lost:  # done, and nobody hears of it
            call.close_connection = True
            return
        content = json.dumps(answer).encode()
        call.send_response(status)
        call.send_header("Content-Type", "application/json")
        call.send_header("Content-Length", str(len(content)))
        call.end_headers()
        call.wfile.write(content)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):014d}"

    def parse(self, body: str) -> dict[str, Any]:
        raise NotImplementedError

    def knows(self, authorization: str) -> bool:
        raise NotImplementedError

    def refusal(self, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def answer(self, method: str, path: str, data: dict, headers: Any) -> tuple[int, dict[str, Any]]:
        raise NotImplementedError


class StripeBank(Bank):
    key, webhook_secret = "sk_test_emulated", "whsec_emulated"
    can_increment, most = False, 10**9

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self._said: dict[str, tuple[int, dict[str, Any]]] = {}  # by idempotency key

    def pay(self, ref: str) -> None:
        """The payer's card is good; the amount is held."""
        session = self.sessions[ref]
        intent = {
            "id": self.new_id("pi_"),
            "object": "payment_intent",
            "status": "requires_capture",
            "amount": int(session["line_items"]["unit_amount"]),
            "amount_received": 0,
            "currency": session["line_items"]["currency"],
        }
        self.intents[intent["id"]] = intent
        session |= {"status": "complete", "payment_intent": intent["id"], "url": None}

    def forget(self) -> None:
        """A day later."""
        self._said.clear()

    def event(self, ref: str, kind: str = "checkout.session.completed") -> dict[str, Any]:
        return {
            "id": self.new_id("evt_"),
            "object": "event",
            "type": kind,
            "data": {"object": self._shown(ref)},
        }

    def signature(self, body: str, *, secret: str = "", at: int | None = None) -> dict[str, str]:
        at = int(time.time()) if at is None else at
        secret = (secret or self.webhook_secret).encode()
        code = hmac.new(secret, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={at},v1={code}"}

    def parse(self, body: str) -> dict[str, Any]:
        return {name: values[0] for name, values in parse_qs(body).items()}

    def knows(self, authorization: str) -> bool:
        return authorization == f"Bearer {self.key}"

    def refusal(self, text: str) -> dict[str, Any]:
        return {"error": {"type": "invalid_request_error", "message": text}}

    def answer(self, method: str, path: str, data: dict, headers: Any) -> tuple[int, dict[str, Any]]:
        key = headers.get("Idempotency-Key", "") if method == "POST" else ""
        if key and key in self._said:
            return self._said[key]
        said = self._route(method, path.removeprefix("/v1/").split("/"), data)
        if key:
            self._said[key] = said
        return said

    def _route(self, method: str, path: list[str], data: dict) -> tuple[int, dict[str, Any]]:
        match method, path:
            case "POST", ["checkout", "sessions"]:
                return self._open(data)
            case "GET", ["checkout", "sessions", ref] if ref in self.sessions:
                return 200, self._shown(ref)
            case "POST", ["checkout", "sessions", ref, "expire"] if ref in self.sessions:
                if self.sessions[ref]["status"] != "open":
                    return 400, self.refusal("only open sessions expire")
                self.sessions[ref] |= {"status": "expired", "url": None}
                return 200, self._shown(ref)
            case "POST", ["payment_intents", ref, "capture"] if ref in self.intents:
                return self._capture(self.intents[ref], int(data["amount_to_capture"]))
            case "POST", ["payment_intents", ref, "increment_authorization"] if ref in self.intents:
                return self._increment(self.intents[ref], int(data["amount"]))
            case "POST", ["payment_intents", ref, "cancel"] if ref in self.intents:
                if self.intents[ref]["status"] != "requires_capture":
                    return 400, self.refusal("cannot be cancelled")
                self.intents[ref]["status"] = "canceled"
                return 200, self.intents[ref]
            case "POST", ["refunds"]:
                return self._refund(self.intents[data["payment_intent"]], data)
            case "GET", ["refunds"]:
                mine = [one for one in self.refunds if one["payment_intent"] == data["payment_intent"]]
                return 200, {"object": "list", "data": mine, "has_more": False}
        return 404, self.refusal(f"unknown: {method} {'/'.join(path)}")

    def _increment(self, intent: dict, amount: int) -> tuple[int, dict[str, Any]]:
        """The card's network decides; only a higher amount is an increment."""
        if intent["status"] != "requires_capture" or amount <= intent["amount"] or not self.can_increment:
            return 400, self.refusal("this payment intent is not eligible for incremental authorization")
        if amount > self.most:
            declined = {"type": "card_error", "code": "card_declined", "message": "insufficient funds"}
            return 402, {"error": declined}
        intent["amount"] = amount
        return 200, intent

    def _open(self, data: dict) -> tuple[int, dict[str, Any]]:
        assert data["payment_intent_data[capture_method]"] == "manual"
        wanted = "payment_method_options[card][request_incremental_authorization]"
        self.can_increment = data.get(wanted) == "if_available"
        ref = self.new_id("cs_test_")
        self.sessions[ref] = {
            "id": ref,
            "object": "checkout.session",
            "status": "open",
            "url": f"https://checkout.stripe.com/c/pay/{ref}",
            "payment_intent": None,
            "success_url": data["success_url"],
            "line_items": {
                "unit_amount": data["line_items[0][price_data][unit_amount]"],
                "currency": data["line_items[0][price_data][currency]"],
            },
        }
        return 200, self._shown(ref)

    def _shown(self, ref: str) -> dict[str, Any]:
        shown = {name: value for name, value in self.sessions[ref].items() if name != "line_items"}
        return shown | {"payment_intent": self.intents.get(shown["payment_intent"])}

    def _capture(self, intent: dict, amount: int) -> tuple[int, dict[str, Any]]:
        if intent["status"] != "requires_capture" or not 0 < amount <= intent["amount"]:
            return 400, self.refusal("cannot be captured")
        intent |= {"status": "succeeded", "amount_received": amount}
        return 200, intent

    def _refund(self, intent: dict, data: dict) -> tuple[int, dict[str, Any]]:
        amount = int(data["amount"])
        back = sum(refund["amount"] for refund in self.refunds if refund["payment_intent"] == intent["id"])
        if not 0 < amount <= intent["amount_received"] - back:
            return 400, self.refusal("more than was paid")
        made = {"id": self.new_id("re_"), "object": "refund", "status": "succeeded"}
        key = {"key": data["metadata[key]"]}
        self.refunds.append(made | {"payment_intent": intent["id"], "amount": amount, "metadata": key})
        return 200, self.refunds[-1]


class RazorpayBank(Bank):
    key_id, key_secret, webhook_secret = "rzp_test_emulated", "secret_emulated", "hook_emulated"

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []

    def attempt(self, ref: str, status: str = "authorized") -> dict[str, Any]:
        order = self.orders[ref]
        made = {
            "id": self.new_id("pay_"),
            "entity": "payment",
            "order_id": ref,
            "status": status,
            "amount": order["amount"],
            "currency": order["currency"],
            "amount_refunded": 0,
        }
        self.payments[made["id"]] = made
        return made

    def pay(self, ref: str) -> None:
        self.attempt(ref)

    def event(self, ref: str, kind: str = "payment.authorized") -> dict[str, Any]:
        paid = [payment for payment in self.payments.values() if payment["order_id"] == ref]
        return {"entity": "event", "event": kind, "payload": {"payment": {"entity": paid[-1]}}}

    def signature(self, body: str, *, secret: str = "") -> dict[str, str]:
        secret = (secret or self.webhook_secret).encode()
        return {"X-Razorpay-Signature": hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()}

    def parse(self, body: str) -> dict[str, Any]:
        return json.loads(body or "{}")

    def knows(self, authorization: str) -> bool:
        pair = base64.b64encode(f"{self.key_id}:{self.key_secret}".encode()).decode()
        return authorization == f"Basic {pair}"

    def refusal(self, text: str) -> dict[str, Any]:
        return {"error": {"code": "BAD_REQUEST_ERROR", "description": text}}

    def answer(self, method: str, path: str, data: dict, headers: Any) -> tuple[int, dict[str, Any]]:
        match method, path.removeprefix("/v1/").split("/"):
            case "POST", ["orders"]:
                assert data["payment"]["capture"] == "manual"
                ref = self.new_id("order_")
                self.orders[ref] = data | {"id": ref, "entity": "order", "status": "created"}
                return 200, self.orders[ref]
            case "GET", ["orders"]:
                return self._list(o for o in self.orders.values() if o["receipt"] == data["receipt"])
            case "GET", ["orders", ref, "payments"] if ref in self.orders:
                return self._list(p for p in self.payments.values() if p["order_id"] == ref)
            case "POST", ["payments", ref, "capture"] if ref in self.payments:
                return self._capture(self.payments[ref], data["amount"])
            case "POST", ["payments", ref, "refund"] if ref in self.payments:
                return self._refund(self.payments[ref], data)
            case "GET", ["payments", ref, "refunds"] if ref in self.payments:
                return self._list(refund for refund in self.refunds if refund["payment_id"] == ref)
        return 400, self.refusal("The id provided does not exist")

    def _list(self, rows: Any) -> tuple[int, dict[str, Any]]:
        items = list(rows)
        return 200, {"entity": "collection", "count": len(items), "items": items}

    def _capture(self, payment: dict, amount: int) -> tuple[int, dict[str, Any]]:
        if payment["status"] != "authorized":
            return 400, self.refusal("This payment has already been captured")
        if amount != payment["amount"]:
            return 400, self.refusal("Capture amount must be equal to the amount authorized")
        payment["status"] = "captured"
        return 200, payment

    def _refund(self, payment: dict, data: dict) -> tuple[int, dict[str, Any]]:
        if payment["status"] != "captured":
            return 400, self.refusal("The payment status should be captured for action to be taken")
        if not 0 < data["amount"] <= payment["amount"] - payment["amount_refunded"]:
            return 400, self.refusal("The total refund amount is greater than the refund payment amount")
        payment["amount_refunded"] += data["amount"]
        if payment["amount_refunded"] == payment["amount"]:
            payment["status"] = "refunded"
        made = {"id": self.new_id("rfnd_"), "entity": "refund", "status": "processed"}
        self.refunds.append(made | {"payment_id": payment["id"]} | data)
        return 200, self.refunds[-1]
