"""What a person of the operator may do to a session: two different things with two names (AT-A4).

*Stop the power* asks the charger, as the driver's own button does. *Close the record* ends the bookkeeping: with the
last good reading, with a reason, and without saying anything to the charger. Should energy flow after it, or a stop
come, that is dealt with as ever (runaway.py, told.py) and costs the driver nothing.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.charging import services
from apps.charging.models import LedgerLine, Session
from apps.lib.errors import Refused

SHORTEST_REASON = 5


class NothingToDo(Refused):
    code = "40001"


@transaction.atomic
def stop_power(session: Session, *, by: str) -> None:
    """Asked twice, or by the driver at the same time, it is one command (AT-A3)."""
    if session.state not in Session.LIVE:
        raise NothingToDo(_("This session is over."))
    if session.state == Session.State.PENDING:
        services.withdraw(session, why=f"withdrawn at the desk by {by}")
        session.refresh_from_db()
    services.ask_stop(session, why=f"stopped at the desk by {by}", by=LedgerLine.By.OPERATOR)


@transaction.atomic
def close_record(session: Session, *, by: str, reason: str) -> str:
    """Returns with which reading it was closed, in words."""
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise Refused(_("Say why, in a few words."))
    ends_with = end_reading(session)
    if not services.close(session, why=f"closed at the desk by {by}: {reason}; ends with {ends_with}"):
        raise NothingToDo(_("There is no open record to close."))
    return ends_with


def end_reading(session: Session) -> str:
    """Which reading would be the end, and why."""
    if session.register_at is None:
        return _("no reading: nothing was proved, nothing is billed")
    told = {"wh": session.register_wh.normalize(), "at": session.real(session.register_at)}
    return _("the last good reading, {wh:f} Wh at {at:%Y-%m-%d %H:%M:%S} UTC").format(**told)
