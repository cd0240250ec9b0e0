import pytest
from django.core import mail
from django.urls import reverse

from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def choose(client, language: str, after: str = "/accounts/login/"):
    return client.post(reverse("set_language"), {"language": language, "next": after})


def test_a_guest_keeps_the_language_in_a_lasting_cookie(client):
    cookie = choose(client, "hi").cookies["django_language"]
    assert cookie.value == "hi" and cookie["max-age"] > 30_000_000
    page = client.get("/accounts/login/").content.decode()
    assert '<html lang="hi"' in page and "साइन इन" in page


def test_who_is_signed_in_keeps_it_in_the_account(client, asha):
    client.force_login(asha)
    choose(client, "hi")
    assert User.objects.get(pk=asha.pk).language == "hi"


def test_an_unknown_language_changes_nothing(client, asha):
    client.force_login(asha)
    assert "django_language" not in choose(client, "tlh").cookies
    assert User.objects.get(pk=asha.pk).language == "en"


def test_the_switch_never_leads_elsewhere(client):
    assert "bad.example" not in choose(client, "hi", after="https://bad.example/").url


def test_without_a_choice_the_browser_decides(client):
    page = client.get("/accounts/login/", headers={"Accept-Language": "hi-IN,hi;q=0.9"}).content.decode()
    assert '<html lang="hi"' in page


def test_a_letter_speaks_the_language_of_its_reader(client, asha):
    User.objects.filter(pk=asha.pk).update(language="hi")
    client.post(reverse("account_reset_password"), {"email": asha.email})
    [letter] = mail.outbox
    assert letter.subject.strip() == "नया पासवर्ड चुनें" and "नमस्ते" in letter.body


def test_what_forms_of_libraries_refuse_is_said_in_hindi(client, asha):
    choose(client, "hi")
    tried = client.post(reverse("account_login"), {"login": asha.email, "password": "wrong"})
    assert "ई-मेल पता या पासवर्ड सही नहीं है।" in tried.content.decode()
    tried = client.post(reverse("account_signup"), {"email": "new@example.org", "password1": "12345"})
    assert "पासवर्ड बहुत छोटा है" in tried.content.decode()
