"""Reads of sessions, for bookings and for the operator's pages."""

from collections.abc import Iterable

from django.db.models import QuerySet

from apps.catalog.models import Connector, Evse
from apps.charging.models import Session


def is_occupied(evse: Evse) -> bool:
    """Is a session under way on any plug of this EVSE? It serves one car at a time."""
    return Session.objects.filter(connector__evse=evse, state__in=Session.LIVE).exists()


def latest_session(reference: str) -> Session | None:
    return Session.objects.filter(reference=reference).order_by("-pk").first()


def has_failed(reference: str, failures: Iterable[str]) -> bool:
    """Did a start for `reference` come to nothing for one of these reasons?"""
    return Session.objects.filter(reference=reference, failure__in=failures).exists()


def live_session(reference: str) -> Session | None:
    return Session.objects.filter(reference=reference, state__in=Session.LIVE).first()


def sessions_of(connectors: QuerySet[Connector]) -> QuerySet[Session]:
    """Sessions on plugs the caller may see (catalog.selectors.connectors_for)."""
    sessions = Session.objects.filter(connector__in=connectors)
    return sessions.select_related("connector__evse__station")


def sessions_with_history(reference: str) -> QuerySet[Session]:
    """Every try to charge for `reference`, the first one first, with what happened to it."""
    return Session.objects.filter(reference=reference).order_by("pk").prefetch_related("events")
