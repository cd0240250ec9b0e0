"""Who wants to be told of what, and how."""

from collections.abc import Mapping

from django.db import transaction

from apps.accounts.models import User
from apps.notices.models import Channel, Happening, Switch

H, C = Happening, Channel
Key = tuple[str, str]  # happening, channel
# Mail only for what one should act on or keep; a device that was signed up is told everything.
ON_BY_DEFAULT: dict[str, frozenset[str]] = {
    C.MAIL: frozenset(set(H.values) - {H.STARTED, H.NEARLY, H.IDLE_SOON, H.REFUND_SENT}),
    C.PUSH: frozenset(H.values),
}
# What a person must have in hand whatever they switched: the number of a report, and how a refund ended.
ALWAYS: frozenset[Key] = frozenset(
    {(H.TICKET_OPENED, C.MAIL), (H.REFUND_PAID, C.MAIL), (H.REFUND_NO, C.MAIL)}
)
PAPERS = frozenset({H.RECEIPT, H.CORRECTED})  # due to everybody who left an address
# Guests have no page of switches: by mail, and only what they must know of their money.
TOLD_TO_GUESTS = PAPERS | {H.IDLE_STARTED, H.REFUND_YES, H.REFUND_PAID, H.REFUND_NO, H.REFUND_LATE}
SWITCHED = tuple(ON_BY_DEFAULT)


def all_of(person: User) -> dict[Key, bool]:
    """Every switch of a person, said or not."""
    said = {(row.happening, row.channel): row.is_on for row in Switch.objects.filter(person=person)}
    keys = [(happening, channel) for happening in H.values for channel in SWITCHED]
    return {key: key in ALWAYS or said.get(key, key[0] in ON_BY_DEFAULT[key[1]]) for key in keys}


def channels_wanted(person: User, happening: str) -> list[str]:
    """The ways beside the page. Guests have no page to say no on: they get their papers, and what they must know."""
    if not person.is_active or not person.mail_address:
        return []
    if person.is_guest:
        return [C.MAIL] if happening in TOLD_TO_GUESTS else []
    chosen = all_of(person)
    return [channel for channel in SWITCHED if chosen[happening, channel]]


@transaction.atomic
def choose(person: User, chosen: Mapping[Key, bool]) -> None:
    Switch.objects.bulk_create(
        [
            Switch(person=person, happening=happening, channel=channel, is_on=is_on)
            for (happening, channel), is_on in chosen.items()
        ],
        update_conflicts=True,
        unique_fields=["person", "happening", "channel"],
        update_fields=["is_on"],
    )


def may_switch(happening: str, channel: str) -> bool:
    return (happening, channel) not in ALWAYS


def no_more_mail(person: User) -> None:
    choose(person, {(happening, C.MAIL): False for happening in H.values})
