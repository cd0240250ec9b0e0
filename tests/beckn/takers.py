"""Rooms that take messages, as small as can be; wired by the fixture `rooms`."""

from django.utils.translation import gettext

from apps.beckn import outbox
from apps.beckn.inbox import Inbound
from apps.beckn.models import Message
from apps.beckn.wire import v1_1 as wire
from apps.lib.errors import Refused

taken: list[Inbound] = []
undelivered: list[Message] = []
trouble: list[Exception] = []


def take(inbound: Inbound) -> None:
    taken.append(inbound)
    if trouble:
        raise trouble.pop(0)


def take_and_answer(inbound: Inbound) -> None:
    take(inbound)
    order = wire.Order(id="BK-1")
    action = wire.CALLBACK_OF[inbound.message.action]
    outbox.reply(inbound, action, wire.MESSAGES[action](order=order))


def refuse(inbound: Inbound) -> None:
    take_and_answer(inbound)
    raise Refused("That plug is taken.", code="30008")


def refuse_in_words(inbound: Inbound) -> None:
    raise Refused(gettext("There is no such order."), code="30010")


def note_undelivered(message: Message) -> None:
    undelivered.append(message)
    if trouble:
        raise trouble.pop(0)
