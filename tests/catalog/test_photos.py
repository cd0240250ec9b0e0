"""What an uploaded photo may be, and what is left of it."""

import io

import pytest
from PIL import Image

from apps.catalog import photos
from apps.catalog.photos import UnusablePhoto, read_photo
from tests.catalog.pictures import picture, png_that_claims, with_secrets

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("kind", photos.FORMATS)
def test_a_photo_comes_in_two_sizes(kind):
    photo = read_photo(io.BytesIO(picture(kind)))
    assert (photo.large.width, photo.large.height) == (1600, 1067)
    assert (photo.small.width, photo.small.height) == (480, 320)
    for one in (photo.large, photo.small):
        again = Image.open(io.BytesIO(one.content))
        assert (again.format, again.mode, again.size) == ("JPEG", "RGB", (one.width, one.height))


def test_a_small_photo_is_not_blown_up():
    assert read_photo(io.BytesIO(picture(size=(640, 400)))).large.width == 640


def test_nothing_but_the_pixels_is_left():
    """Where it was taken, by what, and what somebody hid in it."""
    raw = with_secrets()
    assert b"SecretPhone" in raw and b"<script>" in raw
    photo = read_photo(io.BytesIO(raw))
    for one in (photo.large, photo.small):
        again = Image.open(io.BytesIO(one.content))
        assert not again.getexif() and "comment" not in again.info and "icc_profile" not in again.info
        assert b"SecretPhone" not in one.content and b"<script>" not in one.content


def test_what_a_phone_held_upright_took_stands_upright():
    photo = read_photo(io.BytesIO(with_secrets()))
    assert photo.large.height > photo.large.width


def test_what_hides_behind_the_picture_is_gone():
    raw = picture() + b"<?php system($_GET['c']); ?>"
    assert b"<?php" not in read_photo(io.BytesIO(raw)).large.content


def test_glass_is_painted_on_white():
    glass = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(glass, "PNG")
    glass.seek(0)
    again = Image.open(io.BytesIO(read_photo(glass).large.content))
    assert again.getpixel((150, 150)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SVG, "no photo that we can read"),
        (b"<!doctype html><script>alert(1)</script>", "no photo that we can read"),
        (b"%PDF-1.7 and so on", "no photo that we can read"),
        (b"", "no photo that we can read"),
        (picture("GIF", (300, 300)), "no photo that we can read"),
        (picture("TIFF", (300, 300)), "no photo that we can read"),
        (picture("JPEG")[:9000], "damaged"),
        (picture("PNG")[:3000], "damaged"),
        (png_that_claims(20_000, 3_000), "40 million pixels"),
        (png_that_claims(12_000, 12_000), "40 million pixels"),
        (png_that_claims(60_000, 60_000), "40 million pixels"),
        (png_that_claims(1_000, 1_000), "damaged"),
        (picture(size=(300, 150)), "too small"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 10_000_000, "larger than 10 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_photo_is_refused_with_words(content, words):
    with pytest.raises(UnusablePhoto) as refusal:
        read_photo(io.BytesIO(content))
    assert words in str(refusal.value.message)


def test_no_more_than_the_limit_is_read():
    """50 MB: the rest stays where it is."""
    file = io.BytesIO(picture() + b"\0" * 50_000_000)
    with pytest.raises(UnusablePhoto):
        read_photo(file)
    assert file.tell() == photos.MOST_BYTES + 1
