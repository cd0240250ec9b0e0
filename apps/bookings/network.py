"""How a booking is said on the wire. Pure: rows and figures in, wire models out. Reading is in reading.py."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import translation

from apps.beckn import outbox
from apps.beckn.wire import numbers
from apps.beckn.wire import v1_1 as wire
from apps.beckn.wire.v1_1 import taxonomy
from apps.bookings import after_network, breakup, idle_network, running, slot_network, start_keys, story
from apps.bookings.models import Booking
from apps.bookings.pricing import Bill, price_per_kwh, worded
from apps.charging.models import Session
from apps.lib import clock

State = Booking.State
STATE_CODES = {
    State.CONFIRMED: "payment-completed",
    State.IN_SESSION: "charging-started",
    State.STANDING: "charging-ended",
    State.COMPLETED: "charging-ended",
    **dict.fromkeys((*Booking.ENDED_EARLY, State.EXPIRED), "order-cancelled"),
}
STATUSES = {"payment-completed": "ACTIVE", "charging-started": "ACTIVE", "charging-ended": "COMPLETE"}
OCPP_WORDS = {
    "ACTIVE": "Charging",
    "SUSPENDED_EV": "SuspendedEV",
    "SUSPENDED_EVSE": "SuspendedEVSE",
    "FAULTED": "Faulted",
    "OFFLINE": "Offline",
    "STOPPING": "Charging",
    "STOP_ACCEPTED": "Charging",
    "ENDED_PENDING_METER": "Finishing",
    "CLOSED": "Finishing",
}
PAYMENT_TYPE = "PRE-ORDER"
OFFERED, ACCEPTED = "OFFERED", "ACCEPTED"
REASON_NAMES = {
    "TECHNICAL_ISSUE": "The charger does not work",
    "USER_CANCELLED": "My plans have changed",
    "CONNECTOR_MISMATCH": "The plug does not fit",
    "LONG_WAIT": "The bay is taken",
    "CANNOT_ATTEND": "I cannot come",
}


def on_select(booking: Booking, now: datetime) -> wire.OnSelectMessage:
    fulfillment = wire.Fulfillment(id=booking.evse.code, type="CHARGING", stops=_stops(booking))
    return wire.OnSelectMessage(
        order=wire.Order(
            provider=_provider(booking),
            items=[_item(booking)],
            fulfillments=[fulfillment],
            quote=breakup.quotation(
                booking, booking.quote_bill, booking.ordered_kwh, expires_in=booking.quote_expires_at - now
            ),
        )
    )


def on_init(booking: Booking, now: datetime) -> wire.OnInitMessage:
    fulfillment = wire.Fulfillment(
        id=booking.evse.code, type="CHARGING", stops=_stops(booking), customer=_customer(booking)
    )
    return wire.OnInitMessage(
        order=wire.Order(
            provider=_provider(booking),
            items=[_item(booking)],
            billing=_billing(booking),
            fulfillments=[fulfillment],
            quote=breakup.quotation(
                booking, booking.quote_bill, booking.ordered_kwh, expires_in=booking.hold_expires_at - now
            ),
            payments=[_payment(booking)],
            **_terms(booking),
        )
    )


def on_confirm(booking: Booking) -> wire.OnConfirmMessage:
    """Made of what was settled at confirm and of nothing later: asked again, it says the same."""
    at = booking.confirmed_at
    return wire.OnConfirmMessage(
        order=_order(
            booking, at=at, code="payment-completed", bill=booking.quote_bill, kwh=booking.ordered_kwh
        )
    )


def current_order(booking: Booking, session: Session | None, now: datetime) -> wire.Order:
    """The full order as it stands: with the telemetry and running bill of `session`, or with the final bill and what
    was given up of it since."""
    order = _as_it_stands(booking, session, now)
    return order if booking.final_total is None else after_network.with_what_followed(order, booking)


def _as_it_stands(booking: Booking, session: Session | None, now: datetime) -> wire.Order:
    code = STATE_CODES[booking.state]
    if booking.state == State.STANDING and session:
        bill = worded(running.meter_of(booking, session).bill())
        kwh = booking.delivered_kwh
        return _order(booking, at=now, code=code, bill=bill, kwh=kwh, session=session).but(status="ACTIVE")
    if code == "charging-ended":
        return _order(
            booking,
            at=booking.ended_at,
            code=code,
            bill=booking.final_bill,
            kwh=booking.delivered_kwh,
            session=session,
        )
    if code == "charging-started" and session:
        meter = running.meter_of(booking, session)
        bill, kwh = worded(meter.bill()), running.billed_kwh(meter)
        return _order(booking, at=now, code=code, bill=bill, kwh=kwh, session=session)
    if code == "order-cancelled":
        return _cancelled(booking)
    bill, kwh = booking.quote_bill, booking.ordered_kwh
    return _order(booking, at=now, code=code, bill=bill, kwh=kwh, session=session)


def cancellation_preview(booking: Booking, fee: Bill, now: datetime) -> wire.OnCancelMessage:
    """What cancelling would cost; the order goes on."""
    return wire.OnCancelMessage(
        order=_order(booking, at=now, code=STATE_CODES[booking.state], bill=fee, kwh=None)
    )


def tracking(booking: Booking, link: str) -> wire.OnTrackMessage:
    status = "active" if booking.state == State.IN_SESSION else "inactive"
    url = f"{settings.PUBLIC_URL}{tracking_path(link)}"
    return wire.OnTrackMessage(tracking=wire.Tracking(id=f"trk-{booking.code}", url=url, status=status))


def stream_url(link: str) -> str:
    """Where machines hear every reading unasked."""
    return f"ws{settings.PUBLIC_URL.removeprefix('http')}{tracking_path(link)}"


def tracking_path(link: str) -> str:
    return f"/track/{link}/"


def cancellation_reasons() -> wire.CancellationReasonsMessage:
    return wire.CancellationReasonsMessage(
        cancellation_reasons=[
            wire.Option(id=reason_id, descriptor=wire.Descriptor(code=code, name=REASON_NAMES[code]))
            for reason_id, (code, by) in taxonomy.CANCELLATION_REASONS.items()
            if by == "CONSUMER"
        ]
    )


def _order(
    booking: Booking,
    *,
    at: datetime,
    code: str,
    bill: Bill,
    kwh: Decimal | None,
    session: Session | None = None,
) -> wire.Order:
    status = STATUSES.get(code, "CANCELLED")
    delivered = kwh if code in ("charging-started", "charging-ended") else None
    return wire.Order(
        id=booking.code,
        status=status,
        provider=_provider(booking),
        items=[_item(booking, delivered)],
        billing=_billing(booking),
        fulfillments=[_fulfillment(booking, code, at, session, kwh)],
        quote=breakup.quotation(booking, bill, kwh),
        payments=[_payment(booking, paid=True)],
        created_at=booking.confirmed_at or booking.created_at,
        updated_at=at,
        tags=[amended(booking.amended_by, ACCEPTED)] if booking.amended_by else [],
        **_terms(booking),
    )


def amended(code: str, status: str, **more: str) -> wire.TagGroup:
    """Our own group for a change of the order: offered, or accepted and in force."""
    return wire.group("order-change", "Order Change", id=code, status=status, **more)


def as_offered(booking: Booking, now: datetime, expires_at: datetime) -> wire.Order:
    """The order as it would be, without what was delivered so far."""
    bill = booking.quote_bill
    order = _order(booking, at=now, code=STATE_CODES[booking.state], bill=bill, kwh=None)
    quoted = breakup.quotation(booking, bill, booking.ordered_kwh, expires_in=expires_at - now)
    return order.but(quote=quoted)


def _cancelled(booking: Booking) -> wire.Order:
    code, by = taxonomy.CANCELLATION_REASONS[booking.end_reason_id]
    bill = booking.final_bill
    reason = wire.Option(id=booking.end_reason_id, descriptor=wire.Descriptor(code=code))
    cancellation = wire.Cancellation(time=booking.ended_at, cancelled_by=by, reason=reason)
    order = _order(booking, at=booking.ended_at, code="order-cancelled", bill=bill, kwh=None)
    return order.but(cancellation=cancellation)


def _provider(booking: Booking) -> wire.Provider:
    operator = booking.evse.station.operator
    return wire.Provider(id=operator.code, descriptor=wire.Descriptor(name=operator.name))


def _item(booking: Booking, delivered: Decimal | None = None) -> wire.Item:
    plug = booking.connector
    quantity = {"selected": wire.Quantity(measure=wire.Scalar.of(booking.ordered_kwh, "kWh"))}
    if delivered is not None:
        quantity["allocated"] = wire.Quantity(measure=wire.Scalar.of(delivered, "kWh"))
    return wire.Item(
        id=plug.code,
        descriptor=wire.Descriptor(
            code="energy", name=f"{booking.evse.station.name} · {booking.evse.label}{plug.letter}"
        ),
        price=wire.Price(value=_rate(price_per_kwh(booking.rules)), currency=f"{booking.currency}/kWH"),
        quantity=wire.ItemQuantity(**quantity),
        fulfillment_ids=[booking.evse.code],
        location_ids=[booking.evse.station.code],
        **breakup.options(booking),
    )


def _rate(rate: Decimal) -> str:
    """'18.50', '0.1125': two places, more where the tariff has more."""
    return numbers.plain(
        max(rate.normalize(), rate.quantize(Decimal("0.01")), key=lambda r: -r.as_tuple().exponent)
    )


def _stops(booking: Booking, session: Session | None = None) -> list[wire.Stop]:
    station = booking.evse.station
    place: dict[str, Any] = {"gps": numbers.gps_text(station.lat, station.lon)}
    if station.address:
        place["address"] = station.address
    key = start_keys.of(booking, session)
    then = "enter your code at the charger" if key else "press start"
    how = f"Park at {booking.evse.label}, plug in connector {booking.connector.letter}, then {then}."
    how += slot_network.instructions(booking)
    flowed = session if session and session.state != Session.State.FAILED else None
    begins, ends = slot_network.times(booking, flowed)
    start: dict[str, Any] = {
        "type": "start",
        "location": wire.Location(id=station.code, **place),
        "instructions": wire.Descriptor(name="How to start", short_desc=how),
    }
    start |= key
    finish: dict[str, Any] = {"type": "finish"}
    if begins:
        start["time"] = wire.Time(timestamp=begins)
    if ends:
        finish["time"] = wire.Time(timestamp=ends)
    return [wire.Stop(**start), wire.Stop(**finish)]


def _fulfillment(
    booking: Booking, code: str, at: datetime, session: Session | None, kwh: Decimal | None
) -> wire.Fulfillment:
    said: dict[str, Any] = {"code": code}
    if session and code == "charging-started":
        with translation.override(outbox.LANGUAGE):
            word = str(Session.State(session.state).label)
        said |= {"short_desc": word, "long_desc": _ocpp_words(session, at)}
    elif session and booking.state == State.STANDING:
        said |= {"short_desc": "Charged, still plugged in", "long_desc": _ocpp_words(session, at)}
    return wire.Fulfillment(
        id=booking.evse.code,
        type="CHARGING",
        customer=_customer(booking),
        state=wire.FulfillmentState(descriptor=wire.Descriptor(**said), updated_at=at),
        tracking=True,
        stops=_stops(booking, session),
        tags=_tags(booking, session, kwh) if session else [],
    )


def _tags(booking: Booking, session: Session, kwh: Decimal | None) -> list[wire.TagGroup]:
    flowed = session.started_at and session.state != Session.State.FAILED
    told = [_telemetry(booking, session, kwh or Decimal(0))] if flowed else []
    return [*told, *story.tag_groups(session), *idle_network.time(booking, session)]


def _ocpp_words(session: Session, at: datetime) -> str:
    told = {
        "connectorId": session.ocpp_connector_id,
        "errorCode": "OtherError" if session.face == "FAULTED" else "NoError",
        "status": plug_word(session),
    }
    return json.dumps({**told, "timestamp": clock.utc_text(at)}, separators=(",", ":"))


def charging_periods(session: Session, kwh: Decimal) -> list[dict[str, Any]]:
    """The meter's newest figures, each under its name in OCPI."""
    figures = {
        "ENERGY": kwh,
        "POWER": session.power_w and session.power_w / 1000,
        "CURRENT": session.current_a,
        "VOLTAGE": session.voltage_v,
        "STATE_OF_CHARGE": session.soc_percent,
    }
    told = [
        {"type": name, "volume": numbers.plain(figure)}
        for name, figure in figures.items()
        if figure is not None
    ]
    begun = session.started_at and clock.utc_text(session.real(session.started_at))
    return [{"start_date_time": begun, "dimensions": told}]


