"""How an order is said on the wire, and how an operator's words are read. Pure functions, no rows written."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.lib.money import round_money
from apps.orders.models import Order
from apps.orders.slots import Slot, slot_of
from apps.orders.standing import read_idle
from apps.orders.story import read_facts, read_marks
from apps.orders.terms import read_terms
from apps.orders.told import Line, Priced, Reading, StartKey, Told, UnreadableQuote

START, STOP = "start-charging", "end-charging"
NOT_MY_CAR = "not-my-car"  # ours: docs/use-cases.md
STATE_TARGET = "order.fulfillments[0].state"
TIMES_TARGET = "order.fulfillments[0].stops"
LARGEST_AMOUNT = Decimal(100_000_000)
LARGEST_KWH = Decimal(99_999)
LONGEST_CODE = 40
SPENT = {"CLAIMED", "USED", "EXPIRED", "INVALID", "INVALIDATED"}


# --- What we say ---------------------------------------------------------------------------------------------


def select(order: Order) -> wire.SelectMessage:
    return wire.SelectMessage(order=_choice(order))


def init(order: Order) -> wire.InitMessage:
    return wire.InitMessage(order=_choice(order, people=True))


def confirm(order: Order, *, payment_reference: str) -> wire.ConfirmMessage:
    """`payment_reference` is the provider's, so that both sides can find the same money later; "" when it is free."""
    payment = wire.Payment(
        id=order.terms.get("payment_id") or "pay-1",
        collected_by="BAP",
        type=order.terms.get("payment_type") or "PRE-FULFILLMENT",
        status="PAID",
        params=wire.PaymentParams(
            amount=numbers.money_text(order.held_amount, order.currency),
            currency=order.currency,
            **({"transaction_id": payment_reference} if payment_reference else {}),
        ),
    )
    return wire.ConfirmMessage(order=_choice(order, people=True).but(payments=(payment,)))


def status(order: Order) -> wire.StatusMessage:
    return wire.StatusMessage(order_id=order.network_order_id)


def track(order: Order) -> wire.TrackMessage:
    return wire.TrackMessage(order_id=order.network_order_id)


def support(order: Order) -> wire.SupportMessage:
    return wire.SupportMessage(support=wire.Support(ref_id=order.network_order_id))


def update_state(order: Order, code: str, *, end_reason: str = "") -> wire.UpdateMessage:
    """START or STOP. `end_reason`: why, where that matters to the bill (NOT_MY_CAR)."""
    told = [wire.group("charging-end", "Charging End", end_reason=end_reason)] if end_reason else []
    fulfillment = wire.Fulfillment(
        id=order.fulfillment_id or order.item_id,
        type="CHARGING",
        state=wire.FulfillmentState(descriptor=wire.Descriptor(code=code)),
        **_with_key(order, code),
        tags=told,
    )
    return wire.UpdateMessage(
        update_target=STATE_TARGET, order=wire.Order(id=order.network_order_id, fulfillments=(fulfillment,))
    )


def _with_key(order: Order, code: str) -> dict[str, Any]:
    """An operator that gave us a code wants it back with the start (fact sheet 5.3)."""
    if code != START or not order.start_code:
        return {}
    key = wire.Authorization(type=order.start_key_kind, token=order.start_code)
    return {"stops": (wire.Stop(type="start", authorization=key),)}


def refund(order: Order, *, amount: Decimal, reason_id: str, words: str) -> wire.RefundMessage:
    return wire.RefundMessage(
        order_id=order.network_order_id,
        refund_reason_id=reason_id,
        descriptor=wire.Descriptor(
            code=taxonomy.REFUND_REASONS[reason_id].removesuffix("_REFUND"),
            **({"short_desc": words} if words else {}),
        ),
        refund=wire.RefundRequest(
            payment_id=order.terms.get("payment_id") or "pay-1", amount=wire.Price.of(amount, order.currency)
        ),
    )


def update_refund(order: Order, entry: wire.RefundEntry) -> wire.UpdateMessage:
    """The same for a peer that does not know the verb, and how we tell that the money is back."""
    return wire.UpdateMessage(
        update_target="order.payments",
        order=wire.Order(id=order.network_order_id, payments=(entry.to_payment(),)),
    )


def update_times(order: Order, slot: Slot) -> wire.UpdateMessage:
    """Later arrival within the reserved time, or another time."""
    fulfillment = wire.Fulfillment(
        id=order.fulfillment_id or order.item_id, type="CHARGING", stops=_stops(slot)
    )
    return wire.UpdateMessage(
        update_target=TIMES_TARGET, order=wire.Order(id=order.network_order_id, fulfillments=(fulfillment,))
    )


def _stops(slot: Slot) -> tuple[wire.Stop, ...]:
    return (
        wire.Stop(type="start", time=wire.Time(timestamp=slot.starts_at)),
        wire.Stop(type="finish", time=wire.Time(timestamp=slot.ends_at)),
    )


def cancel(order: Order, *, reason_id: str, words: str = "") -> wire.CancelMessage:
    words = words or (taxonomy.cancellation_code(reason_id) or "")
    return wire.CancelMessage(
        order_id=order.network_order_id,
        cancellation_reason_id=reason_id,
        descriptor=wire.Descriptor(code="CONFIRM_CANCEL", short_desc=words),
    )


