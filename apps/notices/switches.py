"""Who wants to be told of what, and how."""

from collections.abc import Mapping

from django.db import transaction

from apps.accounts.models import User
from apps.notices.models import Channel, Happening, Switch

H, C = Happening, Channel
# Mail only for what one should act on or keep; a device that was signed up is told everything.
ON_BY_DEFAULT: dict[str, frozenset[str]] = {
    C.MAIL: frozenset({H.INTERRUPTED, H.FINISHED, H.RECEIPT, H.CORRECTED}),
    C.PUSH: frozenset(H.values),
}
SWITCHED = tuple(ON_BY_DEFAULT)
PAPERS = frozenset({H.RECEIPT, H.CORRECTED})  # due to everybody who left an address

Key = tuple[str, str]  # happening, channel


def all_of(person: User) -> dict[Key, bool]:
    """Every switch of a person, said or not."""
    said = {(row.happening, row.channel): row.is_on for row in Switch.objects.filter(person=person)}
    keys = [(happening, channel) for happening in H.values for channel in SWITCHED]
    return {key: said.get(key, key[0] in ON_BY_DEFAULT[key[1]]) for key in keys}


def channels_wanted(person: User, happening: str) -> list[str]:
    """The ways beside the page. Guests have no page to say no on: they get their papers, and nothing else."""
    if not person.is_active or not person.mail_address:
        return []
    if person.is_guest:
        return [C.MAIL] if happening in PAPERS else []
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


def no_more_mail(person: User) -> None:
    choose(person, {(happening, C.MAIL): False for happening in H.values})
