"""The papers of a charge by mail: once by themselves, again when they say something new, and again for whoever asks."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove, move
from apps.notices import services
from apps.notices.models import Channel, Happening, Notice
from apps.notices.switches import channels_wanted
from apps.orders import receipt
from apps.orders.models import Order

S, H = Notice.State, Happening
NOT_AGAIN_WITHIN = timedelta(minutes=5)
MOST_ASKED = 20  # of one order, ever: whoever lost it so often takes it from the page


class NotAgain(Refused):
    status = 429


@transaction.atomic
def papers_changed(order: Order) -> None:
    """Announced by orders, in its transaction: money was charged or came back after the end, or a document is new."""
    if not receipt.has_one(order):
        return
    if services.note(order, H.RECEIPT):
        return
    unsent = Notice.objects.filter(order=order, happening=H.RECEIPT, state=S.WAITING)
    if unsent.exists():  # it leaves with what is new
        return
    if not services.note(order, H.CORRECTED):
        _once_more(order, H.CORRECTED, why="there is something new again")


@transaction.atomic
def send_again(order: Order) -> None:
    """The person asks for the receipt by mail. Goes to the address of the order alone; raises NotAgain."""
    now = clock.now()
    person = order.driver
    if not person.mail_address:
        raise NotAgain(_("We know no e-mail address of yours."))
    known = _mail_of(order, H.RECEIPT)
    if known is None:
        asked = {"asked_at": now, "times_asked": 1, "happened_at": now, "act_at": now, "person": person}
        Notice.objects.get_or_create(order=order, happening=H.RECEIPT, channel=Channel.MAIL, defaults=asked)
        return
    if known.state in (S.WAITING, S.SENDING):
        return
    newest = max(known.told_at or known.happened_at, known.happened_at)
    if known.state == S.TOLD and now - newest < NOT_AGAIN_WITHIN:
        raise NotAgain(
            _("The receipt was sent a moment ago. Look into your mailbox, also among the unwanted mail.")
        )
    if known.times_asked >= MOST_ASKED:
        raise NotAgain(_("This receipt was sent often enough. You can take it from this page at any time."))
    _reopen(known, order, why="asked for", asked_at=now, times_asked=F("times_asked") + 1)


def _once_more(order: Order, happening: str, *, why: str) -> None:
    """Told before, and told again: one mail that is not on its way already."""
    known = _mail_of(order, happening)
    if (
        known
        and known.state not in (S.WAITING, S.SENDING)
        and Channel.MAIL in channels_wanted(order.driver, happening)
    ):
        _reopen(known, order, why=why)


def _reopen(notice: Notice, order: Order, *, why: str, **changes: object) -> None:
    now = clock.now()
    try:
        # A guest may have become an account since.
        move(notice, S.WAITING, why=why, act_at=now, happened_at=now, tries=0, person=order.driver, **changes)
    except StaleMove:
        return  # somebody else was faster with the same


def _mail_of(order: Order, happening: str) -> Notice | None:
    return Notice.objects.filter(order=order, happening=happening, channel=Channel.MAIL).first()
