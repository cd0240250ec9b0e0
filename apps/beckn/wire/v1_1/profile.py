"""Profile P1: what core leaves open and we always send (fact sheet 4). The carrier asks before it stores.

A path names fields from the message down; `[]` means: at least one, and in every one.
"""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1.base import Model, WireError
from apps.beckn.wire.v1_1.context import VERSION, Context
from apps.beckn.wire.v1_1.messages import CALLBACKS, MESSAGES
from apps.beckn.wire.v1_1.order import Order, Quotation

CONTEXT = (
    "domain",
    "location.country.code",
    "location.city.code",
    "action",
    "version",
    "bap_id",
    "bap_uri",
    "transaction_id",
    "message_id",
    "timestamp",
    "ttl",
)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?)")

_CHOICE = ("order.provider.id", "order.items[].id", "order.fulfillments[].id")
_AMOUNT = ("order.items[].quantity.selected.measure.value", "order.items[].quantity.selected.measure.unit")
_PEOPLE = (
    "order.billing.name",
    "order.billing.phone",
    "order.fulfillments[].customer.person.name",
    "order.fulfillments[].customer.contact.phone",
)
_QUOTE = (
    "order.quote.price.value",
    "order.quote.price.currency",
    "order.quote.breakup[].title",
    "order.quote.breakup[].price.value",
)
_PAYMENTS = (
    "order.payments[].id",
    "order.payments[].type",
    "order.payments[].status",
    "order.payments[].collected_by",
    "order.payments[].params.amount",
    "order.payments[].params.currency",
)
_STATE = ("order.id", "order.status", "order.fulfillments[].state.descriptor.code")

REQUIRED: dict[str, tuple[str, ...]] = {
    "search": (),
    "on_search": ("catalog.descriptor.name",),
    "select": (*_CHOICE, *_AMOUNT),
    "on_select": (*_CHOICE, *_AMOUNT, *_QUOTE, "order.items[].price.value", "order.quote.ttl"),
    "init": (*_CHOICE, *_AMOUNT, *_PEOPLE),
    "on_init": (
        *_CHOICE,
        *_AMOUNT,
        *_PEOPLE,
        *_QUOTE,
        *_PAYMENTS,
        "order.quote.ttl",
        "order.cancellation_terms[].cancellation_fee",
    ),
    "confirm": (*_CHOICE, *_AMOUNT, *_PEOPLE, *_PAYMENTS),
    "on_confirm": (*_STATE, *_CHOICE, *_AMOUNT, *_QUOTE, *_PAYMENTS),
    "status": ("order_id",),
    "on_status": (*_STATE, *_CHOICE),
    "track": ("order_id",),
    "on_track": ("tracking.status",),
    "update": ("update_target", "order.id"),
    "on_update": (*_STATE, *_CHOICE, *_QUOTE),
    "cancel": ("order_id",),
    "on_cancel": (*_STATE, *_CHOICE, *_QUOTE),
    "rating": ("ratings[].id", "ratings[].rating_category", "ratings[].value"),
    "on_rating": (),
    "support": ("support.ref_id",),
    "on_support": ("support.ref_id",),
    "refund": ("order_id", "refund.payment_id", "refund.amount.value", "refund.amount.currency"),
    "on_refund": ("order.id", *_PAYMENTS),
    "get_cancellation_reasons": (),
    "cancellation_reasons": ("cancellation_reasons[].id", "cancellation_reasons[].descriptor.code"),
    "get_rating_categories": (),
    "rating_categories": ("rating_categories[]",),
    "issue": ("issue.id", "issue.category", "issue.description.short_desc", "issue.order_details.id"),
    "on_issue": ("issue.id", "issue.status"),
    "issue_status": ("issue_id",),
    "on_issue_status": ("issue.id", "issue.status"),
}
PROVIDER = ("id", "descriptor.name")
# No price is needed: a plug may be shown before its operator has set one, and select is where it is asked.
ITEM = (
    "id",
    "descriptor.code",
    "descriptor.name",
    "location_ids[]",
    "fulfillment_ids[]",
)
LOCATION = ("id", "gps", "descriptor.name", "address")
FULFILLMENT = ("id", "type")
BEFORE_THE_ORDER_HAS_AN_ID = frozenset({"select", "on_select", "init", "on_init", "confirm"})


def check_outgoing(action: str, context: Context, message: Model | None, *, error: bool = False) -> None:
    """Raise WireError unless our own profile allows this. `error`: the answer carries an error instead."""
    if action not in MESSAGES:
        raise WireError("context.action", f"unknown action {action}")
    _check_context(action, context)
    if message is None:
        if not error and not action.startswith("get_"):
            raise WireError("message", "missing")
        return
    if not isinstance(message, MESSAGES[action]):
        raise WireError("message", f"{type(message).__name__} is not what {action} carries")
    wire = message.to_wire()
    for path in REQUIRED[action]:
        _need(wire, path, "message")
    _check_numbers(wire, "message")
    if check := _FURTHER.get(action):
        check(wire)
    order = getattr(message, "order", None)
    if isinstance(order, Order):
        _check_order(action, order)


