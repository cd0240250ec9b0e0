"""Setting closed bills right after a tariff mistake. The only writers of re-ratings.

`prepare` → `compare_due` (duty, nothing of a deal is written) → a person reads the differences → `let_go`, and above a
limit `approve` by a second person → `credit_due` (duty). A bill never changes: what was too much becomes a concession
with a credit note and a corrected invoice, and the app that has the money pays it back. What was too little stays the
operator's loss: a driver who accepted a price is not charged again.
"""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Sum
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.bookings import concessions, invoices, refusals, right_bills, selectors
from apps.bookings.models import Concession, ReratedBill, Rerating
from apps.bookings.pricing import Bill
from apps.catalog.models import Connector, Station, Tariff
from apps.lib import clock
from apps.lib.codes import new_code
from apps.lib.money import round_money
from apps.lib.moves import StaleMove, move

AT_ONCE = 50  # bills in memory, and in one transaction
MOST = 10_000
State, Outcome = Rerating.State, ReratedBill.Outcome


def prepare(**asked) -> Rerating:
    """Ask for a comparison: what `draft` takes."""
    return ask(draft(**asked))


def ask(rerating: Rerating) -> Rerating:
    with transaction.atomic():
        rerating.save()
        why = f"{rerating.prepared_by}: {rerating.reason}"
        rerating.events.create(was="", now=State.COMPARING, why=why[:300])
    return rerating


def draft(
    *,
    by: User,
    tariff: Tariff,
    reason: str,
    instead_of: Tariff | None = None,
    station: Station | None = None,
    connector: Connector | None = None,
    ended_from: datetime | None = None,
    ended_until: datetime | None = None,
    orders: list[str] | None = None,
) -> Rerating:
    """Not saved. Refused where it could touch another operator's bills, or where nobody said which of one's own."""
    operator = tariff.operator
    _refuse_unless_theirs(operator.pk, by)
    owners = [
        *([instead_of.operator_id] if instead_of else []),
        *([station.operator_id] if station else []),
        *([connector.evse.station.operator_id] if connector else []),
    ]
    if any(owner != operator.pk for owner in owners):
        raise refusals.NotYours(_("Everything you choose must belong to the operator of the tariff."))
    if not reason.strip():
        raise refusals.NotApplicable(_("Say why: the drivers read it."))
    if not (instead_of or station or connector or ended_from or orders):
        raise refusals.NotApplicable(
            _("Choose which bills: a version, a station, a plug, a time, or orders.")
        )
    rerating = Rerating(
        code=new_code("RRT"),
        operator=operator,
        tariff=tariff,
        instead_of=instead_of,
        station=station,
        connector=connector,
        ended_from=ended_from,
        ended_until=ended_until,
        orders=orders or [],
        reason=reason.strip(),
        prepared_by=by,
    )
    rerating.wanted = right_bills.wanted(rerating).count()
    if not rerating.wanted:
        raise refusals.NotApplicable(_("There is no bill like that."))
    if rerating.wanted > MOST:
        raise refusals.NotApplicable(
            _("{count} bills are too many for one re-rating; at most {most}.").format(
                count=rerating.wanted, most=MOST
            )
        )
    return rerating


def may_rerate(user: User, rerating: Rerating | None = None) -> bool:
    """Managers and finance of the operator, and administrators."""
    return concessions.may_decide(user) and (rerating is None or _is_theirs(rerating.operator_id, user))


def _is_theirs(operator_id: int, user: User) -> bool:
    return concessions.may_decide(user, operator_id=operator_id)


def _refuse_unless_theirs(operator_id: int, by: User) -> None:
    if not _is_theirs(operator_id, by):
        raise refusals.NotYours(_("You may not re-rate bills of this operator."))


def compare_due() -> int:
    """Duty: the next bills of each re-rating that is being compared. Killed in between, it goes on where it was."""
    rows = Rerating.objects.filter(state=State.COMPARING).select_related("tariff", "operator")
    return sum(_compare_next(row) for row in list(rows[:AT_ONCE]))


def _compare_next(rerating: Rerating) -> int:
    seen = rerating.compared_until
    bookings = list(
        right_bills.wanted(rerating).filter(pk__gt=seen).select_related("evse__station")[:AT_ONCE]
    )
    compared = right_bills.compare(bookings, rerating.tariff)  # the long part, before anything is locked
    try:
        with transaction.atomic():
            if not bookings:
                due = clock.now() + Rerating.DECIDED_WITHIN
                move(rerating, State.COMPARED, why=f"{rerating.bills.count()} bills", decide_until=due)
                return 0
            mine = Rerating.objects.filter(pk=rerating.pk, state=State.COMPARING, compared_until=seen)
            if not mine.update(compared_until=bookings[-1].pk):
                return 0  # another worker compared them, or it was withdrawn
            ReratedBill.objects.bulk_create(_row(rerating, one) for one in compared)
    except StaleMove:
        return 0
    return len(bookings)


def _row(rerating: Rerating, one: right_bills.Compared) -> ReratedBill:
    facts = {name: getattr(one, name) for name in ("outcome", "old_total", "new_total", "new_lines", "words")}
    return ReratedBill(rerating=rerating, booking=one.booking, **facts)


def totals(rerating: Rerating) -> dict[str, tuple[int, Decimal]]:
    """Outcome → how many bills, and their differences together; rounded, because SQLite adds in binary."""
    rows = rerating.bills.order_by().values_list("outcome")
    return {
        outcome: (count, round_money(total, rerating.currency))
        for outcome, count, total in rows.annotate(
            count=Count("pk"), total=Sum(F("new_total") - F("old_total"))
        )
    }


