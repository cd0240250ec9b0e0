"""What holds for every page: no code in it, both languages, the theme drawn by the server."""

import re

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

PLACES = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/styleguide/"]
PLACES += ["/styleguide/station/", "/styleguide/charge/", "/nowhere/"]


@pytest.fixture(autouse=True)
def demo(settings, db):
    settings.DEMO = True


@pytest.mark.parametrize("language", ["en", "hi"])
@pytest.mark.parametrize("place", PLACES)
def test_a_page_carries_no_code_and_no_style(client, place, language):
    client.cookies["django_language"] = language
    answer = client.get(place)
    page = answer.content.decode()
    scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
    assert scripts == []
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|hx-on", page)
    assert f'<html lang="{language}"' in page


def test_the_policy_allows_nothing_inline(client):
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("theme, drawn", [("dark", True), ("light", True), ("auto", False), ("pink", False)])
def test_the_server_draws_the_chosen_theme(client, theme, drawn):
    client.cookies["theme"] = theme
    assert (f'data-theme="{theme}"' in client.get("/accounts/login/").content.decode()) is drawn


def test_the_theme_is_chosen_without_script(client):
    answer = client.post(reverse("set_theme"), {"theme": "dark", "next": "/me/"})
    assert (answer.url, answer.cookies["theme"].value) == ("/me/", "dark")


@pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"theme": "dark", "next": "https://bad.example/"}])
def test_choosing_a_theme_leads_nowhere_else(client, wrong):
    answer = client.post(reverse("set_theme"), wrong)
    assert answer.url == "/"
    assert "theme" not in answer.cookies or answer.cookies["theme"].value == "dark"


def test_the_style_guide_is_for_demos_only(client, settings):
    settings.DEMO = settings.DEBUG = False
    for place in ("/styleguide/", "/styleguide/charge/", "/styleguide/pins/"):
        assert client.get(place).status_code == 404


def test_htmx_may_neither_evaluate_nor_hide_refusals(client):
    page = client.get("/accounts/login/").content.decode()
    assert '"allowEval":false' in page
    assert '"code":"403|409|422","swap":true' in page


def test_colours_live_in_the_tokens_only():
    strays = {
        f"{file.name}: {found}"
        for file in (django_settings.BASE_DIR / "static" / "css").glob("*.css")
        if file.name != "tokens.css"
        for found in re.findall(r"#[0-9a-fA-F]{3,8}\b|(?:hsl|oklch)\([^)]*\)", file.read_text())
    }
    assert strays == set()


def test_every_icon_a_template_names_is_in_the_sprite():
    base = django_settings.BASE_DIR
    known = set(re.findall(r'<symbol id="([\w-]+)"', (base / "static/img/icons.svg").read_text()))
    named = {
        name
        for file in (base / "templates").rglob("*.html")
        for name in re.findall(r'{% icon "([\w-]+)"', file.read_text())
    }
    assert named - known == set()
