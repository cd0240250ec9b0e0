"""Whose words others may read. Published at once; what a rule doubts or several readers report waits for support.

An undecided wait ends after seven days: words that a rule or three readers held stay hidden, a lone report falls.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts.models import User
from apps.accounts.roles import is_support
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.ratings import rules
from apps.ratings.models import GivenRating, RatingEvent, WordsReport
from apps.ratings.states import LOOKED_AT_WITHIN, READERS_THAT_HIDE, SHOWN, WAITING, Words

BATCH = 50
WRITTEN = gettext_noop("written by the driver")


class NotYours(Refused):
    status = 403

    def __init__(self) -> None:
        super().__init__(_("Only support decides about the words of a rating."))


class NoReason(Refused):
    code = "30000"


class NotShown(Refused):
    code = "40001"


def take_words(rating: GivenRating, words: str, *, by: User) -> None:
    """The driver's words as they are now. Those that somebody hid are looked at again, whatever they say now."""
    if words == rating.words:
        return
    doubts = rules.doubts_of(words)
    was_hidden = _was_hidden(rating) or (rating.state == Words.HELD and _reports(rating) > 0)
    to = Words.HELD if doubts or (was_hidden and words) else Words.PUBLISHED
    if was_hidden and not words:
        to = rating.state
    changes = {"words": words, "doubts": doubts, "decided_at": None, "decision": ""}
    if to == Words.PUBLISHED and rating.state == Words.REPORTED and words:
        to = rating.state  # what readers said is not undone by another word
    _go(rating, to, by=by, why=WRITTEN, **changes)


def _was_hidden(rating: GivenRating) -> bool:
    """By support, or in the end by nobody: the newest decision counts, whatever was written since."""
    newest = rating.events.filter(now__in=(Words.APPROVED, Words.HIDDEN)).order_by("pk").last()
    return newest is not None and newest.now == Words.HIDDEN


@transaction.atomic
def report(rating: GivenRating, *, reader: User, why: str) -> bool:
    """A reader objects to words that are shown. False when they did so before. Objections of several hold them."""
    if rating.state not in SHOWN or not rating.words:
        raise NotShown(_("These words are not shown any more."))
    if rating.order.driver_id == reader.pk:
        raise NotShown(_("These are your own words. You can change them with your rating."))
    facts, since = {"why": why, "at": clock.now()}, _looked_at(rating)
    row, is_new = WordsReport.objects.get_or_create(rating=rating, reader=reader, defaults=facts)
    if not is_new:
        if row.at > since:
            return False
        WordsReport.objects.filter(pk=row.pk).update(**facts)  # of other words than these
    many = _reports(rating) >= READERS_THAT_HIDE
    if many:
        _go(rating, Words.HELD, by=reader, why=gettext_noop("reported by several readers"))
    elif rating.state == Words.PUBLISHED:
        _go(rating, Words.REPORTED, by=reader, why=gettext_noop("reported by a reader"))
    return True


def _reports(rating: GivenRating) -> int:
    """Of these very words, since somebody looked."""
    return rating.reports.filter(at__gt=_looked_at(rating)).count()


def _looked_at(rating: GivenRating) -> datetime:
    written = rating.events.filter(why=WRITTEN).order_by("pk").last()
    return max(filter(None, (rating.decided_at, written and written.at)), default=rating.given_at)


def approve(rating: GivenRating, *, by: User, why: str = "") -> None:
    """Anybody may read them."""
    _decide(rating, Words.APPROVED, by=by, why=why or gettext_noop("looked at: may be shown"))


def hide(rating: GivenRating, *, by: User, why: str) -> None:
    """Nobody reads them; the driver reads why. The stars count on."""
    if not why.strip():
        raise NoReason(_("Whoever hides words says why: their driver reads it."))
    _decide(rating, Words.HIDDEN, by=by, why=why.strip())


def _decide(rating: GivenRating, to: str, *, by: User, why: str) -> None:
    if not is_support(by) or rating.order.driver_id == by.pk:
        raise NotYours
    if rating.state == to:
        return
    try:
        _go(rating, to, by=by, why=why, decided_at=clock.now(), decision=why[:300])
    except StaleMove as lost:
        rating.refresh_from_db()
        if rating.state != to:
            raise NotShown(_("Somebody else has just decided about these words.")) from lost


@transaction.atomic
def _go(rating: GivenRating, to: str, *, by: User | None, why: str, **changes: Any) -> None:
    """Move, or stay and leave a line; what waits gets its deadline."""
    changes["decide_until"] = clock.now() + LOOKED_AT_WITHIN if to in WAITING else None
    if to == rating.state:
        GivenRating.objects.filter(pk=rating.pk).update(**changes)
        rating.events.create(was=to, now=to, why=why[:300])
        rating.refresh_from_db()
    else:
        move(rating, to, why=why, **changes)
    newest = rating.events.latest("pk")
    RatingEvent.objects.filter(pk=newest.pk).update(by=by, words=rating.words)


def decide_overdue() -> int:
    """Duty: words that nobody looked at in time."""
    due = GivenRating.objects.filter(decide_until__lte=clock.now())
    return sum(_give_in(rating) for rating in list(due[:BATCH]))


def _give_in(rating: GivenRating) -> bool:
    to = Words.HIDDEN if rating.state == Words.HELD else Words.PUBLISHED
    why = gettext_noop("nobody looked at them in time")
    try:
        _go(rating, to, by=None, why=why, decision=why if to == Words.HIDDEN else "")
    except StaleMove:
        return False
    return True
