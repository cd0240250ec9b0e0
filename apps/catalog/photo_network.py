"""How the photos of a station are said on the wire. Pure functions."""

from urllib.parse import urljoin

from django.conf import settings

from apps.beckn.wire import v1_1 as wire
from apps.catalog.models import Station, StationPhoto

MOST_PHOTOS = 5  # told of a station; each plug repeats their words


def images(station: Station) -> list[wire.Image]:
    """First the large ones, then the small ones in the same order."""
    photos = list(station.photos.all())[:MOST_PHOTOS]
    return [_image(photo, "lg") for photo in photos] + [_image(photo, "sm") for photo in photos]


def alts(station: Station) -> list[str]:
    """What they show, in the order of the images."""
    return [photo.alt for photo in station.photos.all()][:MOST_PHOTOS]


def _image(photo: StationPhoto, size: str) -> wire.Image:
    file, link = (photo.large, photo.link) if size == "lg" else (photo.small, photo.small_link or photo.link)
    sides = (photo.width, photo.height) if size == "lg" else (photo.small_width, photo.small_height)
    known = {"width": str(sides[0]), "height": str(sides[1])} if all(sides) else {}
    address = link or urljoin(f"{settings.PUBLIC_URL}/", file.url.lstrip("/"))
    return wire.Image(url=address, size_type=size, **known)
