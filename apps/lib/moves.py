"""States change here and nowhere else.

A noun that has states declares `State` (TextChoices), `MOVES` (state → states it may go to) and has an events table
(`related_name="events"`, columns was, now, why). `move` is one conditional update: of several racing writers one wins,
the others get StaleMove, reload, and decide again.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import models, transaction

DECISIONS = 3  # so often in a row nobody is overtaken but by a bug


class IllegalMove(Exception):
    """The table has no such move. `Refused` is for people; this one is for the service that asked."""

    def __init__(self, obj: models.Model, was: str, to: str):
        super().__init__(f"{obj._meta.label} {obj.pk} may not go from {was} to {to}")


class StaleMove(Exception):
    """Somebody else moved it first: reload and decide again."""

    def __init__(self, obj: models.Model, was: str):
        super().__init__(f"{obj._meta.label} {obj.pk} is no longer {was}")
        self.obj = obj


class Event(models.Model):
    """One line of history. Each room has its own concrete table with a foreign key named `of`."""

    was = models.CharField(max_length=32)
    now = models.CharField(max_length=32)
    why = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.was} → {self.now}: {self.why}"


def move(obj: models.Model, to: str, *, why: str, **changes: Any) -> None:
    """Move `obj` to state `to`, write `changes` with it and leave an event row; all or nothing.

    Raises IllegalMove when MOVES forbids it, StaleMove when the row is no longer in the state that `obj` holds.
    """
    was = obj.state
    if to not in obj.MOVES[was]:
        raise IllegalMove(obj, was, to)
    with transaction.atomic():
        if not type(obj)._base_manager.filter(pk=obj.pk, state=was).update(state=to, **changes):
            raise StaleMove(obj, was)
        obj.events.create(was=was, now=to, why=why[:300])
    obj.refresh_from_db()


def decide(decision: Callable[[], None], *, unless_lost: models.Model) -> None:
    """Run `decision` in a transaction; when a row has moved under it, undo, look again and decide anew.

    Not when `unless_lost` itself was moved: then somebody else is doing this very work.
    """
    for left in reversed(range(DECISIONS)):
        try:
            with transaction.atomic():
                return decision()
        except StaleMove as stale:
            if stale.obj is unless_lost or not left:
                raise


def may_move(obj: models.Model, to: str) -> bool:
    return to in obj.MOVES[obj.state]


def check_moves(
    states: type[models.TextChoices],
    moves: Mapping[str, frozenset[str] | set[str]],
    first: Iterable[str] = (),
) -> list[str]:
    """What is wrong with a table of moves, in words; an empty list when it is sound.

    Rows begin in one of the states in `first`, by default in the first of `states`.
    """
    faults = [f"{state} is missing from MOVES" for state in states.values if state not in moves]
    faults += [
        f"{was} → {to}: no such state" for was in moves for to in moves[was] if to not in states.values
    ]
    frontier = list(first) or [states.values[0]]
    reached = set(frontier)
    while frontier:
        for to in moves.get(frontier.pop(), ()):
            if to not in reached:
                reached.add(to)
                frontier.append(to)
    return faults + [f"{state} can never be reached" for state in states.values if state not in reached]
