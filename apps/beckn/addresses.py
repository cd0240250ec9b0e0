"""Which addresses we post to: those of the registry, and never a machine inside our walls (pitfall 23)."""

import ipaddress
import socket
from urllib.parse import urlsplit

from django.conf import settings

LONGEST = 500
DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressRefused(ValueError):
    """We do not post there; the text says why."""


def check_link(url: str) -> str:
    """`url` if it is an absolute http(s) URL that we may fetch, which may carry a query. Raises AddressRefused."""
    check_form(url.partition("?")[0])
    if "#" in url or not url.isprintable() or " " in url or len(url) > LONGEST:
        raise AddressRefused("not a plain URL")
    return url


def check_form(url: str) -> str:
    """`url` without a final slash, if it is a plain absolute http(s) URL. Raises AddressRefused."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused("not a plain URL")
    parts, _port = _parts(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise AddressRefused("the URL must begin with https:// (or http://)")
    if parts.username is not None or parts.query or parts.fragment:
        raise AddressRefused("the URL must have no user, query or fragment")
    if parts.scheme == "http" and not settings.BECKN["ALLOW_INSECURE_PEERS"]:
        raise AddressRefused("plain http is only allowed on one machine (BECKN_ALLOW_INSECURE_PEERS)")
    return url.rstrip("/")


def is_beneath(url: str, registered: str) -> bool:
    """Is `url` the registered URL or a path under it, on the same scheme, host and port?"""
    try:
        ours, theirs = _origin_and_path(check_form(url)), _origin_and_path(check_form(registered))
    except AddressRefused:
        return False
    steps = ours[1].split("/")
    beneath = ours[1] == theirs[1] or ours[1].startswith(f"{theirs[1]}/")
    return ours[0] == theirs[0] and beneath and not {".", ".."} & set(steps) and "%" not in ours[1]


def has_same_origin(url: str, registered: str) -> bool:
    """Same scheme, host and port: for addresses that their owner may choose beside the registered one."""
    try:
        check_link(url)
        return _origin_and_path(url)[0] == _origin_and_path(check_form(registered))[0]
    except AddressRefused:
        return False


def check_reachable(url: str) -> None:
    """Refuse hosts that resolve to a private, loopback or otherwise special address. Asks the resolver."""
    if settings.BECKN["ALLOW_INSECURE_PEERS"]:
        return
    parts, port = _parts(url)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"{parts.hostname} cannot be resolved") from error
    for *_rest, address in found:
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if not ip.is_global or ip.is_multicast:
            raise AddressRefused(f"{parts.hostname} is inside a private network")


def _parts(url: str):
    try:
        parts = urlsplit(url)
        return parts, parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError as error:
        raise AddressRefused("not a URL") from error


def _origin_and_path(url: str) -> tuple[tuple, str]:
    parts, port = _parts(url)
    return (parts.scheme, (parts.hostname or "").lower(), port), parts.path.rstrip("/")
