"""The short code on a plug: how it is made, read back from a hand that typed it, and drawn as a QR code. No rows."""

import hashlib
import hmac
import secrets
from functools import lru_cache

import qrcode
from django.conf import settings
from qrcode.image.svg import SvgPathFillImage

# Crockford's: no I, L, O and U, so nothing looks like something else on a scratched sticker.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans("ILO", "110", " -\t")
RANDOM = 8  # 40 bits: nobody comes upon a code by trying
SIGNATURE = 4  # 20 bits: a slip of the finger is told from a code of ours before any row is looked up
LENGTH = RANDOM + SIGNATURE
LONGEST_TYPED = 40


def new_code() -> str:
    start = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return start + _signature(start)


def read_code(typed: str) -> str | None:
    """What was typed or scanned in its one spelling; None when it is not signed by us."""
    if len(typed) > LONGEST_TYPED:
        return None
    text = typed.upper().translate(READ_AS)
    if len(text) != LENGTH or not set(text) <= set(ALPHABET):
        return None
    return text if hmac.compare_digest(text[RANDOM:], _signature(text[:RANDOM])) else None


def _signature(start: str) -> str:
    key = settings.PLUG_CODE_KEY.encode()
    digest = hmac.new(key, f"plug code {start}".encode(), hashlib.sha256).digest()
    return "".join(ALPHABET[byte & 31] for byte in digest[:SIGNATURE])


def grouped(code: str) -> str:
    """'K7QX4MRT2W9H' → 'K7QX-4MRT-2W9H'."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def ending(code: str) -> str:
    """What the driver compares with the sticker."""
    return code[-SIGNATURE:]


@lru_cache(maxsize=500)  # a sheet is looked at, changed and printed
def qr_svg(text: str) -> str:
    """Black on white with its quiet zone, readable with a quarter of it scratched away."""
    drawing = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_Q, border=4)
    drawing.add_data(text)
    image = drawing.make_image(image_factory=SvgPathFillImage)
    del image.path.attrib["id"]  # a sheet holds many
    return image.to_string(encoding="unicode")
