"""Pages go out compressed to whoever can read that; streams and short answers do not."""

import gzip

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from evportal.middleware import CompressedPages

pytestmark = pytest.mark.django_db

ACCEPTS = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_page_is_compressed_and_says_the_same(client):
    plain = client.get("/accounts/login/")
    packed = client.get("/accounts/login/", headers=ACCEPTS)
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) * 2 < len(plain.content)
    assert b"</html>" in gzip.decompress(packed.content)


def test_who_cannot_read_it_gets_it_plain(client):
    page = client.get("/accounts/login/")
    assert "Content-Encoding" not in page
    assert b"</html>" in page.content


def test_pins_and_fragments_are_compressed_too(client):
    fragment = client.get("/", headers={**ACCEPTS, "HX-Request": "true"})
    assert fragment["Content-Encoding"] == "gzip"


def test_the_compressed_size_of_a_page_tells_nothing(client):
    """Law: no oracle. The same page has another size each time, and so has its token another face."""
    client.get("/accounts/login/")
    sizes = {len(client.get("/accounts/login/", headers=ACCEPTS).content) for _time in range(12)}
    assert len(sizes) > 1


def test_streams_go_out_as_they_are():
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
    stream = StreamingHttpResponse(iter([b"x" * 5000]))
    answer = CompressedPages(lambda _request: stream)(request)
    assert "Content-Encoding" not in answer
    assert b"".join(answer) == b"x" * 5000


def test_a_short_answer_is_not_worth_it():
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
    assert "Content-Encoding" not in CompressedPages(lambda _request: HttpResponse("ok"))(request)
