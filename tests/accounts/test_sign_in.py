import re
import uuid

import pytest
from django.core import mail
from django.urls import reverse

from apps.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits(settings):
    """The limits count in the cache: a private one, so that nobody else's is emptied."""
    local = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(uuid.uuid4())}
    settings.CACHES = {"default": local}


def log_in(client, email="asha@example.org", password="a-quiet-night-7", **more):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def test_signing_in(client, asha):
    assert log_in(client).status_code == 302
    assert client.get("/me/").status_code == 200


def test_the_address_may_be_written_in_capitals(client, asha):
    assert log_in(client, email="ASHA@Example.org").status_code == 302


def test_signing_in_leads_back_to_the_page_one_came_for(client, asha):
    asked = client.get("/me/")
    assert asked.url == f"{reverse('account_login')}?next=/me/"
    assert log_in(client, next="/me/").url == "/me/"


def test_signing_in_never_leads_elsewhere(client, asha):
    assert "bad.example" not in log_in(client, next="https://bad.example/").url


def test_signing_in_brings_the_language_of_the_person(client, asha):
    User.objects.filter(pk=asha.pk).update(language="hi")
    assert log_in(client).cookies["django_language"].value == "hi"


@pytest.mark.parametrize(
    "email, password", [("asha@example.org", "wrong"), ("nobody@example.org", "a-quiet-night-7")]
)
def test_a_wrong_sign_in_does_not_say_what_was_wrong(client, asha, email, password):
    answer = log_in(client, email=email, password=password)
    assert answer.status_code == 200
    assert "The email address and/or password you specified are not correct." in answer.content.decode()


def test_a_closed_account_stays_outside(client, asha):
    User.objects.filter(pk=asha.pk).update(is_active=False)
    log_in(client)
    assert client.get("/me/").status_code == 302


def test_guessing_is_limited(client, asha):
    for _ in range(12):
        answer = log_in(client, password="guess")
    assert "Too many failed login attempts" in answer.content.decode()
    assert b"Too many failed" in log_in(client).content


def test_signing_up_keeps_name_and_language(client):
    client.cookies["django_language"] = "hi"
    answer = client.post(
        reverse("account_signup"),
        {"email": "Ravi@Example.org", "password1": "monsoon-over-mysuru", "name": "Ravi"},
    )
    assert answer.status_code == 302
    ravi = User.objects.get()
    assert (ravi.email, ravi.name, ravi.language) == ("ravi@example.org", "Ravi", "hi")
    assert not ravi.is_staff


def test_a_weak_password_is_refused(client):
    answer = client.post(reverse("account_signup"), {"email": "ravi@example.org", "password1": "password"})
    assert answer.status_code == 200
    assert not User.objects.exists()


def test_signing_up_twice_makes_no_second_account_and_tells_only_the_owner(client, asha):
    client.post(reverse("account_signup"), {"email": asha.email, "password1": "monsoon-over-mysuru"})
    assert User.objects.count() == 1
    if mail.outbox:
        assert mail.outbox[0].to == [asha.email]


def test_a_forgotten_password_is_replaced_by_a_letter_once(client, asha):
    client.post(reverse("account_reset_password"), {"email": asha.email})
    (letter,) = mail.outbox
    assert letter.subject == "Choose a new password"
    link = re.search(r"http://testserver(\S+)", letter.body)[1]
    form = client.get(link, follow=True)
    place = form.redirect_chain[-1][0]
    new = {"password1": "another-quiet-night", "password2": "another-quiet-night"}
    assert client.post(place, new).status_code == 302
    asha.refresh_from_db()
    assert asha.check_password("another-quiet-night")
    again = client.get(link, follow=True)
    assert "no longer works" in again.content.decode()


def test_asking_for_a_stranger_says_the_same_to_the_asker(client, asha):
    answers = [
        client.post(reverse("account_reset_password"), {"email": email}, follow=True).content
        for email in (asha.email, "nobody@example.org")
    ]
    assert b"Look into your mail" in answers[0]
    assert b"Look into your mail" in answers[1]
    assert len(mail.outbox) == 2


def test_confirming_an_address(client):
    client.post(reverse("account_signup"), {"email": "ravi@example.org", "password1": "monsoon-over-mysuru"})
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    assert client.get(link).status_code == 200
    assert client.post(link).status_code == 302
    assert User.objects.get().emailaddress_set.get().verified


@pytest.mark.parametrize(
    "name",
    ["account_login", "account_signup", "account_reset_password", "account_reset_password_done"],
)
@pytest.mark.parametrize("language", ["en", "hi"])
def test_pages_before_the_door_render(client, name, language):
    client.cookies["django_language"] = language
    page = client.get(reverse(name)).content.decode()
    assert f'<html lang="{language}"' in page


@pytest.mark.parametrize(
    "name", ["me", "account_email", "account_change_password", "account_logout", "mfa_index"]
)
def test_pages_behind_the_door_render_for_their_owner_only(client, asha, name):
    assert client.get(reverse(name)).status_code == 302
    client.force_login(asha)
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    assert "css/tokens" in answer.content.decode()
