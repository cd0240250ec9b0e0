"""A change in a row reaches an open page, which keeps what the reader was doing."""

import pytest
from django.http import HttpResponse
from django.template import Context, RequestContext, Template
from django.urls import path
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.live import push
from evportal import urls, wiring

PAGE = """{% extends "base.html" %}{% block js %}{% include "components/_live_js.html" %}{% endblock %}
{% block css %}<link rel="stylesheet" href="{% static "css/live.css" %}">{% endblock %}
{% block content %}<h1>Live</h1>
<div hx-ext="ws,morph" ws-connect="/live/asha/{{ code }}/"><div id="panel">before</div></div>
<div class="chart" data-chart="curve-data"></div>{% endblock %}"""
PANEL = """<div id="panel" hx-swap-oob="morph"><p>{{ user.name }}</p><button id="stop" class="button">Stop</button>
<script type="application/json" id="curve-data">{"at":[1,2,3],"power_kw":[1,2,{{ user.name|length }}]}</script></div>"""


def live_page(request, code):
    return HttpResponse(Template(PAGE).render(RequestContext(request, {"code": code})))


def panel(user, code: str) -> str | None:
    if code != "asha" or not user.is_authenticated:
        return None
    return Template(PANEL).render(Context({"user": user}))


class Table:
    urlpatterns = [*urls.urlpatterns, path("follow/<code>/", live_page)]
    handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
    handler500 = urls.handler500


@pytest.fixture(autouse=True)
def follow(settings, monkeypatch):
    settings.ROOT_URLCONF = Table
    monkeypatch.setattr(wiring, "LIVE", {"asha": "tests.browser.test_live.panel"})


@pytest.fixture
def asha():
    return User.objects.create_user("asha@example.org", name="Asha")


def rename(asha, name: str) -> None:
    User.objects.filter(pk=asha.pk).update(name=name)
    push.changed_on_commit("asha", "asha")


def test_a_change_reaches_the_page_and_keeps_the_focus(open_page, asha):
    page = open_page("/follow/asha/", user=asha)
    expect(page.locator("#panel p")).to_have_text("Asha")
    page.locator("#stop").focus()
    rename(asha, "Asha Rao")
    expect(page.locator("#panel p")).to_have_text("Asha Rao")
    expect(page.locator("#stop")).to_be_focused()
    expect(page.locator(".chart canvas")).to_have_count(1)


def test_a_page_of_a_stranger_says_that_it_follows_nothing(open_page, asha):
    page = open_page("/follow/other/", user=asha)
    expect(page.locator(".connection")).to_contain_text("no longer follows")
    expect(page.locator("#panel")).to_have_text("before")
