"""Addresses that others tell us and a browser may follow."""

from urllib.parse import urlsplit

LONGEST = 500
_BREAKS_OUT = set(" <>\"'`\\")


def is_link(url: object) -> bool:
    """A plain address on the web: no script, no data, no password, nothing that breaks out of an attribute."""
    if not isinstance(url, str) or not url or len(url) > LONGEST:
        return False
    if not url.isascii() or not url.isprintable() or _BREAKS_OUT & set(url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
