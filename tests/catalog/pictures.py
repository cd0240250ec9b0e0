"""Pictures as people upload them: honest ones, lying ones, and bombs."""

import io
import struct
import zlib

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

GPS, MAKE, ORIENTATION = 0x8825, 0x010F, 0x0112


def picture(kind: str = "JPEG", size: tuple[int, int] = (1800, 1200), **save) -> bytes:
    out = io.BytesIO()
    mode = "RGBA" if kind in ("PNG", "WEBP") else "RGB"
    image = Image.linear_gradient("L").resize(size).convert(mode)
    image.save(out, kind, **save)
    return out.getvalue()


def with_secrets() -> bytes:
    """A photo of a phone: it knows where it was taken, by what, and that the phone was held upright."""
    image = Image.linear_gradient("L").resize((1800, 1200)).convert("RGB")
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION] = "SecretPhone", 6
    exif.get_ifd(GPS).update({1: "N", 2: (12.0, 58.0, 17.0), 3: "E", 4: (77.0, 35.0, 40.0)})
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"<script>alert(1)</script>")
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that say they are a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def upload(content: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)
