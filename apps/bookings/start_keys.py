"""How a charge begins where the charger cannot be started from afar: with a code, told in the stop of the start.

`stops[].authorization` of type OTP. That there will be one is said from the quote on; the code itself from the
confirmation until energy flows.
"""

from typing import Any

from apps.beckn.wire import v1_1 as wire
from apps.bookings import slots
from apps.bookings.models import Booking
from apps.charging import start_codes
from apps.charging.models import Session

State = Booking.State
TYPE = "OTP"


def of(booking: Booking, session: Session | None) -> dict[str, Any]:
    """Facts for the wire's stop; {} where the charger starts by itself, and when it has."""
    if booking.state not in (State.QUOTED, State.HELD, State.CONFIRMED):
        return {}
    if not start_codes.are_used_at(booking.evse):
        return {}
    if booking.state != State.CONFIRMED:
        return {"authorization": wire.Authorization(type=TYPE)}
    waits = session is not None and session.state == Session.State.PENDING
    until = session.deadline_at if waits else booking.deadline_at
    begins = {"valid_from": booking.slot_starts_at - slots.EARLY} if booking.is_reserved else {}
    code = wire.Authorization(type=TYPE, token=booking.start_token, valid_to=until, **begins)
    return {"authorization": code}