def item_of(order: Order) -> wire.Item:
    """The plug, and how much of it."""
    selected = wire.Quantity(measure=_measure(order))
    return wire.Item(id=order.item_id, quantity=wire.ItemQuantity(selected=selected), **_options(order))


def _choice(order: Order, *, people: bool = False) -> wire.Order:
    item = item_of(order)
    fulfillment = wire.Fulfillment(id=order.fulfillment_id or order.item_id, type="CHARGING", **_times(order))
    choice = wire.Order(
        provider=wire.Provider(id=order.provider_id), items=(item,), fulfillments=(fulfillment,)
    )
    if not people:
        return choice
    billing = order.billing
    customer = wire.Customer(
        person=wire.Person(name=billing["name"]), contact=wire.Contact(phone=billing["phone"])
    )
    return choice.but(
        billing=wire.Billing(**{key: billing[key] for key in ("name", "email", "phone") if billing.get(key)}),
        fulfillments=(fulfillment.but(customer=customer),),
    )


def _measure(order: Order) -> wire.Scalar:
    """Money and minutes only to whom told that it reads them: others take any number for kWh (fact sheet 5.1)."""
    if order.says_units and order.ordered_minutes is not None:
        return wire.Scalar.of(Decimal(order.ordered_minutes), "MINUTES")
    if order.says_units and order.ordered_amount is not None:
        return wire.Scalar.of(_money(order), order.currency)
    return wire.Scalar.of(order.energy_kwh, "kWh")


def _options(order: Order) -> dict[str, list[wire.TagGroup]]:
    """AMOUNT only: the one value that adaptors in the field understand; of any other they make nothing at all."""
    if order.ordered_amount is None:
        return {}
    said = {"charging_by": "AMOUNT", "charging_limit": _money(order)}
    return {"tags": [wire.group("charging-options", "Charging Options", **said)]}


def _money(order: Order) -> Decimal:
    return order.ordered_amount.normalize()


def _times(order: Order) -> dict[str, Any]:
    """The reserved time, else the time that was ordered, said so that everybody can read it."""
    if slot := slot_of(order):
        return {"stops": _stops(slot)}
    if order.ordered_minutes is None:
        return {}
    begins_at = order.created_at
    times = {"start": begins_at, "finish": begins_at + timedelta(minutes=order.ordered_minutes)}
    return {"stops": [wire.Stop(type=kind, time=wire.Time(timestamp=at)) for kind, at in times.items()]}


# --- What we are told ----------------------------------------------------------------------------------------


def read_quote(order: wire.Order) -> Priced:
    """Raises UnreadableQuote when there is no total."""
    priced = read_priced(order)
    if priced is None:
        raise UnreadableQuote("no readable total")
    return priced


def read_priced(order: wire.Order) -> Priced | None:
    price = order.quote.price if order.quote else None
    currency = (price and price.currency_code) or ""
    if price is None or price.amount is None or not currency or abs(price.amount) > LARGEST_AMOUNT:
        return None
    lines = tuple(line for part in order.quote.breakup if (line := _line(part, currency)))
    energy_kwh = _delivered_kwh(order)
    if energy_kwh is None:
        told = [line.energy_kwh for line in lines if line.energy_kwh is not None]
        energy_kwh = sum(told, Decimal(0)) if told else None
    return Priced(
        total=round_money(price.amount, currency),
        currency=currency,
        lines=lines,
        energy_kwh=energy_kwh,
        valid_for=order.quote.valid_for,
    )


def _line(part: wire.QuotationLine, currency: str) -> Line | None:
    amount = part.price.amount if part.price else None
    title = (part.title or "").strip()
    if amount is None or title.lower() == "total" or abs(amount) > LARGEST_AMOUNT:
        return None
    return Line(
        title=title[:120],
        code=taxonomy.breakup_title(title) or "",
        amount=round_money(amount, currency),
        energy_kwh=_selected_kwh(part.item),
        note=_text(part.item.descriptor if part.item else None)[:120],
    )


def read_ordered_kwh(order: wire.Order) -> Decimal | None:
    """The energy the operator says was selected, to compare with what we asked for."""
    return _selected_kwh(order.items[0]) if order.items else None


def _selected_kwh(item: wire.Item | None) -> Decimal | None:
    return _kwh(item.quantity.selected) if item and item.quantity else None


def _delivered_kwh(order: wire.Order) -> Decimal | None:
    allocated = order.items[0].quantity if order.items else None
    energy_kwh = _kwh(allocated.allocated) if allocated else None
    return energy_kwh if energy_kwh is not None else _reading(order).energy_kwh


def _kwh(quantity: wire.Quantity | None) -> Decimal | None:
    measure = quantity.measure.measure if quantity and quantity.measure else None
    if not measure or measure[1] not in ("kWh", "") or not 0 <= measure[0] <= LARGEST_KWH:
        return None
    return measure[0].quantize(Decimal("0.001"))


