"""The form that an operator offers with `on_rating`: read, asked by us, answered by a signed POST (BECKN-007).

Only a form on the operator's registered host is read and answered; of any other, and of one that cannot be read, a
link is shown.
Reading and sending are duties, outside every transaction. Answers that were sent when a sender died are sent again.
"""

import json
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.beckn import addresses, hooks
from apps.beckn.models import Side, Subscriber
from apps.beckn.participant import RegistrySilent
from apps.beckn.transport import Answer, Gone, NotForMachines, Transport, Unreadable
from apps.beckn.wire.v1_1 import Verdict
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.live import push
from apps.ratings import questions
from apps.ratings.models import FeedbackForm, GivenRating
from apps.ratings.states import ANSWERED_WITHIN, Form

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
RETRY_AFTER = timedelta(seconds=10)
MOST_TRIES = 6
A_ROUND = 3
FORM_TYPE = "application/x-www-form-urlencoded"


class NotOffered(Refused):
    code = "40001"


def find(rating: GivenRating, *, url: str, is_required: bool) -> None:
    """An operator offered a form. The first one counts; an address that nobody should follow is none."""
    try:
        addresses.check_link(url)
    except addresses.AddressRefused as refusal:
        log.info("a feedback form was refused", rating=rating.pk, why=str(refusal))
        return
    now = clock.now()
    facts = {"url": url, "is_required": is_required, "found_at": now, "act_at": now}
    FeedbackForm.objects.get_or_create(rating=rating, defaults=facts)


def host_of(form: FeedbackForm) -> str:
    return urlsplit(form.url).hostname or ""


@transaction.atomic
def answer(form: FeedbackForm, answers: list[list[str]]) -> None:
    """The driver's answers, [[name, value], …]. Pressed twice is once; refused ones may be given anew."""
    if form.state in (Form.ANSWERED, Form.SENDING, Form.TAKEN):
        return
    if form.state not in (Form.OFFERED, Form.REFUSED):
        raise NotOffered(_("This form cannot be answered any more."))
    try:
        _go(form, Form.ANSWERED, why="answered", answers=answers, act_at=clock.now(), tries=0, last_error="")
    except StaleMove:
        form.refresh_from_db()


# --- Duties -----------------------------------------------------------------------------------------------


def work_due() -> int:
    """Duty: forms to be read, and answers to be sent."""
    due = FeedbackForm.objects.filter(state__in=(Form.FOUND, Form.ANSWERED), act_at__lte=clock.now())
    rows = due.select_related("rating__order__driver").order_by("act_at")
    return sum(_work(form) for form in list(rows[:A_ROUND]))


def _work(form: FeedbackForm) -> bool:
    reads = form.state == Form.FOUND
    if not _claim(form, Form.READING if reads else Form.SENDING):
        return False
    (_read if reads else _send)(form)
    return True


def _claim(form: FeedbackForm, to: str) -> bool:
    try:
        _go(form, to, why="begun", act_at=clock.now() + LEASE)
    except StaleMove:
        return False
    return True


def move_overdue() -> int:
    """Duty: workers that died, and forms that nobody answered."""
    overdue = FeedbackForm.objects.filter(act_at__lte=clock.now())
    back = {Form.READING: Form.FOUND, Form.SENDING: Form.ANSWERED, Form.OFFERED: Form.LINK}
    rows = overdue.filter(state__in=back).select_related("rating__order__driver")
    return sum(_back(form, back[Form(form.state)]) for form in list(rows[:50]))


def _back(form: FeedbackForm, to: str) -> bool:
    why = "not answered in time" if to == Form.LINK else "whoever was at it died"
    try:
        _go(form, to, why=why, act_at=None if to == Form.LINK else clock.now())
    except StaleMove:
        return False
    return True


def _read(form: FeedbackForm) -> None:
    try:
        hooks.check_owned(form.url, peer_id=form.rating.bpp_id, type=Subscriber.Type.BPP)
        html = _transport().get_text(form.url, accept="text/html", language=form.rating.order.driver.language)
        asked, posts_to = questions.read_form(html, form.url)
        hooks.check_owned(posts_to, peer_id=form.rating.bpp_id, type=Subscriber.Type.BPP)
    except (addresses.AddressRefused, questions.Unreadable, Gone, NotForMachines) as fault:
        return _only_a_link(form, str(fault))
    except (RegistrySilent, Unreadable) as fault:
        if form.tries + 1 >= MOST_TRIES:
            return _only_a_link(form, str(fault))
        return _later(form, Form.FOUND, str(fault))
    offered = {"questions": questions.to_json(asked), "posts_to": posts_to, "last_error": "", "tries": 0}
    _go(form, Form.OFFERED, why="read", act_at=clock.now() + ANSWERED_WITHIN, **offered)


def _only_a_link(form: FeedbackForm, why: str) -> None:
    _go(form, Form.LINK, why=f"cannot be asked here: {why}", act_at=None, last_error=why[:300])


def _send(form: FeedbackForm) -> None:
    body = urlencode([tuple(pair) for pair in form.answers]).encode()
    answer = hooks.send(
        body,
        side=Side.BAP,
        peer_id=form.rating.bpp_id,
        url=form.posts_to,
        method="POST",
        transport=_transport(),
        content_type=FORM_TYPE,
    )
    said = _reply(answer)
    errors = _errors(said)
    why = errors or answer.error_message or f"HTTP {answer.http_status}"
    if errors or answer.verdict == Verdict.REFUSED:
        _go(form, Form.REFUSED, why=why, act_at=None, last_error=why[:300])
    elif answer.verdict == Verdict.ACCEPTED:
        taken = {"submission_id": str(said.get("submission_id") or "")[:100], "last_error": ""}
        _go(form, Form.TAKEN, why="taken", act_at=None, **taken)
    elif form.tries + 1 >= MOST_TRIES:
        _go(form, Form.GIVEN_UP, why=why, act_at=None, last_error=why[:300])
    else:
        _later(form, Form.ANSWERED, why)


def _reply(answer: Answer) -> dict[str, Any]:
    """{status, submission_id, errors[]}; a peer that says nothing of the kind has still taken a 200."""
    try:
        said = json.loads(answer.text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _errors(said: dict[str, Any]) -> str:
    errors = said.get("errors")
    listed = errors if isinstance(errors, list) else []
    words = [
        str(one.get("message") or one.get("code") or "") if isinstance(one, dict) else str(one)
        for one in listed
    ]
    return "; ".join(word for word in words if word)[:300]


def _later(form: FeedbackForm, to: str, why: str) -> None:
    at = clock.now() + RETRY_AFTER * 2 ** min(form.tries, 6)
    _go(form, to, why=f"not now: {why}", act_at=at, tries=form.tries + 1, last_error=why[:300])


@cache
def _transport() -> Transport:
    return Transport()


def _go(form: FeedbackForm, to: str, *, why: str, **changes: Any) -> None:
    with transaction.atomic():
        move(form, to, why=why, **changes)
        push.changed_on_commit("order", str(form.rating.order.code))
