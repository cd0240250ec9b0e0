"""Filters that a driver keeps under a name: a row for people who signed in, a list in the session for guests."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.discovery.wishes import FilterProfile
from apps.lib.errors import Refused

MOST = 20
IN_SESSION = "filter_profiles"


class TooManyProfiles(Refused):
    pass


class NothingToKeep(Refused):
    pass


@dataclass(frozen=True)
class Profile:
    name: str
    query: str  # of an address, without "?"

    @property
    def has_place(self) -> bool:
        return bool({"q", "lat"} & QueryDict(self.query).keys())


# --- Writing ----------------------------------------------------------------------------------------------


def save(user: User | AnonymousUser, session: SessionBase, profile: Profile) -> None:
    """A name that is there already gets the new filters."""
    if not profile.query:
        raise NothingToKeep(_("No filter is set. Choose some on the map first, and save them then."))
    if not user.is_authenticated:
        kept = _in_session(session) | {profile.name: profile.query}
        _refuse_beyond(len(kept))
        session[IN_SESSION] = kept
        return
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two presses at once must not pass the limit
        others = FilterProfile.objects.filter(person=user).exclude(name=profile.name)
        _refuse_beyond(others.count() + 1)
        FilterProfile.objects.update_or_create(
            person=user, name=profile.name, defaults={"query": profile.query}
        )


def drop(user: User | AnonymousUser, session: SessionBase, name: str) -> None:
    if user.is_authenticated:
        FilterProfile.objects.filter(person=user, name=name).delete()
    elif name in _in_session(session):
        session[IN_SESSION] = {other: query for other, query in _in_session(session).items() if other != name}


def adopt(*, request: Any, user: User, **_signal: Any) -> None:
    """A guest signed in: what they kept becomes theirs, as far as there is room; names they had stay as they were."""
    kept = _in_session(request.session)
    if not kept:
        return
    names = set(FilterProfile.objects.filter(person=user).values_list("name", flat=True))
    rows = [FilterProfile(person=user, name=name, query=kept[name]) for name in kept if name not in names]
    FilterProfile.objects.bulk_create(rows[: max(MOST - len(names), 0)], ignore_conflicts=True)
    del request.session[IN_SESSION]


def _refuse_beyond(count: int) -> None:
    if count > MOST:
        raise TooManyProfiles(
            _("You have saved %(most)s sets of filters, and more do not fit.") % {"most": MOST}
        )


def _in_session(session: SessionBase) -> dict[str, str]:
    return session.get(IN_SESSION, {})


# --- Reading ----------------------------------------------------------------------------------------------


def profiles_of(user: User | AnonymousUser, session: SessionBase) -> list[Profile]:
    """By name. One query at most."""
    if user.is_authenticated:
        rows = FilterProfile.objects.filter(person=user).values_list("name", "query")
        return [Profile(name, query) for name, query in rows]
    return [Profile(name, query) for name, query in sorted(_in_session(session).items())]