def read_told(order: wire.Order) -> Told:
    """Everything a callback may say about a confirmed order."""
    fulfillment = order.fulfillments[0] if order.fulfillments else wire.Fulfillment()
    raw = fulfillment.state.code if fulfillment.state else None
    tags = fulfillment.tags
    reading = _reading(order)
    cancellation = order.cancellation
    reason = cancellation.reason if cancellation else None
    times = read_times(order)
    return Told(
        network_order_id=order.id or "",
        status=taxonomy.order_status(order.status),
        state=taxonomy.state_code(raw),
        is_interrupted=taxonomy.is_interruption(raw) or reading.word == "Offline",
        at=(fulfillment.state and fulfillment.state.changed_at) or order.changed_at,
        reading=reading,
        priced=read_priced(order),
        started_at=wire.read_instant(wire.first_tag(tags, "start-time")),
        ended_at=wire.read_instant(wire.first_tag(tags, "stop-time")),
        meter_start=wire.first_tag(tags, "meter-start")[:40],
        meter_stop=wire.first_tag(tags, "meter-stop")[:40],
        ended_by=_limit(wire.first_tag(tags, "ended-by")),
        cancelled_by=(cancellation and cancellation.cancelled_by) or "",
        cancel_reason=_cancel_reason(reason),
        cancel_text=_text(reason.descriptor if reason else None),
        instructions=_instructions(fulfillment),
        start_key=read_start_key(fulfillment),
        item_id=(order.items[0].id or "") if order.items else "",
        fulfillment_id=fulfillment.id or "",
        begins_at=times[0],
        ends_by=times[1],
        terms=read_terms(order) if order.cancellation_terms else {},
        marks=read_marks(tags),
        facts=read_facts(tags),
        idle=read_idle(tags),
    )


def read_start_key(fulfillment: wire.Fulfillment) -> StartKey | None:
    """Of the first stop that has one and is not the finish. What has been used or is void is none."""
    for stop in fulfillment.stops:
        said = stop.authorization
        if said is None or taxonomy.stop_type(stop.type) == "finish" or not (said.type or said.token):
            continue
        if (said.status or "").strip().upper() in SPENT:
            return None
        code = (said.token or "").strip()
        until = wire.read_instant(said.valid_to) if said.valid_to else None
        return StartKey(
            (said.type or "OTP").strip().upper()[:20], code if len(code) <= LONGEST_CODE else "", until
        )
    return None


def read_times(order: wire.Order) -> tuple[datetime | None, datetime | None]:
    """Begin and end as the operator says them."""
    found: dict[str, datetime | None] = {}
    for stop in order.fulfillments[0].stops if order.fulfillments else ():
        kind, span = taxonomy.stop_type(stop.type), stop.time and stop.time.range
        if kind in ("start", "finish") and stop.time:
            found[kind] = stop.time.at or (span and span.starts_at) or None
        if span and span.ends_at:
            found.setdefault("finish", span.ends_at)
    return found.get("start"), found.get("finish")


def _limit(word: str) -> str:
    return word.strip().lower() if word.strip().lower() in ("energy", "time", "money") else ""


def _cancel_reason(reason: wire.Option | None) -> str:
    if reason is None:
        return ""
    code = reason.descriptor.code if reason.descriptor else None
    return (code or taxonomy.cancellation_code(reason.id) or "").upper()[:40]


def _text(descriptor: wire.Descriptor | None) -> str:
    if descriptor is None:
        return ""
    return (descriptor.short_desc or descriptor.long_desc or descriptor.name or "")[:300]


def _instructions(fulfillment: wire.Fulfillment) -> str:
    texts = (_text(stop.instructions) for stop in fulfillment.stops)
    return next((text for text in texts if text), "")


def _reading(order: wire.Order) -> Reading:
    fulfillment = order.fulfillments[0] if order.fulfillments else None
    if fulfillment is None:
        return Reading()
    long_desc = (
        fulfillment.state.descriptor.long_desc if fulfillment.state and fulfillment.state.descriptor else ""
    )
    return Reading(
        at=wire.read_instant(wire.first_tag(fulfillment.tags, "reading-at", "reading-time", "timestamp")),
        word=_plug_word(long_desc or ""),
        energy_kwh=_tag_number(fulfillment, "energy-delivered", numbers.read_energy_kwh, LARGEST_KWH),
        power_kw=_tag_number(fulfillment, "power", numbers.read_power_kw, Decimal(9_999)),
        soc_percent=_tag_number(fulfillment, "soc", numbers.read_number, Decimal(100)),
    )


def _plug_word(long_desc: str) -> str:
    """The OCPP status that the profile hides as JSON in a description."""
    try:
        status_word = json.loads(long_desc)["status"]
    except (ValueError, TypeError, KeyError):
        return ""
    return taxonomy.availability(status_word) or "" if isinstance(status_word, str) else ""


def _tag_number(fulfillment: wire.Fulfillment, code: str, read, largest: Decimal) -> Decimal | None:
    try:
        number = read(wire.first_tag(fulfillment.tags, code))
    except numbers.NumberError:
        return None
    return number.quantize(Decimal("0.001")) if 0 <= number <= largest else None
