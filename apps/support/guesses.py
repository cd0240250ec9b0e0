"""What is probably wrong, so that reporting takes two taps: the button, and Send."""

from apps.discovery.models import Offer
from apps.orders.models import Order
from apps.orders.states import State
from apps.support.states import What


def guess_of_order(order: Order) -> str:
    if order.state in (State.CONFIRMED, State.STARTING):
        return What.DID_NOT_START
    if order.state in (State.ENDED, State.SETTLED):
        asked_less = order.billed_kwh is not None and order.billed_kwh < order.energy_kwh
        stopped_by_driver = order.stop_asked_at is not None
        return What.STOPPED_EARLY if asked_less and not stopped_by_driver else What.WRONG_BILL
    if order.state in (State.CHARGING, State.INTERRUPTED, State.STOPPING):
        return What.STOPPED_EARLY if order.state == State.INTERRUPTED else What.OTHER
    if order.state in (State.FAILED, State.NO_SHOW):
        return What.DID_NOT_START
    return What.OTHER


def guess_of_plug(plug: Offer | None) -> str:
    return (
        What.PLUG_BROKEN
        if plug is None or plug.status in ("Faulted", "Unavailable", "Offline")
        else What.DID_NOT_START
    )
