"""One signed POST: exact bytes out, a judged answer back (the outbox tries again). And a GET of a peer's link."""

import json
import threading
import time
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from apps.beckn import addresses
from apps.beckn.wire import v1_1 as wire

TIMEOUT = (3.05, 10)  # seconds to connect, and between two bytes
LONGEST_ANSWER_SECONDS = 15
LARGEST_ANSWER = 64_000
EXCERPT = 1_000


@dataclass(frozen=True)
class Answer:
    """What came of one POST. `verdict` decides what happens to the message."""

    verdict: wire.Verdict
    http_status: int | None = None
    text: str = ""
    error_code: str = ""
    error_message: str = ""
    duration_ms: int = 0


class Unreadable(ValueError):
    """A link of a peer that gave nothing we can use; the text says why."""


class Gone(Unreadable):
    """The link is not, or no longer, good for us: another one must be asked for."""


class NotForMachines(Unreadable):
    """There is something, but nothing that a machine could read."""


GONE = (401, 403, 404, 410)


class Transport:
    """requests with keep-alive, one session per thread; no redirects, environment proxies or cookies."""

    def __init__(self) -> None:
        self._local = threading.local()

    def post(self, url: str, body: bytes, headers: dict[str, str], *, method: str = "POST") -> Answer:
        began = time.monotonic()
        try:
            addresses.check_reachable(url)
            status, answer = self._exchange(method, url, body, headers)
        except (requests.RequestException, OSError, addresses.AddressRefused) as error:
            text = f"{type(error).__name__}: {error}"
            return Answer(wire.Verdict.RETRY, error_message=text[:500], duration_ms=_since(began))
        return judge(status, answer, duration_ms=_since(began))

    def get_json(self, url: str) -> Any:
        """What a peer's link says to machines. Raises Unreadable when it says nothing that can be read."""
        try:
            return json.loads(self._get(url, {"Accept": "application/json"}), parse_float=Decimal)
        except ValueError as error:
            if isinstance(error, Unreadable):
                raise
            raise NotForMachines(f"no JSON: {error}"[:500]) from error

    def get_text(self, url: str, *, accept: str, language: str) -> str:
        """The text behind a peer's link, cut where it is too long. Raises Unreadable."""
        headers = {"Accept": accept, "Accept-Language": language}
        return self._get(url, headers).decode("utf-8", "replace").replace("\0", "")

    def _get(self, url: str, headers: dict[str, str]) -> bytes:
        try:
            addresses.check_reachable(addresses.check_link(url))
            status, answer = self._exchange("GET", url, None, headers)
        except (requests.RequestException, OSError, ValueError) as error:  # AddressRefused is one of these
            raise Unreadable(f"{type(error).__name__}: {error}"[:500]) from error
        if status != HTTPStatus.OK:
            kind = Gone if status in GONE else Unreadable
            kind = NotForMachines if status == HTTPStatus.NOT_ACCEPTABLE else kind
            raise kind(f"answered {status}")
        return answer

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        began = time.monotonic()
        with self._session().request(
            method, url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as response:
            answer = b""
            for part in response.iter_content(16_384):
                answer += part
                if len(answer) > LARGEST_ANSWER:
                    response.close()
                    break
                if time.monotonic() - began > LONGEST_ANSWER_SECONDS:
                    raise requests.ReadTimeout("the answer dripped for too long")
            return response.status_code, answer[:LARGEST_ANSWER]

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(pool_connections=16, pool_maxsize=2))
            self._local.session = session
        self._local.session.cookies.clear()
        return self._local.session


def judge(status: int, body: bytes, *, duration_ms: int = 0) -> Answer:
    """Fact sheet 1.4: 2xx is decided by the words, 408, 429 and 5xx are tried again, the rest is a refusal.

    A redirect is not followed, but tried again: the operator of the peer may mend it.
    """
    outcome = wire.read_ack(status, body)
    redirected = 300 <= status < 400
    error = outcome.error
    return Answer(
        wire.Verdict.RETRY if redirected else outcome.verdict,
        status,
        body[:EXCERPT].decode("utf-8", "replace").replace("\0", "")[:EXCERPT],
        (error.code or "")[:40] if error else "",
        (error.message or "")[:500] if error else "redirects are not followed" if redirected else "",
        duration_ms,
    )


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
