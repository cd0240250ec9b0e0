"""Photos that a source links: kept as links, https only, the first few of each station."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from apps.catalog.importers import entries
from apps.catalog.importers.entries import Entry, listed, plain
from apps.catalog.importers.records import PhotoRow
from apps.catalog.models import StationPhoto
from apps.lib.links import is_link

MOST = 5
LONGEST_ALT = StationPhoto._meta.get_field("alt").max_length
# OCPI: the others are logos of companies.
SUBJECTS = {"CHARGER": "charger", "ENTRANCE": "entrance", "LOCATION": "location", "OTHER": "photo"}


def of_ocpi(location: Entry, name: str, notes: list[str]) -> tuple[PhotoRow, ...]:
    images = [image for image in listed(location.get("images")) if isinstance(image, dict)]
    return _first(_read_ocpi(images, name, notes), notes)


def _read_ocpi(images: list[Entry], name: str, notes: list[str]) -> Iterator[PhotoRow]:
    for image in images:
        subject = SUBJECTS.get(plain(image.get("category")).upper())
        if subject is None:
            continue
        sides = [_side(image.get(side)) for side in ("width", "height")]
        width, height = sides if all(sides) else (None, None)
        thumbnail = plain(image.get("thumbnail"))
        small = thumbnail if _is_https(thumbnail) else ""
        yield PhotoRow(plain(image.get("url")), _alt(f"{name}: {subject}"), small, width, height)


def of_map(poi: Entry, name: str, notes: list[str]) -> tuple[PhotoRow, ...]:
    """Open Charge Map: pictures of volunteers, with their words."""
    media = [one for one in listed(poi.get("MediaItems")) if isinstance(one, dict)]
    shown = [one for one in media if one.get("IsEnabled") is not False and one.get("IsVideo") is not True]
    return _first((_read_map(one, name) for one in shown), notes)


def _read_map(one: Entry, name: str) -> PhotoRow:
    thumbnail = plain(one.get("ItemThumbnailURL"))
    alt = plain(one.get("Comment")) or f"{name}: photo"
    return PhotoRow(plain(one.get("ItemURL")), _alt(alt), thumbnail if _is_https(thumbnail) else "")


def _first(photos: Iterable[PhotoRow], notes: list[str]) -> tuple[PhotoRow, ...]:
    found: dict[str, PhotoRow] = {}
    for photo in photos:
        if _is_https(photo.link):
            found.setdefault(photo.link, photo)
        else:
            notes.append("photo without a usable https address left out")
    return tuple(found.values())[:MOST]


def _is_https(link: str) -> bool:
    return is_link(link) and urlsplit(link).scheme == "https"


def _alt(words: str) -> str:
    return words[:LONGEST_ALT]


def _side(value: Any) -> int | None:
    number = entries.number(value)
    return int(number) if number is not None and number == int(number) and 0 < number <= 20_000 else None
