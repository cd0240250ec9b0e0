"""What people attach. A file is what its bytes are, whatever it is called: pictures are drawn anew, so nothing of the
original but its pixels is kept (no hidden program, no place where it was taken); a PDF must be one, without a program.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from apps.lib.errors import Refused

LARGEST_BYTES = 5_000_000
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 2400
AT_ONCE = 3
OF_A_TICKET = 20
FORMATS = ("JPEG", "PNG", "WEBP")
PROGRAMS = (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia", b"/XFA")


@dataclass(frozen=True)
class Checked:
    content_type: str
    extension: str
    data: bytes


class NotTaken(Refused):
    status = 422


def check(file: BinaryIO, size: int) -> Checked:
    """Raises NotTaken, with the reason in words for its sender."""
    if size > LARGEST_BYTES:
        raise NotTaken(_("A file may have at most 5 MB."))
    data = file.read(LARGEST_BYTES + 1)
    if not data or len(data) > LARGEST_BYTES:
        raise NotTaken(_("A file may have at most 5 MB, and must not be empty."))
    return _document(data) if data.startswith(b"%PDF-") else _picture(data)


def _document(data: bytes) -> Checked:
    if b"%%EOF" not in data[-2048:]:
        raise NotTaken(_("This PDF is cut in the middle."))
    if any(word in data for word in PROGRAMS):
        raise NotTaken(_("This PDF contains a program or another file. Please send a plain one."))
    return Checked("application/pdf", "pdf", data)


def _picture(data: bytes) -> Checked:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # we count the pixels ourselves
            return _drawn_anew(data)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as trouble:
        raise NotTaken(
            _("Only pictures (JPEG, PNG, WebP) and PDF are taken, and this is neither.")
        ) from trouble


def _drawn_anew(data: bytes) -> Checked:
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise NotTaken(_("This picture has too many pixels."))
        kind = "PNG" if picture.format == "PNG" else "JPEG"
        drawn = ImageOps.exif_transpose(picture).convert("RGB" if kind == "JPEG" else "RGBA")
    drawn.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = BytesIO()
    drawn.save(out, kind, **({"quality": 85} if kind == "JPEG" else {"optimize": False}))
    return Checked(f"image/{kind.lower()}", "jpg" if kind == "JPEG" else "png", out.getvalue())
