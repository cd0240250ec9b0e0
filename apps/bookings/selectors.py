"""Reads of bookings: for the app that made them, for the tracking page, for the operator's people."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.functional import Promise, cached_property

from apps.accounts.models import User
from apps.bookings import links, network, running
from apps.bookings.models import Booking
from apps.bookings.pricing import Bill, worded
from apps.bookings.reading import Peer
from apps.catalog.models import Evse
from apps.catalog.selectors import connectors_for, place_words
from apps.charging.models import Session
from apps.charging.selectors import latest_session
from apps.lib import clock
from apps.lib.rows import Lookup
from apps.pricing import Meter

TRACKED_AFTER_END = timedelta(days=1)
HELD_AHEAD = timedelta(minutes=10)
_BY_TOKEN = Lookup(Booking.objects.all, "track_token")
STREAM = "tracking"  # the kind of row that listeners of the live stream follow, by its token


def all_bookings() -> QuerySet[Booking]:
    return Booking.objects.select_related("connector", "evse__station__operator")


def locked_bookings() -> QuerySet[Booking]:
    """For who must not work on an order that is changing just now. Sessions are locked before bookings."""
    return all_bookings().select_for_update(of=("self",))


def booking_in(peer: Peer) -> Booking | None:
    """The booking of this transaction, in whatever state."""
    return all_bookings().filter(bap_id=peer.bap_id, transaction_id=peer.transaction_id).first()


def placed_order(*, bap_id: str, order_id: str, transaction_id: UUID | None = None) -> Booking | None:
    """A confirmed order of this app (laws 6 and 11); by its transaction where the app left the id out."""
    orders = all_bookings().filter(bap_id=bap_id).exclude(confirmed_at=None)
    by = {"code": order_id} if order_id else {"transaction_id": transaction_id}
    return orders.filter(**by).first()


def rateable_order(*, bap_id: str, transaction_id: UUID) -> dict[str, Any] | None:
    """What may be rated of the order that this app placed in this transaction, for rooms that may not know bookings."""
    booking = placed_order(bap_id=bap_id, order_id="", transaction_id=transaction_id)
    if booking is None:
        return None
    station = booking.evse.station
    charging_point = {booking.evse.code, booking.code}  # the guide rates it by the order's id
    return {
        "order_id": booking.code,
        "things": {
            "Order": {booking.code},
            "Fulfillment": charging_point,
            "Item": {booking.connector.code},
            "Provider": {station.operator.code},
        },
        "operator_code": station.operator.code,
        "operator_name": station.operator.name,
        "station_code": station.code,
        "station_name": station.name,
    }


def order_owner(*, bap_id: str, order_id: str) -> dict[str, Any] | None:
    """Whose order of this app it is, as the support desk takes it; None when there is no such order."""
    booking = placed_order(bap_id=bap_id, order_id=order_id) if order_id else None
    if booking is None:
        return None
    operator = booking.evse.station.operator
    return {
        "operator_code": operator.code,
        "operator_name": operator.name,
        "contact": {name: text for name in ("phone", "email") if (text := getattr(operator, name))},
        "place": place_words(booking.evse.station, booking.connector),
    }


def is_held(evse: Evse, *, besides: Booking | None = None) -> bool:
    """For somebody else, now: a reserved time holds while it lasts and shortly before."""
    now = clock.now()
    here_now = Q(slot_starts_at=None) | Q(slot_starts_at__lte=now + HELD_AHEAD, slot_ends_at__gt=now)
    holds = Booking.objects.filter(here_now, evse=evse, state__in=Booking.HOLDING)
    holds = holds.exclude(state=Booking.State.HELD, hold_expires_at__lte=clock.now())
    return (holds.exclude(pk=besides.pk) if besides else holds).exists()


@dataclass(frozen=True)
class Tracked:
    """What the tracking page shows."""

    booking: Booking
    session: Session | None
    link: str = ""  # by which it is looked at

    @property
    def is_running(self) -> bool:
        return self.booking.state == Booking.State.IN_SESSION

    @property
    def words(self) -> str | Promise:
        return (
            Session.State(self.session.state).label if self.is_running else self.booking.get_state_display()
        )

    @property
    def kwh(self) -> Decimal:
        if self.booking.delivered_kwh is not None:
            return self.booking.delivered_kwh
        return running.billed_kwh(self._meter) if self._meter else Decimal(0)

    @cached_property
    def _meter(self) -> Meter | None:
        return running.meter_of(self.booking, self.session) if self.session else None

    @property
    def power_kw(self) -> Decimal | None:
        return self.session.power_w / 1000 if self.session and self.session.power_w is not None else None

    @property
    def bill(self) -> Bill:
        if self.booking.final_total is not None:
            return self.booking.final_bill
        return worded(self._meter.bill()) if self._meter else Bill.of((), self.booking.currency)

    @property
    def zone(self) -> str:
        return self.booking.evse.station.zone

    @property
    def status(self) -> str:
        """As OCPI says it."""
        if self.booking.state in Booking.ENDED_EARLY:
            return "INVALID"
        if self.is_running and self.session:
            return "ACTIVE"
        return "COMPLETED" if self.booking.state == Booking.State.COMPLETED else "PENDING"

    def to_json(self) -> dict[str, Any]:
        """Shaped like the session of OCPI, which machines that follow a charge know (fact sheet 4.9)."""
        running = self.status == "ACTIVE"
        read_at = self.session and self.session.last_reading_at
        told = {
            "order_id": self.booking.code,
            "status": self.status,
            "kwh": str(self.kwh),
            "power_kw": str(self.power_kw) if running and self.power_kw is not None else None,
            "soc_percent": str(self.session.soc_percent) if running and self.session.soc_percent else None,
            "currency": self.bill.currency,
            "total_cost": {"incl_vat": str(self.bill.total)},
            "charging_periods": network.charging_periods(self.session, self.kwh) if running else [],
            "last_updated": clock.utc_text(self.session.real(read_at)) if read_at else None,
            # Ours, beyond OCPI: what orders two of these in time, and the plug's OCPP word.
            "told_at": clock.utc_text(clock.now()),
            "connector_status": network.plug_word(self.session) if running else None,
        }
        # Where they come unasked.
        return told | ({"stream_url": network.stream_url(self.link)} if self.link else {})


def tracked(link: str, *, with_place: bool = True) -> Tracked | None:
    """The order behind an unguessable address, until a day after its end. The figures alone need no place.

    Raises LinkExpired.
    """
    token = links.token_of(link)
    if not token:
        return None
    booking = all_bookings().filter(track_token=token).first() if with_place else _BY_TOKEN.find(token)
    if booking is None or booking.confirmed_at is None:
        return None
    if booking.ended_at and booking.ended_at < clock.now() - TRACKED_AFTER_END:
        return None
    return Tracked(booking, latest_session(booking.code), link)


def bookings_for(user: User | AnonymousUser) -> QuerySet[Booking]:
    """Law 11: those at the plugs of the operator this person works for."""
    return all_bookings().filter(connector__in=connectors_for(user))
