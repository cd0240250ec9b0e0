"""The one place where the state of a Message changes.

Not `lib.moves.move`: an event row per move would triple the writes of the hot path. The history of a message is
in its own columns (created, started, finished, tries) and in one Attempt row per try.
"""

from typing import Any

from apps.beckn.models import Message
from apps.lib.moves import IllegalMove, StaleMove


def move_message(message: Message, to: str, **changes: Any) -> None:
    """One conditional update on state, try and words; raises StaleMove when another worker has the row by now, or when
    an unsent message was brought up to date (outbox.callback)."""
    if to not in Message.MOVES[message.state]:
        raise IllegalMove(message, message.state, to)
    here = Message._base_manager.filter(
        pk=message.pk, state=message.state, tries=message.tries, digest=message.digest
    )
    if not here.update(state=to, **changes):
        raise StaleMove(message, message.state)
    message.state = to
    for name, value in changes.items():
        setattr(message, name, value)


def claim_message(message: Message, to: str, *, lease_until: Any, **changes: Any) -> bool:
    """Take `message` for one try; False when somebody else was faster."""
    try:
        move_message(message, to, tries=message.tries + 1, lease_until=lease_until, **changes)
    except StaleMove:
        return False
    return True
