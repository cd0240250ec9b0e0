"""Which photos of stations our pages show, and the word on it in their security policy (PHOTO_SOURCES)."""

from collections.abc import Iterable, Sequence
from typing import Any

from csp.decorators import csp_update
from django.conf import settings

from apps.discovery.photos import ToldPhoto, may_show

# Photos of foreign operators come from wherever they keep them (docs/configuration.md: PHOTO_SOURCES).
with_photos = csp_update({"img-src": settings.PHOTO_SOURCES})


def shown(rows: Iterable[Sequence[Any]]) -> list[ToldPhoto]:
    """Those of a station, or of whoever copied its rows, that this portal may show."""
    allowed = {"own": settings.PUBLIC_URL, "sources": settings.PHOTO_SOURCES}
    told = (ToldPhoto(*row) for row in rows)
    return [photo for photo in told if may_show(photo.url, **allowed) and may_show(photo.small, **allowed)]


def first_of(rows: Iterable[Sequence[Any]]) -> list[Any]:
    """The row of the first photo that may be shown, for whoever keeps one; [] when there is none."""
    return list(next(iter(shown(rows)), ()))


def photo_of(row: Sequence[Any]) -> ToldPhoto | None:
    """What was kept, if it may be shown still."""
    return next(iter(shown([row])), None) if row else None
