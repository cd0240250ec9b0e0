"""How the charge went, as the operator tells it: kept line by line, beside the figures."""

from datetime import datetime, timedelta
from typing import Any

from apps.lib import clock
from apps.orders.models import Order, ProgressMark
from apps.orders.services.steps import keep
from apps.orders.states import State
from apps.orders.story import mark_of_word
from apps.orders.told import Mark, StartKey, Told

CLOCK_SLACK = timedelta(seconds=60)
MOST_MARKS = 200  # of one order, whatever an operator says
LONGEST_PLUG_IN = timedelta(minutes=15)
ANSWER_TAKES = timedelta(seconds=30)  # after the charger gave up, the operator still has to tell us


def keep_story(order: Order, *, told: Told, received_at: datetime) -> None:
    """Told again it is known; told late it takes its place by its own time."""
    at = told.at or received_at
    if order.heard_at and at < order.heard_at:
        _keep_marks(order, told.marks, received_at)
        return
    marks = told.marks or _mark_of_word(order, told, at)
    facts = {
        "plug_in_by": told.facts.plug_in_by,
        "closes_by": told.facts.closes_by,
        "free_until": told.facts.free_until,
        "not_my_car_until": told.facts.not_my_car_until,
        "other_plug": told.facts.other_plug if order.state == State.STARTING else {},
        "meter_is_estimated": told.facts.is_estimated or order.meter_is_estimated,
    }
    if told.start_key and order.state in (State.CONFIRMED, State.STARTING):
        facts |= start_key_facts(told.start_key)
    changed = {name: value for name, value in facts.items() if getattr(order, name) != value}
    changed |= _wait_as_long_as_the_charger(order, told)
    Order.objects.filter(pk=order.pk).update(heard_at=min(at, received_at + CLOCK_SLACK))
    if _keep_marks(order, marks, received_at) or changed:
        keep(order, **changed)


def start_key_facts(key: StartKey | None) -> dict[str, Any]:
    """A message that says nothing of it takes nothing back: not every one repeats it."""
    if key is None:
        return {}
    return {"start_key_kind": key.kind, "start_code": key.code, "start_code_until": key.until}


def _keep_marks(order: Order, marks: tuple[Mark, ...], received_at: datetime) -> bool:
    if not marks:
        return False
    known = set(order.marks.values_list("stage", "at"))
    believable = received_at + CLOCK_SLACK
    fresh = [mark for mark in marks if (mark.stage, mark.at) not in known and mark.at <= believable]
    rows = [ProgressMark(order=order, **vars(mark)) for mark in fresh[: max(0, MOST_MARKS - len(known))]]
    ProgressMark.objects.bulk_create(rows, ignore_conflicts=True)
    return bool(rows)


def _mark_of_word(order: Order, told: Told, at: datetime) -> tuple[Mark, ...]:
    """Of an operator that keeps no ledger: a mark whenever its word is another."""
    word = "Offline" if told.is_interrupted else told.reading.word
    mark = mark_of_word(word, at) if told.state == "charging-started" else None
    last = order.marks.last()
    return () if mark is None or (last and last.stage == mark.stage) else (mark,)


def _wait_as_long_as_the_charger(order: Order, told: Told) -> dict[str, datetime]:
    """AT-B1: the start is given up when the charger gives it up, neither sooner nor later."""
    now, until = clock.now(), told.facts.plug_in_by
    if order.state != State.STARTING or until is None or not now < until <= now + LONGEST_PLUG_IN:
        return {}
    deadline_at = until + ANSWER_TAKES
    return {} if deadline_at == order.deadline_at else {"deadline_at": deadline_at}
