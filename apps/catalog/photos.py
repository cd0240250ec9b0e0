"""What somebody uploads as a photo, checked by its content and painted anew. No rows here.

Nothing of the file itself is ever served: the picture is decoded and painted into a new one, so that neither where a
phone stood (EXIF, GPS) nor a script nor anything hidden behind the picture goes out to the public.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from apps.lib.errors import Refused

MOST_BYTES = 10_000_000
MOST_PIXELS = 40_000_000  # what a phone makes; decoded it is 120 MB
FEWEST_PIXELS_A_SIDE = 200
FORMATS = ("JPEG", "PNG", "WEBP")
LARGE, SMALL = 1600, 480  # the longer side
QUALITY = 80
# What Pillow says of files that are cut off, lie about themselves, or are made to harm.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, MemoryError)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class UnusablePhoto(Refused):
    status = 422


@dataclass(frozen=True)
class Picture:
    """A JPEG without anything but its pixels."""

    content: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Photo:
    large: Picture
    small: Picture


def read_photo(file: BinaryIO) -> Photo:
    """Raises UnusablePhoto with words for whoever uploaded it."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UnusablePhoto(_("The photo is larger than 10 MB. Save it smaller and try again."))
    image = _opened(content)
    if image.width * image.height > MOST_PIXELS:
        raise UnusablePhoto(_("The photo has more than 40 million pixels. Save it smaller and try again."))
    if min(image.size) < FEWEST_PIXELS_A_SIDE:
        raise UnusablePhoto(_("The photo is too small: each side needs 200 pixels or more."))
    try:
        image.draft("RGB", (LARGE, LARGE))  # a JPEG need not be decoded larger than it is shown
        upright = ImageOps.exif_transpose(image)
        return Photo(large=_painted(upright, LARGE), small=_painted(upright, SMALL))
    except (*_BROKEN, *_BOMBS) as fault:
        raise UnusablePhoto(_("The photo is damaged: it cannot be read to its end.")) from fault


def _opened(content: bytes) -> Image.Image:
    """By what is in the file, whatever its name says. Reads the head only."""
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except _BOMBS as bomb:
        raise UnusablePhoto(
            _("The photo has more than 40 million pixels. Save it smaller and try again.")
        ) from bomb
    except (UnidentifiedImageError, *_BROKEN) as fault:
        raise UnusablePhoto(_("This is no photo that we can read: take a JPEG, PNG or WebP.")) from fault


def _painted(image: Image.Image, longest: int) -> Picture:
    """Its pixels on a white sheet of their own."""
    sheet = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
    sheet.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    clean = Image.new("RGB", sheet.size, "white")
    clean.paste(sheet, mask=sheet if sheet.mode == "RGBA" else None)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return Picture(out.getvalue(), *clean.size)
