"""The course of a charge as pages show it: chips, steps of starting and stopping, interruptions on the curve. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.orders import wording
from apps.orders.models import Order, Progress, ProgressMark
from apps.orders.states import State as S

PAUSES = {"paused-by-car", "paused-by-station", "fault", "site-offline"}
# What a chip of the live page tells; the rest only explains a start that is still on its way.
SHOWN = {"plugged-in", "charging", *PAUSES, "stop-asked", "stop-accepted", "stopped", "meter-awaited"}
SHOWN |= {"meter-final", "meter-estimated"}


def chips(marks: Sequence[ProgressMark]) -> list[dict[str, Any]]:
    """What happened, in its order; how long a pause lasted, once it is over."""
    last_try = max((n for n, mark in enumerate(marks) if mark.stage == "start-asked"), default=0)
    shown = [mark for mark in marks[last_try:] if mark.stage in SHOWN]
    return [_chip(mark, after) for mark, after in zip(shown, [*shown[1:], None], strict=False)]


def _chip(mark: ProgressMark, after: ProgressMark | None) -> dict[str, Any]:
    words, icon, tone = wording.STAGES[mark.stage]
    lasted = after.at - mark.at if after and mark.stage in PAUSES else None
    return {
        "words": words,
        "icon": icon,
        "tone": tone,
        "at": mark.at,
        "by": wording.PARTIES.get(mark.by, ""),
        "lasted": lasted,
        "is_now": after is None,
    }


def interruptions(marks: Sequence[ProgressMark], now: datetime) -> list[list[int]]:
    """From and to, in seconds, where no energy could flow: the curve is shaded there."""
    instants = [mark.at for mark in marks] + [now]
    return [
        [int(mark.at.timestamp()), int(after.timestamp())]
        for mark, after in zip(marks, instants[1:], strict=True)
        if mark.stage in PAUSES and after > mark.at
    ]


def other_plug(order: Order, marks: Sequence[ProgressMark]) -> str:
    """The letter where a car was plugged in while we wait for ours (AT-H4); "" when it was at ours, or nowhere."""
    since = [mark for mark in marks if mark.at >= order.state_since - timedelta(seconds=5)]
    if any(mark.stage == "plugged-in" for mark in since):
        return ""
    return next((mark.detail for mark in reversed(since) if mark.stage == "other-plug"), "")


def start_steps(order: Order, marks: Sequence[ProgressMark]) -> list[dict[str, Any]]:
    """Between Start and the first energy, done only when proved; nothing when the operator tells no such steps."""
    seen = _first_since(marks, order.state_since - timedelta(seconds=5))
    if not seen.keys() & {"start-asked", "start-accepted", "plugged-in"}:
        return []
    steps = [
        (_("You pressed Start"), order.state_since),
        (_("The charger is ready"), seen.get("start-accepted") or seen.get("plugged-in")),
        (_("The cable is in the car"), seen.get("plugged-in")),
        (_("Energy flows"), seen.get("charging")),
    ]
    return _timed(steps, order.state_since)


def stop_steps(
    order: Order, progress: Progress | None, marks: Sequence[ProgressMark], *, request_taken: bool
) -> list[dict[str, Any]]:
    """Each step shows as done only when it is proved, with the seconds since Stop was pressed where they are known."""
    asked_at = order.stop_asked_at
    quiet = bool(progress and asked_at and progress.reading_at > asked_at and progress.power_kw == 0)
    seen = _first_since(marks, (asked_at or order.state_since) - timedelta(seconds=60))
    ended = next(
        (seen[stage] for stage in ("stopped", "meter-final", "meter-awaited") if stage in seen), None
    )
    steps: list[tuple[Any, Any]] = [
        (_("You pressed Stop") if asked_at else _("The charge ended"), asked_at or True),
        (
            _("The operator has your request") if asked_at else _("The operator told us"),
            seen.get("stop-asked") or request_taken or not asked_at,
        ),
    ]
    if "stop-asked" in seen:  # an operator that tells what its charger answers
        steps.append((_("The charger took the stop"), seen.get("stop-accepted") or ended))
    steps.append((_("No more power flows"), ended or quiet or not asked_at))
    if "stop-asked" in seen or "meter-awaited" in seen:
        steps.append((_("The last reading of the meter"), seen.get("meter-final")))
    return _timed([*steps, (_("The final bill"), False)], asked_at)


def _first_since(marks: Sequence[ProgressMark], since: datetime) -> dict[str, datetime]:
    return {mark.stage: mark.at for mark in reversed(marks) if mark.at >= since}


def _timed(steps: list[tuple[Any, Any]], since: datetime | None) -> list[dict[str, Any]]:
    return [
        {"words": words, "is_done": bool(done), "seconds": _seconds(done, since)} for words, done in steps
    ]


def _seconds(done: Any, since: datetime | None) -> int | None:
    """A charger's clock may be a little behind ours: nothing is done before it was asked."""
    if not isinstance(done, datetime) or since is None:
        return None
    return max(0, round((done - since).total_seconds()))


def banner(order: Order, progress: Progress | None) -> dict[str, Any] | None:
    """Why no energy flows, honestly: by whom, and what that means for the bill."""
    if order.state == S.STOPPING and not order.closes_by:
        return None
    if order.closes_by and order.state in (S.CHARGING, S.INTERRUPTED, S.STOPPING):
        return wording.CLOSING
    if order.state == S.INTERRUPTED:
        return wording.PAUSES["Offline"]
    return wording.PAUSES.get(progress.word) if progress else None
