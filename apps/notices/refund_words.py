"""What a driver reads of a refund, from how it stood when it happened (news.py)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from apps.lib.money import format_money


def title_of(facts: dict[str, Any]) -> str:
    titles = {
        "REQUESTED": _("A refund of {amount} is asked for"),
        "APPROVED": _("Your refund of {amount} is approved"),
        "DECLINED": _("Your refund of {amount} is declined"),
        "SENT": _("Your refund of {amount} is with your bank"),
        "SETTLED": _("Your refund of {amount} is paid back"),
        "FAILED": _("Your bank refused the refund of {amount}"),
        "OVERDUE": _("Your refund of {amount} is late"),
    }
    amount = format_money(Decimal(facts["amount"]), facts["currency"])
    return titles[facts["occasion"]].format(amount=amount)


def sentence_of(facts: dict[str, Any]) -> str:
    occasion = facts["occasion"]
    if occasion == "REQUESTED":
        return _asked(facts)
    if occasion == "DECLINED":
        return _("Declined: {why}").format(why=_(facts["why"])) if facts["why"] else _("No reason was given.")
    sentences = {
        "APPROVED": _("The money goes back the way you paid, at the latest on {day}."),
        "SENT": _("Your bank has it and books it at the latest on {day}."),
        "SETTLED": _("Paid back on {day}, the way you paid."),
        "FAILED": _("The bank could not pay it back. Support has been told and looks for another way."),
        "OVERDUE": _(
            "It was promised for {day}. Support has been told and asks the bank. You need do nothing."
        ),
    }
    day = _day(facts["closed_on" if occasion == "SETTLED" else "promised_on"])
    return f"{sentences[occasion].format(day=day)}{_reference(facts)}"


def _asked(facts: dict[str, Any]) -> str:
    hear = _("You hear by {day}.").format(day=_day(facts["decided_by"]))
    if not facts["operator"]:
        return hear
    return " ".join([_("{operator} has been asked.").format(operator=facts["operator"]), hear])


def _reference(facts: dict[str, Any]) -> str:
    """By which a bank finds it."""
    if not facts["reference"] or facts["occasion"] not in ("SENT", "SETTLED", "OVERDUE"):
        return ""
    return " " + _("Reference of the bank: {reference}").format(reference=facts["reference"])


def _day(text: str) -> str:
    return formats.date_format(date.fromisoformat(text), "DATE_FORMAT") if text else "–"
