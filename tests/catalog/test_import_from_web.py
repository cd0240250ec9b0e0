"""Sources behind a URL: pages, tokens, and everything that can go wrong on the way. Loopback only."""

import base64
import gzip
import json
import os
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.importers import fetch
from apps.catalog.models import Operator, Station
from tests.catalog.sources import load, location, poi

TOKEN = "s3cret-token"
Answer = tuple[int, dict[str, str], bytes]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.came.append((self.path, dict(self.headers)))
        status, headers, body = self.server.answer(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Tests look at `came`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up early is part of the tests."""


@contextmanager
def serving(answer: Callable[[str], Answer]):
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer, server.came = answer, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def envelope(*locations: dict, **told) -> bytes:
    return json.dumps({"data": locations, "status_code": 1000, **told}).encode()


def always(status: int, body: bytes = b"", **headers: str) -> Callable[[str], Answer]:
    return lambda path: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.fixture(autouse=True)
def patience(monkeypatch) -> None:
    monkeypatch.setattr(fetch, "PAUSES", (0, 0))


@pytest.fixture
def token(monkeypatch) -> None:
    monkeypatch.setenv("EVPORTAL_IMPORT_TOKEN", TOKEN)


# --- What works -----------------------------------------------------------------------------------------


def test_all_pages_of_an_ocpi_party_are_read_with_the_token_in_base64(db, token):
    def answer(path: str) -> Answer:
        pages = {
            "/locations": ([location("A"), location("B")], "/locations?offset=2&limit=2"),
            "/locations?offset=2&limit=2": (
                [location("C"), location("C")],
                f"{server.url}/locations?offset=4",
            ),
            "/locations?offset=4": ([location("D")], ""),
        }
        entries, follow = pages[path]
        link = {"Link": f'<{follow}>; rel="next"'} if follow else {}
        return 200, {"X-Total-Count": "5", "X-Limit": "2", **link}, envelope(*entries)

    with serving(answer) as server:
        told = load(f"{server.url}/locations", "ocpi")
    assert "created      4" in told
    assert "1  repeated ID (entries 4)" in told
    assert len(server.came) == 3
    for _path, headers in server.came:
        assert headers["Authorization"] == "Token " + base64.b64encode(TOKEN.encode()).decode()
        assert headers["X-Request-ID"] and headers["X-Correlation-ID"]
    assert "cookie" not in {name.lower() for name in server.came[-1][1]}


def test_the_map_is_asked_with_its_key_in_a_header(db, token):
    with serving(always(200, json.dumps([poi()]).encode())) as server:
        told = load(f"{server.url}/v3/poi?countrycode=IN&maxresults=500", "ocm")
    assert "created      1" in told
    [(path, headers)] = server.came
    assert headers["X-Api-Key"] == TOKEN if "X-Api-Key" in headers else headers["X-API-Key"] == TOKEN
    assert TOKEN not in path and "Authorization" not in headers


def test_the_token_may_lie_in_a_file(db, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    with serving(always(200, json.dumps([poi()]).encode())) as server:
        assert "chmod" not in load(server.url, "ocm", token_file=file)
        file.chmod(0o644)
        assert "chmod 600" in load(server.url, "ocm", token_file=file)
    assert {headers.get("X-API-Key") for _path, headers in server.came} == {TOKEN}


def test_without_a_token_none_is_sent(db, monkeypatch):
    monkeypatch.delenv("EVPORTAL_IMPORT_TOKEN", raising=False)
    with serving(always(200, envelope(location()))) as server:
        load(server.url, "ocpi")
    assert "Authorization" not in server.came[0][1]


def test_a_source_that_stumbles_is_asked_again(db):
    answers = iter([always(503), always(429, Retry_After="0"), always(200, envelope(location()))])
    with serving(lambda path: next(answers)(path)) as server:
        assert "created      1" in load(server.url, "ocpi")


def test_a_redirect_on_the_same_host_is_followed(db, token):
    def answer(path: str) -> Answer:
        return (307, {"Location": "/new"}, b"") if path == "/" else (200, {}, envelope(location()))

    with serving(answer) as server:
        assert "created      1" in load(f"{server.url}/", "ocpi")
    assert [path for path, _headers in server.came] == ["/", "/new"]


def test_a_packed_answer_is_unpacked(db):
    with serving(always(200, gzip.compress(envelope(location())), Content_Encoding="gzip")) as server:
        assert "created      1" in load(server.url, "ocpi")


# --- What is refused, with nothing written ----------------------------------------------------------------


def refused(url: str, match: str, format: str = "ocpi", **options) -> str:
    """The words of the refusal; nothing was made, and the token is not among the words."""
    with pytest.raises(CommandError, match=match) as refusal:
        load(url, format, **options)
    assert not Station.objects.exists() and not Operator.objects.exists()
    words = str(refusal.value)
    assert TOKEN not in words and base64.b64encode(TOKEN.encode()).decode() not in words
    return words


@pytest.mark.parametrize("lead", ["redirect", "next"])
def test_neither_a_redirect_nor_a_next_page_leads_the_token_to_another_host(db, token, lead):
    with serving(always(200, envelope(location()))) as other:
        answers = {
            "redirect": always(302, Location=other.url),
            "next": always(200, envelope(location()), Link=f'<{other.url}/2>; rel="next"'),
        }
        with serving(answers[lead]) as server:
            refused(server.url, "leads to 127.0.0.1")
    assert other.came == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (always(401), "refuses the token"),
        (always(403), "refuses the token"),
        (always(404), "answers 404"),
        (always(204), "answers 204"),
        (always(500), "Page 1 cannot be had: the other side answers 500"),
        (always(302, Location="/"), "redirects again and again"),
        (always(200, b"<html>login</html>"), "begins with '<html>"),
        (always(200), "empty"),
        (always(200, envelope()[:-5]), "cut off"),
        (always(200, envelope(location()), Content_Length="99999"), "cut off"),
        (always(200, envelope(status_code=2001, status_message="no")), "status 2001: no"),
        (always(200, envelope(status_code=2001, status_message=f"bad {TOKEN}")), "status 2001: bad …"),
        (always(200, b"not packed", Content_Encoding="gzip"), "cannot be had"),
        (always(200, envelope(location()), Link='</>; rel="next"'), "in a circle"),
        (always(200, envelope(location()), Link='<http://[>; rel="next"'), "not a URL"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused(db, token, answer, message):
    with serving(answer) as server:
        refused(f"{server.url}/", message)


def test_when_a_later_page_fails_nothing_is_written(db, token):
    def answer(path: str) -> Answer:
        link = {"Link": '</2>; rel="next"'}
        return (500, {}, b"") if path == "/2" else (200, link, envelope(location()))

    with serving(answer) as server:
        refused(server.url, "Page 2 cannot be had")


def test_an_answer_may_not_fill_the_disk(db, monkeypatch):
    monkeypatch.setattr(fetch, "MOST_BYTES", 50_000)
    packed = gzip.compress(b"[" + b" " * 10_000_000 + b"]")
    with serving(always(200, packed, Content_Encoding="gzip")) as server:
        refused(server.url, "larger than")


def test_nobody_there_is_said_in_words(db, token):
    with serving(always(200)) as server:
        url = server.url
    refused(url, "Page 1 cannot be had: there is no connection")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://user:pass@example.org/", "must not carry a password"),
        ("https://example.org/v3/poi?key=abc", "must not carry a password"),
        ("https://example.org/?Token=abc", "must not carry a password"),
        ("https://", "must begin with"),
        ("https://[", "not a URL"),
        ("https://example.org:99999/", "not a URL"),
    ],
)
def test_urls_that_give_a_secret_away_or_are_none(db, url, message):
    assert "abc" not in refused(url, message) and "pass@" not in refused(url, message)


def test_plain_http_is_for_this_machine_only(db, settings, token):
    settings.EMBEDDED = False
    for host in ("example.org", "192.0.2.7", "localhost.example.org"):
        refused(f"http://{host}/", "Use https")
    with serving(always(200, envelope(location()))) as server:
        assert "created" in load(server.url, "ocpi")


@pytest.mark.parametrize("bad", ["two words", "line\nX-Other: 1", "ü", "x" * 2_000])
def test_a_token_that_cannot_travel_in_a_header_is_refused(db, monkeypatch, bad):
    monkeypatch.setenv("EVPORTAL_IMPORT_TOKEN", bad)
    assert bad not in refused("https://example.org/", "one line of printable")


def test_a_token_file_that_is_not_there_is_refused(db, tmp_path):
    refused("https://example.org/", "token cannot be read", token_file=tmp_path / "nothing")


def test_no_option_takes_the_token_itself():
    """It would stand in the list of processes for everybody on the machine."""
    with pytest.raises((CommandError, TypeError)):
        call_command("import_stations", "https://example.org/", "--format=ocpi", "--operator=E", "--token=x")


def test_the_download_format_of_files_is_not_fetched(db):
    refused("https://example.org/a.csv", "files only", "afdc")


# --- A part is not the whole ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "query", "headers"),
    [
        ("ocpi", "?date_from=2026-11-01T00:00:00Z", {}),
        ("ocpi", "?offset=10", {}),
        ("ocpi", "", {"X_Total_Count": "7"}),
        ("ocm", "?maxresults=1", {}),
        ("ocm", "?maxresults=500&modifiedsince=2026-11-01", {}),
    ],
)
def test_what_a_part_does_not_mention_is_not_removed(db, format, query, headers):
    one, two = (location("A"), location("B")) if format == "ocpi" else (poi(1), poi(2))
    whole = "?maxresults=500" if format == "ocm" else ""
    with serving(always(200, json.dumps([one, two]).encode())) as server:
        load(server.url + whole, format)
    with serving(always(200, json.dumps([one]).encode(), **headers)) as server:
        told = load(server.url + query, format, remove_missing=True)
    assert "Only a part was read, so missing stations are not removed" in told
    assert Station.objects.filter(is_published=True).count() == 2


def test_what_the_whole_does_not_mention_is_removed_when_asked(db):
    with serving(always(200, envelope(location("A"), location("B")))) as server:
        load(server.url, "ocpi")
    with serving(always(200, envelope(location("A")), X_Total_Count="1")) as server:
        load(server.url, "ocpi", remove_missing=True)
    assert Station.objects.filter(is_published=True).count() == 1


def test_an_interrupted_download_changes_nothing_and_leaves_no_file(db, monkeypatch, tmp_path):
    def interrupted(*args, **options):
        (options["folder"] / "1.json").write_text("[")
        raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(fetch, "get", interrupted)
    with pytest.raises(SystemExit) as stop:
        load("https://example.org/", "ocpi")
    assert stop.value.code == 130
    assert not os.listdir(tmp_path) and not Operator.objects.exists()