def to_credit(rerating: Rerating) -> Decimal:
    """How much would go back."""
    return -totals(rerating).get(Outcome.CREDIT, (0, Decimal(0)))[1]


def needs_second(rerating: Rerating) -> bool:
    alone = Decimal(str(settings.REFUNDS["RERATE_ALONE"].get(rerating.currency, 0)))
    return to_credit(rerating) > alone


def let_go(rerating: Rerating, *, by: User) -> None:
    """Credit what was too much; above the limit only once a second person agrees."""
    _refuse_unless_theirs(rerating.operator_id, by)
    if rerating.state in (State.WAITING, State.CREDITING, State.DONE):
        return  # pressed twice
    _refuse_unless_compared(rerating, State.COMPARED)
    if needs_second(rerating):
        _moved(rerating, State.WAITING, why=f"{by} asks a second person", needs_second=True)
    else:
        _moved(rerating, State.CREDITING, why=f"let go by {by}", approved_by=by, decide_until=None)


def approve(rerating: Rerating, *, by: User) -> None:
    """The second person. Whoever prepared it, or asked for it, is none."""
    _refuse_unless_theirs(rerating.operator_id, by)
    if rerating.state in (State.CREDITING, State.DONE):
        return
    _refuse_unless_compared(rerating, State.WAITING)
    if by.pk == rerating.prepared_by_id:
        raise refusals.NotYours(_("Nobody approves their own re-rating. Somebody else must."))
    _moved(rerating, State.CREDITING, why=f"approved by {by}", approved_by=by, decide_until=None)


def withdraw(rerating: Rerating, *, by: User) -> None:
    """Before anything was credited."""
    _refuse_unless_theirs(rerating.operator_id, by)
    if rerating.state == State.WITHDRAWN:
        return
    if State.WITHDRAWN not in Rerating.MOVES[rerating.state]:
        raise refusals.NotApplicable(_("It is too late to withdraw: bills are being credited."))
    _moved(rerating, State.WITHDRAWN, why=f"withdrawn by {by}", decide_until=None, closed_at=clock.now())


def _refuse_unless_compared(rerating: Rerating, state: str) -> None:
    if rerating.state != state:
        raise refusals.NotApplicable(_("This re-rating is {}.").format(rerating.get_state_display()))


def _moved(rerating: Rerating, to: str, *, why: str, **changes) -> None:
    try:
        move(rerating, to, why=why, **changes)
    except StaleMove as lost:
        rerating.refresh_from_db()
        if rerating.state != to:
            raise refusals.NotApplicable(_("Somebody else has decided this instant.")) from lost


def credit_due() -> int:
    """Duty: the next credits of each re-rating that was let go, each in a transaction of its own."""
    rows = Rerating.objects.filter(state=State.CREDITING).select_related("approved_by")
    return sum(_credit_next(row) for row in list(rows[:AT_ONCE]))


def _credit_next(rerating: Rerating) -> int:
    bills = list(rerating.bills.filter(outcome=Outcome.CREDIT)[:AT_ONCE])
    if not bills:
        with suppress(StaleMove):
            move(rerating, State.DONE, why="every bill was dealt with", closed_at=clock.now())
        return 0
    return sum(_credit(bill, rerating) for bill in bills)


def _credit(bill: ReratedBill, rerating: Rerating) -> bool:
    try:
        with transaction.atomic():
            if not _settle(bill, Outcome.CREDITED):
                return False
            ReratedBill.objects.filter(pk=bill.pk).update(concession=_concede(bill, rerating))
    except (refusals.TooMuchBack, Overtaken):
        return _settle(bill, Outcome.OVERTAKEN)
    return True


class Overtaken(Exception):
    """Something else of this bill was set right since it was compared."""


def _settle(bill: ReratedBill, outcome: str) -> bool:
    """Of two workers one has it."""
    return bool(ReratedBill.objects.filter(pk=bill.pk, outcome=Outcome.CREDIT).update(outcome=outcome))


def _concede(bill: ReratedBill, rerating: Rerating) -> Concession:
    """The row of the booking is ours from the first line on, so that the look at what was corrected holds."""
    amount = -bill.difference
    concessions.take_from_bill(bill.booking_id, amount)
    booking = selectors.all_bookings().get(pk=bill.booking_id)
    if booking.final_total - right_bills.corrections([booking]).get(booking.pk, 0) != bill.old_total:
        raise Overtaken
    standing = invoices.standing(booking)
    concession = Concession.objects.create(
        code=new_code("RFD"),
        booking=booking,
        app_ref=rerating.code,
        state=Concession.State.AGREED,
        asked_amount=amount,
        amount=amount,
        type=right_bills.OVERCHARGE,
        reason_id="R01",
        words=rerating.reason,
        decided_by=rerating.approved_by,
        corrects=standing.name if standing else booking.code[:20],
    )
    why = f"{rerating.code}: {rerating.reason}"
    concession.events.create(was="", now=Concession.State.AGREED, why=why)
    invoices.credit(booking, reason=why, right=Bill.from_json(bill.new_lines, booking.currency))
    concessions.tell(booking.pk)
    return concession


def move_overdue() -> int:
    """Duty: a comparison nobody decided about is no basis for money any more."""
    late = Rerating.objects.filter(state__in=(State.COMPARED, State.WAITING), decide_until__lte=clock.now())
    return sum(_forget(row) for row in list(late[:AT_ONCE]))


def _forget(rerating: Rerating) -> bool:
    changes = {"decide_until": None, "closed_at": clock.now()}
    try:
        move(rerating, State.WITHDRAWN, why="nobody decided in time; compare again", **changes)
    except StaleMove:
        return False
    return True
