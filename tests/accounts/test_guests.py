"""Somebody orders without an account: an e-mail address, a link that opens it again, and an account later."""

import re

import pytest
from django.core import signing
from django.urls import reverse

from apps.accounts import guest_links, services
from apps.accounts.models import User
from apps.lib.errors import Refused

WANTED = "/orders/new/0b9e4a34-7a9c-4c3d-8f3e-1d2c3b4a5f6e/"


@pytest.fixture
def guest(db) -> User:
    return services.make_guest(email="Guest@Example.org", language="hi")


def go_on(client, email="guest@example.org", wanted=WANTED):
    return client.post(reverse("go_on_as_guest"), {"email": email, "next": wanted})


def test_the_sign_in_page_offers_it_on_the_way_to_a_quote_only(client, db):
    login = reverse("account_login")
    assert "Go on as a guest" in client.get(login, {"next": WANTED}).content.decode()
    for other in ("", "/me/", "/admin/"):
        assert "Go on as a guest" not in client.get(login, {"next": other}).content.decode()


def test_an_address_is_enough(client, db):
    answer = go_on(client)
    guest = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, WANTED)
    assert (guest.is_guest, guest.mail_address, guest.has_usable_password()) == (
        True,
        "guest@example.org",
        False,
    )
    assert client.session["_auth_user_id"] == str(guest.pk)


def test_somebody_with_an_account_may_be_a_guest_and_gains_nothing_by_it(client, factory):
    account = factory.make_user("guest@example.org")
    go_on(client)
    assert client.session["_auth_user_id"] != str(account.pk)


@pytest.mark.parametrize("email", ["", "no address", "a@b", "<script>@example.org"])
def test_no_address_no_guest(client, db, email):
    assert go_on(client, email).status_code == 422
    assert not User.objects.exists()


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_it_leads_to_our_own_pages_only(client, db, wanted):
    assert go_on(client, wanted=wanted)["Location"] == reverse("home")


def test_many_guests_of_one_connection_are_slowed_down(client, db, settings):
    settings.ACCOUNT_RATE_LIMITS = {"guest": "2/h/ip"}
    codes = []
    for _ in range(4):
        client.logout()
        codes.append(go_on(client).status_code)
    assert codes == [302, 302, 429, 429]


def test_pressed_twice_there_is_one_guest(client, db):
    go_on(client)
    go_on(client)
    assert User.objects.count() == 1


def test_a_guest_has_no_account_pages(client, guest):
    client.force_login(guest)
    for page in (
        "account_email",
        "account_change_password",
        "account_set_password",
        "mfa_index",
        "account_login",
    ):
        assert client.get(reverse(page))["Location"] == reverse("me")
    page = client.get(reverse("me")).content.decode()
    assert "guest@example.org" in page
    assert "guest.invalid" not in page
    assert client.post(reverse("account_logout"))["Location"] == "/"


def test_nobody_signs_in_with_the_address_of_a_guest(client, guest):
    for login in (guest.email, guest.contact_email):
        client.post(reverse("account_login"), {"login": login, "password": "x"})
        assert "_auth_user_id" not in client.session


# --- The link ---------------------------------------------------------------------------------------------
def test_the_link_opens_it_on_any_device(client, guest):
    answer = client.get(guest_links.link_for(guest, path="/orders/"))
    assert answer["Location"] == "/orders/"
    assert client.session["_auth_user_id"] == str(guest.pk)


def test_the_link_does_not_sign_anybody_out(client, guest, factory):
    person = factory.make_user()
    client.force_login(person)
    answer = client.get(guest_links.link_for(guest, path="/orders/"))
    assert answer["Location"].endswith("/claim/")
    assert client.session["_auth_user_id"] == str(person.pk)


@pytest.mark.parametrize("forged", ["x", "", "again"])
def test_a_forged_link_opens_nothing(client, guest, forged):
    token = {"again": signing.dumps([guest.pk, "/orders/"], salt="another")}.get(forged, forged or "MQ:x:y")
    answer = client.get(reverse("open_guest_link", args=[token]))
    assert answer.status_code == 404
    assert "_auth_user_id" not in client.session


def test_an_old_link_opens_nothing(client, guest, monkeypatch):
    link = guest_links.link_for(guest, path="/orders/")
    monkeypatch.setattr(guest_links, "OPENS_FOR_SECONDS", -1)
    assert client.get(link).status_code == 404


def test_a_link_to_an_account_opens_nothing(client, factory):
    """Even a link signed by us: only guests have no password."""
    assert client.get(guest_links.link_for(factory.make_user(), path="/orders/")).status_code == 404


# --- An account later -------------------------------------------------------------------------------------
def claim_page(client, guest) -> str:
    client.force_login(guest)
    to_sign_in = client.post(reverse("keep_guest"), {"how": "old"})["Location"]
    assert "_auth_user_id" not in client.session
    return re.search(r"next=([^&]+)", to_sign_in).group(1).replace("%2F", "/").replace("%3A", ":")


def test_a_guest_keeps_the_orders_in_an_account(client, guest, factory, monkeypatch):
    claimed = []
    monkeypatch.setattr("apps.lib.wiring.announce", lambda *told: claimed.append(told))
    page, person = claim_page(client, guest), factory.make_user()
    client.force_login(person)
    assert guest.mail_address in client.get(page).content.decode()
    assert claimed == []  # looking changes nothing
    assert client.post(page)["Location"] == reverse("orders:history")
    assert client.post(page).status_code == 404
    assert claimed == [("guest.claimed", guest, person), ("guest.claimed_tickets", guest, person)]


def test_the_link_is_dead_once_they_are_kept(client, guest, factory):
    link = guest_links.link_for(guest, path="/orders/")
    services.hand_over_guest(guest=guest, to=factory.make_user())
    assert client.get(link).status_code == 404


def test_who_is_not_signed_in_claims_nothing(client, guest):
    page = claim_page(client, guest)
    assert client.post(page)["Location"].startswith(reverse("account_login"))
    guest.refresh_from_db()
    assert guest.is_active


def test_a_guest_is_not_kept_by_a_guest(guest):
    with pytest.raises(Refused):
        services.hand_over_guest(guest=guest, to=services.make_guest(email="b@example.org", language="en"))


def test_only_guests_are_kept(client, factory):
    client.force_login(factory.make_user())
    assert client.post(reverse("keep_guest"))["Location"] == reverse("home")
    assert "_auth_user_id" in client.session