def plug_word(session: Session) -> str:
    """The OCPP 1.6 status of the plug while energy may flow."""
    return OCPP_WORDS.get(session.face, "Charging")


def _telemetry(booking: Booking, session: Session, kwh: Decimal) -> wire.TagGroup:
    flowing = session.state not in (Session.State.ENDED_PENDING_METER, Session.State.CLOSED)
    pairs = {
        "energy-delivered": f"{numbers.energy_text(kwh)}kWh",
        "power": flowing and _with_unit(session.power_w, "kW", scale=Decimal("0.001")),
        "soc": _with_unit(session.soc_percent, "%"),
        "current": flowing and _with_unit(session.current_a, "A"),
        "voltage": flowing and _with_unit(session.voltage_v, "V"),
        "start-time": clock.utc_text(session.real(session.started_at)),
        "meter-start": _register(session.shown_start_wh),
        "reading-at": session.last_reading_at and clock.utc_text(session.real(session.last_reading_at)),
        "stop-time": session.ended_at and clock.utc_text(session.real(session.ended_at)),
        "meter-stop": None if flowing else _register(session.register_wh),
        "ended-by": booking.ended_by.lower() or None,
    }
    return wire.group(
        "charging-details", "Charging Details", **{key: value or None for key, value in pairs.items()}
    )