def _check_context(action: str, context: Context) -> None:
    wire = context.to_wire()
    for path in CONTEXT:
        _need(wire, path, "context")
    if action != "search":
        _need(wire, "bpp_id", "context")
        _need(wire, "bpp_uri", "context")
    rules = {
        "context.action": context.action == action,
        "context.version": context.version == VERSION,
        "context.timestamp": bool(_TIMESTAMP.fullmatch(context.timestamp)),
        "context.ttl": context.lifetime is not None,
        "context.location.country.code": bool(re.fullmatch("[A-Z]{3}", context.country_code)),
        "context.bap_id": "/" not in context.bap_id,
        "context.transaction_id": _is_uuid(context.transaction_id),
        "context.message_id": _is_uuid(context.message_id),
    }
    for path, fine in rules.items():
        if not fine:
            raise WireError(path, "not as the profile wants it")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _need(value: Any, path: str, where: str) -> None:
    """Raise WireError where `path` ends before it should."""
    step, _, rest = path.partition(".")
    name, many = step.removesuffix("[]"), step.endswith("[]")
    found = value.get(name) if isinstance(value, dict) else None
    if found in (None, "", []):
        raise WireError(f"{where}.{name}", "missing")
    for number, part in enumerate(found if many else [found]):
        here = f"{where}.{name}.{number}" if many else f"{where}.{name}"
        if rest:
            _need(part, rest, here)


def _check_numbers(value: Any, where: str) -> None:
    """Numbers we send are plain: a price or measure we only passed on may still carry the peer's unit."""
    if isinstance(value, list):
        for number, part in enumerate(value):
            _check_numbers(part, f"{where}.{number}")
    elif isinstance(value, dict):
        money_or_measure = "currency" in value or "unit" in value
        if money_or_measure and "value" in value and not _PLAIN_NUMBER.fullmatch(value["value"]):
            raise WireError(f"{where}.value", "not a plain number")
        for name, part in value.items():
            if isinstance(part, dict | list):
                _check_numbers(part, f"{where}.{name}")


def _check_order(action: str, order: Order) -> None:
    if action in BEFORE_THE_ORDER_HAS_AN_ID and order.id:
        raise WireError("message.order.id", "the order has no id before on_confirm")
    if (
        action == "on_cancel"
        and order.status == "CANCELLED"
        and not (order.cancellation and order.cancellation.cancelled_by)
    ):
        raise WireError("message.order.cancellation", "missing")
    if order.quote and action in CALLBACKS:
        check_quote(order.quote)


def check_quote(quote: Quotation) -> None:
    """The lines add up to the total, to the cent."""
    total = quote.price and quote.price.amount
    if total is None:
        raise WireError("message.order.quote.price", "not a number")
    if any(line.title == "total" for line in quote.breakup):
        raise WireError("message.order.quote.breakup", "a total is no line")
    if quote.lines_total != total:
        raise WireError(
            "message.order.quote.breakup", f"lines add up to {quote.lines_total}, the total says {total}"
        )


def _check_intent(wire: dict[str, Any]) -> None:
    intent = wire.get("intent", {})
    stops = intent.get("fulfillment", {}).get("stops", [])
    near = any("gps" in stop.get("location", {}).get("circle", {}) for stop in stops)
    if not (near or intent.get("provider", {}).get("id") or intent.get("descriptor", {}).get("name")):
        raise WireError("message.intent", "needs a place, an operator or words")


def _check_catalog(wire: dict[str, Any]) -> None:
    for number, provider in enumerate(wire["catalog"].get("providers", [])):
        where = f"message.catalog.providers.{number}"
        for name, paths in (("locations", LOCATION), ("fulfillments", FULFILLMENT), ("items", ITEM)):
            for index, part in enumerate(provider.get(name, [])):
                for path in paths:
                    _need(part, path, f"{where}.{name}.{index}")
        for path in PROVIDER:
            _need(provider, path, where)
        _check_links(provider, where)


def _check_links(provider: dict[str, Any], where: str) -> None:
    """Every item points at a station and a charging point of the same answer."""
    known = {
        "location_ids": {location["id"] for location in provider.get("locations", [])},
        "fulfillment_ids": {fulfillment["id"] for fulfillment in provider.get("fulfillments", [])},
    }
    for index, item in enumerate(provider.get("items", [])):
        for name, ids in known.items():
            if not ids.issuperset(item[name]):
                raise WireError(f"{where}.items.{index}.{name}", "points at nothing")


def _check_ratings(wire: dict[str, Any]) -> None:
    for number, rating in enumerate(wire["ratings"]):
        value = numbers.read_number(rating["value"])
        if not 1 <= value <= 5 or value % Decimal("0.5"):
            raise WireError(f"message.ratings.{number}.value", "stars go from 1 to 5 in halves")


_FURTHER = {"search": _check_intent, "on_search": _check_catalog, "rating": _check_ratings}
