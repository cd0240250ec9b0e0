"""Many tickets at once, for counting queries and for the bench."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from apps.accounts.models import User
from apps.lib import clock
from apps.support.models import Ticket
from apps.support.states import PROMISES, Priority, State

S = State
STATES = (S.OPEN, S.ACKNOWLEDGED, S.IN_PROGRESS, S.WAITING_FOR_DRIVER, S.ESCALATED, S.RESOLVED, S.CLOSED)


def many_tickets(count: int, *, people: Sequence[User | None] = (None,), operators: int = 0) -> None:
    """Of every state and priority, older and older; every other one of an operator when there are any."""
    now = clock.now()
    rows = (_ticket(number, now, people, operators) for number in range(count))
    Ticket.objects.bulk_create(rows, batch_size=2000)


def _ticket(number: int, now, people: Sequence[User | None], operators: int) -> Ticket:
    state = STATES[number % len(STATES)]
    priority = Priority.values[number % len(Priority.values)]
    opened_at = now - timedelta(minutes=number)
    side = Ticket.Side.OPERATOR if operators and number % 2 else Ticket.Side.DRIVER
    due_at = opened_at + PROMISES[priority].settle
    return Ticket(
        code=f"TK-{number:08d}",
        press_key=uuid4().hex,
        side=side,
        operator_code=f"op-{number % operators}" if side == Ticket.Side.OPERATOR else "",
        state=state,
        priority=priority,
        what="other",
        station_name=f"Station {number % 997}",
        operator_name="SparkDock",
        transaction_id=uuid4(),
        network_ref=f"BK-{number:07d}",
        assignee=people[number % len(people)],
        opened_at=opened_at,
        changed_at=opened_at,
        reply_due_at=opened_at + PROMISES[priority].reply,
        settle_due_at=due_at,
        deadline_at=None if state == S.CLOSED else due_at,
        paused_at=opened_at if state == S.WAITING_FOR_DRIVER else None,
        waits_for_operator=number % 11 == 0,
        breached_at=now if number % 13 == 0 else None,
    )