def _with_unit(figure: Decimal | None, unit: str, *, scale: Decimal = Decimal(1)) -> str | None:
    if figure is None:
        return None
    return f"{numbers.plain((figure * scale).quantize(Decimal('0.1')))}{unit}"


def _register(register_wh: Decimal | None) -> str | None:
    return None if register_wh is None else numbers.plain(register_wh.quantize(Decimal(1)))


def _billing(booking: Booking) -> wire.Billing:
    told = {"name": booking.billing_name, "email": booking.billing_email, "phone": booking.billing_phone}
    return wire.Billing(**{field: text for field, text in told.items() if text})


def _customer(booking: Booking) -> wire.Customer:
    contact = {"phone": booking.billing_phone, "email": booking.billing_email}
    return wire.Customer(
        person=wire.Person(name=booking.billing_name),
        contact=wire.Contact(**{field: text for field, text in contact.items() if text}),
    )


def _payment(booking: Booking, *, paid: bool = False) -> wire.Payment:
    reference = {"transaction_id": booking.payment_reference} if booking.payment_reference else {}
    amount = numbers.money_text(booking.paid_total, booking.currency)
    return wire.Payment(
        id=booking.payment_id or f"pay-{booking.quote_id}",
        collected_by="BAP",
        type=PAYMENT_TYPE,
        status="PAID" if paid else "NOT-PAID",
        params=wire.PaymentParams(amount=amount, currency=booking.currency, **reference),
    )


def _terms(booking: Booking) -> dict[str, Any]:
    """Leaving before energy flows costs the fee; afterwards only what was delivered is billed."""
    return {
        "cancellation_terms": slot_network.cancellation_terms(booking),
        "refund_terms": [
            wire.RefundTerm(
                fulfillment_state=wire.State(code="payment-completed"),
                refund_eligible=True,
                refund_amount=slot_network.refund_amount(booking),
            ),
            wire.RefundTerm(fulfillment_state=wire.State(code="charging-started"), refund_eligible=True),
        ],
    }
