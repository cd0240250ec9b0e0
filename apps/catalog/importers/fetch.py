"""A source behind a URL: got whole, into files of a folder, before anything is read of it.

The token goes in a header, to the host that was named and to no other: neither a redirect nor a `next` leads it away.
"""

import base64
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

import requests
from django.conf import settings

from apps.catalog.importers.records import UnreadableFile

TIMEOUT = (5, 30)  # seconds to connect, and between two bytes
LONGEST_PAGE_SECONDS = 600
MOST_BYTES = 1_000_000_000  # of all pages, unpacked
MOST_PAGES = 20_000
MOST_REDIRECTS = 5
PAUSES = (1, 4, 15)  # seconds before another try
LONGEST_PAUSE = 60
CHUNK = 1 << 16
REDIRECTS = {301, 302, 303, 307, 308}
SECRETS = {"key", "apikey", "api_key", "token", "access_token"}


class FetchFailed(UnreadableFile):
    """The source cannot be had; the message says why and what to do."""


class _TryAgain(Exception):
    def __init__(self, words: str, pause: int | None = None):
        super().__init__(words)
        self.pause = pause


@dataclass(frozen=True)
class Door:
    """How a kind of source is asked: the headers of a token, and how one sees that an answer is only a part."""

    headers: Callable[[str], dict[str, str]]
    is_part: Callable[[dict[str, str], int], bool]  # of the query of the URL and the number of entries


@dataclass
class Answer:
    pages: list[Path] = field(default_factory=list)
    stated: int | None = None  # how many entries there are, if the other side says so
    size: int = 0


def is_url(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def shown(source: str) -> str:
    """`source` for people and logs: of a URL without what may be secret."""
    if not is_url(source):
        return source
    return source.partition("?")[0].partition("#")[0].rpartition("@")[2]


def query_of(url: str) -> dict[str, str]:
    return {name.lower(): value for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)}


def is_same_host(one: str, other: str) -> bool:
    return _origin(_split(one)) == _origin(_split(other))


def get(
    url: str, *, headers: dict[str, str], folder: Path, progress: Callable[[int], object] = lambda size: None
) -> Answer:
    """All pages of `url`. Raises FetchFailed; then nothing is to be used."""
    check_url(url)
    answer, seen = Answer(), set()
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc puts another word in
        while url:
            if url in seen or len(seen) >= MOST_PAGES:
                raise FetchFailed("The pages of the answer lead in a circle.")
            seen.add(url)
            path = folder / f"{len(seen)}.json"
            url = _page(session, url, headers, path, answer, progress)
            answer.pages.append(path)
    return answer


def check_url(url: str) -> None:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchFailed("The URL must begin with https://.")
    if parts.username is not None or SECRETS & set(query_of(url)):
        raise FetchFailed("The URL must not carry a password or key: give it by --token-file.")
    if parts.scheme == "http" and not (settings.EMBEDDED or _is_loopback(parts.hostname)):
        raise FetchFailed("Plain http would show the token to everybody on the way. Use https.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _origin(parts)
    except ValueError as error:
        raise FetchFailed("This is not a URL.") from error
    return parts


def _origin(parts: SplitResult) -> tuple:
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or {"http": 80, "https": 443}.get(parts.scheme),
    )


def _next_to(url: str, target: str, what: str) -> str:
    """`target` as a whole URL, if it is on the host that we were told to trust."""
    try:
        whole = urljoin(url, target)
    except ValueError:
        raise FetchFailed(f"{what} is not a URL.") from None
    if _origin(_split(whole)) != _origin(_split(url)):
        host = _split(whole).netloc.rpartition("@")[2]
        raise FetchFailed(f"{what} leads to {host[:100]}. If you trust it, give its address.")
    check_url(whole)
    return whole


# --- One page -----------------------------------------------------------------------------------------------


