"""Energy flows: start, progress, stop, bill. The operator's word decides; the driver's buttons only ask."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.lib import clock
from apps.lib.moves import StaleMove, may_move
from apps.orders import network
from apps.orders.models import Order, OrderLine, Progress, ProgressPoint
from apps.orders.services.asking import record_confirmation
from apps.orders.services.help import request_tracking
from apps.orders.services.leaving import record_cancellation
from apps.orders.services.refunds import owe_at_most
from apps.orders.services.reserved import take_times
from apps.orders.services.standing import is_standing, keep_idle, stand
from apps.orders.services.steps import (
    DRIVER,
    NotNow,
    ask,
    go,
    keep,
    lost_the_race,
    note,
    take_money,
    write_lines,
)
from apps.orders.services.story import keep_story
from apps.orders.slots import is_early
from apps.orders.states import OVER, WAITS, WITH_ENERGY, State
from apps.orders.told import Priced, Told
from apps.payments.selectors import latest

CLOCK_SLACK = timedelta(seconds=60)  # a reading from further in the future has a wrong clock
BEFORE_ENERGY = (State.CONFIRMED, State.STARTING, State.CANCELLING)


def request_start(order: Order) -> None:
    """The driver is at the plug. Pressing twice starts once."""
    if order.state in (State.STARTING, *WITH_ENERGY):
        return
    if order.state == State.CONFIRMED and is_early(order, clock.now()):
        raise NotNow(_("Your time has not begun yet."))
    if order.state != State.CONFIRMED:
        raise NotNow(_("This order cannot be started now."))
    try:
        with transaction.atomic():
            go(order, State.STARTING, why=gettext_noop("the driver pressed Start"), plug_in_by=None)
            ask(order, "update", network.update_state(order, network.START))
    except StaleMove as error:
        lost_the_race(order, error, State.STARTING, *WITH_ENERGY)


def request_stop(
    order: Order, *, why: str = gettext_noop("the driver pressed Stop"), end_reason: str = ""
) -> None:
    """A driver can always stop. Pressing twice sends one command; the worker repeats it when nobody answers."""
    if order.state in (State.STOPPING, State.STANDING, State.ENDED, State.SETTLED):
        return
    if order.state not in (State.CHARGING, State.INTERRUPTED):
        raise NotNow(_("Nothing is being charged now."))
    progress = Progress.objects.filter(order=order).first()
    try:
        with transaction.atomic():
            go(
                order,
                State.STOPPING,
                why=why,
                stop_asked_at=clock.now(),
                stop_asked_kwh=progress.energy_kwh if progress else None,
            )
            ask(order, "update", network.update_state(order, network.STOP, end_reason=end_reason))
    except StaleMove as error:
        lost_the_race(order, error, State.STOPPING, State.STANDING, State.ENDED, State.SETTLED)


def stop_other_car(order: Order) -> None:
    """ "This is not my car": stopped, and free where that is said soon enough (AT-H4). The operator's bill says so."""
    why = gettext_noop("the driver says that this is another car")
    request_stop(order, why=why, end_reason=network.NOT_MY_CAR)


@transaction.atomic
def record_told(order: Order, *, told: Told, received_at: datetime) -> None:
    """`on_status` and `on_update`, asked for or not, in any order, any number of times."""
    if order.state == State.CONFIRM_REQUESTED:
        record_confirmation(
            order,
            network_order_id=told.network_order_id,
            instructions=told.instructions,
            start_key=told.start_key,
        )
    if not order.network_order_id or (
        told.network_order_id and told.network_order_id != order.network_order_id
    ):
        return
    keep_story(order, told=told, received_at=received_at)
    if order.state not in (State.ENDED, *OVER) and told.status == "ACTIVE":
        take_times(order, told)
    if order.state in (State.ENDED, *OVER):
        _compare_bill(order, told)
    elif told.status == "CANCELLED" or told.state == "order-cancelled":
        record_cancellation(order, told=told)
    elif is_standing(told):
        if keep_figures(order, told=told, received_at=received_at):
            stand(order, told, received_at=received_at)
    elif told.priced and (told.status == "COMPLETE" or told.state == "charging-ended"):
        keep_idle(order, told.idle, received_at=received_at)
        record_bill(order, told=told, bill=told.priced)
    elif told.state == "charging-ended":
        _await_bill(order)
    elif told.state == "charging-started":
        record_progress(order, told=told, received_at=received_at)


def record_progress(order: Order, *, told: Told, received_at: datetime) -> None:
    """News older than the newest adds its point to the curve and changes nothing else."""
    if keep_figures(order, told=told, received_at=received_at):
        keep_idle(order, told.idle, received_at=received_at)
        _follow(order, told)


