"""What a driver reads of a report to support. The words of the conversation itself are on its page and in the mail: a
push stands on a locked screen."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.formats import date_format
from django.utils.translation import gettext as _


def title_of(facts: dict[str, Any]) -> str:
    titles = {
        "opened": _("Report {code}: we have it"),
        "asked-driver": _("Report {code}: we need an answer from you"),
        "replied": _("Report {code}: an answer"),
        "operator-answered": _("Report {code}: {operator} wrote to you"),
        "taken": _("Report {code}: somebody has it"),
        "asked-operator": _("Report {code}: the operator was asked"),
        "priority": _("Report {code}: new times"),
        "escalated": _("Report {code}: one level up"),
        "merged": _("Report {code}: goes on in another one"),
        "reopened": _("Report {code}: open again"),
        "resolved": _("Report {code}: solved"),
        "closed": _("Report {code}: closed"),
    }
    title = titles.get(facts["verb"], _("Report {code}: news"))
    return title.format(code=facts["code"], operator=facts.get("operator") or _("The operator"))


def sentence_of(facts: dict[str, Any]) -> str:
    verb = facts["verb"]
    if verb in ("opened", "priority", "reopened"):
        return _promises(facts)
    sentences = {
        "asked-driver": _("Until you answer, our clock stands. Read and answer on its page."),
        "taken": _("Somebody of our support looks at it now."),
        "asked-operator": _("We wait for what it says, and our clock runs on."),
        "merged": _("You have one place to look at."),
        "resolved": _("Not solved? You can open it again for seven days."),
        "closed": _("Nothing more happens to it."),
    }
    if verb == "escalated":
        return _("It is settled by {time}.").format(time=_time(facts.get("settle_by"), facts))
    return sentences.get(verb, _("Read and answer on its page."))


def _promises(facts: dict[str, Any]) -> str:
    settle = _time(facts.get("settle_by"), facts)
    if not facts.get("reply_by"):
        return _("It is settled by {time}.").format(time=settle)
    reply = _time(facts["reply_by"], facts)
    return _("You get a first answer by {reply}, and it is settled by {settle}.").format(
        reply=reply, settle=settle
    )


def _time(text: str | None, facts: dict[str, Any]) -> str:
    if not text:
        return "–"
    local = datetime.fromisoformat(text).astimezone(_zone(facts.get("zone") or "UTC"))
    return f"{date_format(local, 'j M')}, {local:%H:%M %Z}"


def _zone(name: str) -> ZoneInfo:
    """A catalog may name a zone that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
