"""Who knocks at the door, and over what line. With BEHIND_PROXY the proxy in front says it, as for the pages."""

from typing import Any

from django.conf import settings


def address_of(scope: dict[str, Any]) -> str:
    """Of the charge point, not of the proxy: or one box with a wrong password would shut out all the others."""
    forwarded = header(scope, b"x-forwarded-for").decode("latin-1")
    if settings.BEHIND_PROXY and forwarded:
        return forwarded.rpartition(",")[2].strip()[:64]  # the last one is the proxy's own word
    return (scope.get("client") or ["unknown"])[0]


def is_encrypted(scope: dict[str, Any]) -> bool:
    """OCPP's security profile 2: passwords do not travel in the clear."""
    if settings.BEHIND_PROXY:
        return header(scope, b"x-forwarded-proto").lower() in (b"https", b"wss")
    return scope.get("scheme") == "wss"


def header(scope: dict[str, Any], name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")