def keep_figures(order: Order, *, told: Told, received_at: datetime) -> bool:
    """A point of the curve, and the newest figures if these are newer. True when they are."""
    told_at = _believable(told.at, received_at)
    reading_at = _believable(told.reading.at or told.at, received_at)
    reading = told.reading
    if reading.power_kw is not None or reading.energy_kwh is not None:
        point = ProgressPoint(
            order=order, at=reading_at, power_kw=reading.power_kw, energy_kwh=reading.energy_kwh
        )
        ProgressPoint.objects.bulk_create([point], ignore_conflicts=True)
    newest = _progress(order, told) | {
        "told_at": told_at,
        "reading_at": reading_at,
        "received_at": received_at,
    }
    return _is_newest(order, newest)


def _believable(at: datetime | None, received_at: datetime) -> datetime:
    """A clock that runs ahead would shut out everything that comes later."""
    return at if at and at <= received_at + CLOCK_SLACK else received_at


def _progress(order: Order, told: Told) -> dict[str, Any]:
    reading = told.reading
    same_money = told.priced and told.priced.currency == order.currency
    kept_until_said_anew = {
        "energy_kwh": reading.energy_kwh,
        "soc_percent": reading.soc_percent,
        "cost_amount": told.priced.total if same_money else None,
    }
    said = {name: value for name, value in kept_until_said_anew.items() if value is not None}
    return said | {"power_kw": reading.power_kw, "word": "Offline" if told.is_interrupted else reading.word}


def _is_newest(order: Order, newest: dict[str, Any]) -> bool:
    """Write it unless something newer is there. One conditional update decides between two workers."""
    older = Q(told_at__lt=newest["told_at"]) | Q(
        told_at=newest["told_at"], received_at__lt=newest["received_at"]
    )
    overtaken = Progress.objects.filter(older, order=order)
    if overtaken.update(**newest):
        return True
    _row, is_first = Progress.objects.get_or_create(order=order, defaults=newest)
    return is_first or bool(overtaken.update(**newest))  # another worker wrote an older one in between


def _follow(order: Order, told: Told) -> None:
    """The state that the newest reading proves."""
    to = State.INTERRUPTED if told.is_interrupted else State.CHARGING
    if order.state == to or order.state == State.STOPPING or not may_move(order, to):
        keep(order, part="figures" if order.state == State.CHARGING else "")
        return
    running = order.state in WITH_ENERGY
    go(
        order,
        to,
        why=gettext_noop("the link to the charger is lost")
        if told.is_interrupted
        else gettext_noop("energy flows"),
        started_at=order.started_at or told.started_at or told.at or clock.now(),
        # The day a charge may last counts from its start, not from every pause.
        deadline_at=order.deadline_at if running else clock.now() + WAITS[State.CHARGING].lasts,
    )
    if not running:
        request_tracking(order)


def _await_bill(order: Order) -> None:
    if order.state != State.STOPPING and may_move(order, State.STOPPING):
        go(
            order,
            State.STOPPING,
            why=gettext_noop("the charge ended; the bill is on its way"),
            ended_at=clock.now(),
        )


def record_bill(order: Order, *, told: Told, bill: Priced) -> None:
    """The final bill. What was authorised is the most that is ever taken."""
    payment = latest(side=DRIVER, reference=str(order.code))
    warnings = [key for key in order.warnings if not key.startswith("bill-")]
    held = payment.amount if payment else Decimal(0)
    if bill.lines and abs(bill.lines_total - bill.total) > Decimal("0.01"):
        warnings.append("bill-lines-do-not-add-up")
    if bill.total > held:
        warnings.append("bill-above-authorisation")
    write_lines(order, OrderLine.Kind.BILL, bill)
    go(
        order,
        State.ENDED,
        why=gettext_noop("the final bill came"),
        billed_amount=min(max(bill.total, Decimal(0)), held),
        billed_kwh=bill.energy_kwh,
        started_at=told.started_at or order.started_at,
        ended_at=told.ended_at or order.ended_at or told.at or clock.now(),
        ended_by=told.ended_by,
        meter_start=told.meter_start,
        meter_stop=told.meter_stop,
        warnings=warnings,
    )
    settle(order, payment_expected=payment is not None and held > 0)


def settle(order: Order, *, payment_expected: bool) -> None:
    if payment_expected:
        take_money(order, order.billed_amount)
    else:
        go(order, State.SETTLED, why=gettext_noop("nothing to pay"))


def _compare_bill(order: Order, told: Told) -> None:
    """A second, different bill is kept in the history for whoever asks. Only a lower one changes what is owed."""
    said = told.priced.total if told.priced and told.status == "COMPLETE" else None
    if said is None or order.billed_amount is None or said == order.billed_amount:
        return
    line = f"another bill came: {said} {told.priced.currency}"
    if "bill-above-authorisation" not in order.warnings and not order.events.filter(why=line).exists():
        note(order, line)
    if told.priced.currency == order.currency:
        owe_at_most(order, said)
