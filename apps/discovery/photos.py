"""The photos that an operator tells of a station: links that a browser may follow, never fetched by us. Pure."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from apps.beckn.wire import v1_1 as wire
from apps.lib.links import is_link

MOST = 6
LONGEST_WORDS = 120
LARGEST_SIDE = 20_000
_SMALL = ("xs", "sm")


class ToldPhoto(NamedTuple):
    """A tuple, because a station is a key, and a list in its row."""

    url: str
    small: str
    width: int | None  # of the large one; None = not told
    height: int | None
    alt: str  # "" = not told


def told_photos(place: wire.Location, alts: tuple[str, ...]) -> tuple[ToldPhoto, ...]:
    images = (place.descriptor.images if place.descriptor else ())[: 4 * MOST]
    large = [one for one in images if one.size_type not in _SMALL]
    small = [one for one in images if one.size_type in _SMALL]
    if len(small) != len(large):  # nobody knows which belongs to which
        large = small = large or small
    said = alts if len(alts) == len(large) else ("",) * len(large)
    found: dict[str, ToldPhoto] = {}
    for big, little, alt in zip(large, small, said, strict=True):
        if is_link(big.url) and is_link(little.url):
            words = " ".join(alt.split())[:LONGEST_WORDS]
            found.setdefault(big.url, ToldPhoto(big.url, little.url, *_sides(big), words))
    return tuple(found.values())[:MOST]


def may_show(url: str, *, own: str, sources: Iterable[str]) -> bool:
    """As the content security policy will say: ours, or over https from one of `sources` ("https:" is everybody)."""
    if url.startswith(f"{own}/"):
        return True
    parts = urlsplit(url)
    return parts.scheme == "https" and any(_is_from(parts.hostname or "", source) for source in sources)


def _is_from(host: str, source: str) -> bool:
    name = source.removeprefix("https:").strip("/").lower()
    return not name or host == name or (name.startswith("*.") and host.endswith(name[1:]))


def _sides(image: wire.Image) -> tuple[int | None, int | None]:
    width, height = _side(image.width), _side(image.height)
    return (width, height) if width and height else (None, None)


def _side(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 5:
        return None
    return int(text) if 0 < int(text) <= LARGEST_SIDE else None