def _page(session, url: str, headers: dict[str, str], path: Path, answer: Answer, progress) -> str:
    """Write the page to `path`; the URL of the next one, or ""."""
    size = answer.size
    for pause in (*PAUSES, None):
        answer.size = size
        try:
            return _once(session, url, headers, path, answer, progress)
        except (_TryAgain, requests.RequestException, OSError) as error:
            if pause is None:
                raise FetchFailed(f"Page {len(answer.pages) + 1} cannot be had: {_words(error)}.") from None
            time.sleep(getattr(error, "pause", None) or pause)
    raise AssertionError("the last try returns or raises")


def _once(session, url: str, headers: dict[str, str], path: Path, answer: Answer, progress) -> str:
    for _redirect in range(MOST_REDIRECTS):
        session.cookies.clear()
        marks = {"X-Request-ID": str(uuid.uuid4()), "X-Correlation-ID": str(uuid.uuid4())}
        sent = {"Accept": "application/json", **marks, **headers}
        with session.get(url, headers=sent, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
            if response.status_code in REDIRECTS:
                url = _next_to(url, response.headers.get("Location", ""), "A redirect")
                continue
            _check_status(response)
            _write(response, path, answer, progress)
            total = response.headers.get("X-Total-Count", "")
            if total.isdecimal() and len(total) < 12:
                answer.stated = int(total)
            follow = response.links.get("next", {}).get("url", "")
            return _next_to(url, follow, "The next page") if follow else ""
    raise FetchFailed("The address redirects again and again.")


def _check_status(response: requests.Response) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        wait = response.headers.get("Retry-After", "")
        pause = min(int(wait), LONGEST_PAUSE) if wait.isdecimal() and len(wait) < 6 else None
        raise _TryAgain(f"the other side answers {status}", pause)
    if status in (401, 403):
        raise FetchFailed(f"The other side refuses the token ({status}).")
    if status != 200:
        raise FetchFailed(f"The other side answers {status} instead of 200.")


def _write(response: requests.Response, path: Path, answer: Answer, progress) -> None:
    began = time.monotonic()
    with path.open("wb") as file:
        for chunk in response.iter_content(CHUNK):
            file.write(chunk)
            answer.size += len(chunk)
            progress(len(chunk))
            if answer.size > MOST_BYTES:
                raise FetchFailed(f"The answer is larger than {MOST_BYTES // 1_000_000} MB.")
            if time.monotonic() - began > LONGEST_PAGE_SECONDS:
                raise FetchFailed("The answer dripped for too long.")


def _words(error: Exception) -> str:
    """Without the URL and the inner objects that requests puts into its messages."""
    if isinstance(error, _TryAgain):
        return str(error)
    known = {
        requests.exceptions.SSLError: "its certificate is not valid",
        requests.Timeout: "nobody answers in time",
        requests.exceptions.ChunkedEncodingError: "the answer is cut off",
        requests.ConnectionError: "there is no connection",
    }
    return next((words for kind, words in known.items() if isinstance(error, kind)), type(error).__name__)


# --- Tokens and doors ---------------------------------------------------------------------------------------


def check_token(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token or len(token) > 1_000:
        raise FetchFailed("The token must be one line of printable characters without spaces.")
    return token


def _ocpi_headers(token: str) -> dict[str, str]:
    """2.2.1: the token travels in base64."""
    return {"Authorization": f"Token {base64.b64encode(token.encode()).decode()}"} if token else {}


def _ocm_headers(token: str) -> dict[str, str]:
    return {"X-API-Key": token} if token else {}


def _is_part_of_map(query: dict[str, str], entries: int) -> bool:
    """The map has no pages: an answer as long as the longest that was asked for has probably been cut."""
    most = query.get("maxresults", "")
    return "modifiedsince" in query or entries >= (int(most) if most.isdecimal() and len(most) < 9 else 100)


def _is_part_of_locations(query: dict[str, str], entries: int) -> bool:
    return bool({"date_from", "date_to", "offset"} & set(query))


OCPI = Door(_ocpi_headers, _is_part_of_locations)
OPEN_CHARGE_MAP = Door(_ocm_headers, _is_part_of_map)
