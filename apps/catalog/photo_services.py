"""Photos of stations: added, described, taken away. The files follow the rows."""

from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Station, StationPhoto
from apps.catalog.photos import Photo
from apps.lib.errors import Refused

MOST_PHOTOS = 10


class TooManyPhotos(Refused):
    pass


def add_photo(*, station: Station, photo: Photo, alt: str, position: int = 0) -> StationPhoto:
    """Under a name nobody guesses, which is never used again: browsers may keep what it shows."""
    mark = uuid4().hex
    row = StationPhoto(station=station, alt=alt, position=position)
    with transaction.atomic():
        Station.objects.select_for_update().get(pk=station.pk)  # two uploads at once must not pass the limit
        if station.photos.count() >= MOST_PHOTOS:
            raise TooManyPhotos(_("A station has ten photos at most. Take one away first."))
        row.width, row.height = photo.large.width, photo.large.height
        row.small_width, row.small_height = photo.small.width, photo.small.height
        row.large.save(f"{mark}-l.jpg", ContentFile(photo.large.content), save=False)
        row.small.save(f"{mark}-s.jpg", ContentFile(photo.small.content), save=False)
        row.full_clean()
        row.save()
    return row


def update_photo(*, photo: StationPhoto, alt: str, position: int) -> StationPhoto:
    photo.alt, photo.position = alt, position
    photo.full_clean()
    photo.save(update_fields=["alt", "position"])
    return photo


def remove_photo(*, photo: StationPhoto) -> None:
    """The files go when the row is gone for good."""
    names = [file.name for file in (photo.large, photo.small) if file]
    with transaction.atomic():
        photo.delete()
        transaction.on_commit(lambda: [default_storage.delete(name) for name in names])
