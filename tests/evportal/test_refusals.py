"""A rule that says no is a page, and for htmx a banner; other troubles have their page as well."""

import pytest
import structlog
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import path

from apps.lib.errors import Refused
from evportal import middleware, urls

TROUBLES = {"refused": Refused("The quote is over."), "broken": RuntimeError("bug"), "bad": BadRequest("?")}
TROUBLES |= {"forbidden": PermissionDenied(), "missing": Http404()}


def trouble(request, kind):
    raise TROUBLES[kind]


class Table:
    urlpatterns = [*urls.urlpatterns, path("trouble/<kind>/", trouble)]
    handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
    handler500 = urls.handler500


@pytest.fixture(autouse=True)
def with_troubles(settings):
    settings.ROOT_URLCONF = Table
    settings.DEBUG = False


pytestmark = pytest.mark.django_db


def test_a_refusal_is_a_page(client):
    answer = client.get("/trouble/refused/")
    assert answer.status_code == 409
    assert "The quote is over." in answer.content.decode()
    assert "<main" in answer.content.decode()


def test_a_refusal_is_a_banner_for_htmx(client):
    answer = client.post("/trouble/refused/", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#notices"
    assert "The quote is over." in answer.content.decode()
    assert "<main" not in answer.content.decode()


def test_a_boosted_page_gets_the_whole_page(client):
    answer = client.get("/trouble/refused/", headers={"HX-Request": "true", "HX-Boosted": "true"})
    assert "<main" in answer.content.decode()


def test_what_a_refusal_says_is_no_markup(client, monkeypatch):
    monkeypatch.setitem(TROUBLES, "refused", Refused("<script>alert(1)</script>"))
    assert "<script>alert" not in client.get("/trouble/refused/").content.decode()


@pytest.mark.parametrize(
    "kind, status, told",
    [
        ("bad", 400, "We could not read that request"),
        ("forbidden", 403, "This page is not for you"),
        ("missing", 404, "There is nothing here"),
        ("broken", 500, "Something broke on our side"),
    ],
)
def test_each_trouble_has_its_page(client, kind, status, told):
    client.raise_request_exception = False
    answer = client.get(f"/trouble/{kind}/")
    assert answer.status_code == status
    assert told in answer.content.decode()
    assert "bug" not in answer.content.decode()


def test_a_form_without_its_token_is_explained():
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "This form has grown too old" in answer.content.decode()


def test_every_answer_names_its_request(client):
    first, second = client.get("/healthz")["X-Request-ID"], client.get("/healthz")["X-Request-ID"]
    assert len(first) >= 8
    assert first != second


@pytest.mark.parametrize("offered, kept", [("trace-1234", True), ("a\tb" * 5, False), ("x" * 500, False)])
def test_a_request_id_from_outside_is_kept_when_it_looks_like_one(client, offered, kept):
    assert (client.get("/healthz", headers={"X-Request-ID": offered})["X-Request-ID"] == offered) is kept


def test_log_lines_carry_the_request():
    seen = {}

    def view(request):
        seen.update(structlog.contextvars.get_contextvars())
        return HttpResponse()

    answer = middleware.log_context(view)(RequestFactory().get("/"))
    assert seen["request_id"] == answer["X-Request-ID"]
    assert "request_id" not in structlog.contextvars.get_contextvars()
