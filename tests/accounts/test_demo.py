import pytest
from django.contrib.auth import authenticate
from django.urls import reverse

from apps.accounts import roles, services
from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def test_demo_people_are_made_once(demo):
    first, second = services.make_demo_people(), services.make_demo_people()
    assert first == second
    assert User.objects.count() == len(services.DEMO_PEOPLE)


def test_demo_people_hold_their_roles(demo):
    people = {user.email.partition("@")[0]: user for user in services.make_demo_people()}
    levels = {name: roles.support_level(user) for name, user in people.items()}
    assert levels["driver"] == levels["operator-manager"] == roles.SupportLevel.NONE
    assert levels["support-l1"] == roles.SupportLevel.L1
    assert levels["support-l2"] == roles.SupportLevel.L2
    assert levels["officer"] == levels["admin"] == roles.SupportLevel.GRIEVANCE_OFFICER
    assert roles.is_administrator(people["admin"])
    assert not roles.is_administrator(people["officer"])
    assert not people["driver"].is_staff
    assert all(people[f"operator-{role}"].is_staff for role in ("viewer", "manager", "finance"))


def test_a_real_person_is_never_made_a_demo_person(demo):
    User.objects.create_user("admin@demo.example", "a-quiet-night-7")
    with pytest.raises(services.NotADemo):
        services.make_demo_people()
    assert User.objects.count() == 1


def test_the_sign_in_page_offers_the_demo_people(demo, client):
    services.make_demo_people()
    page = client.get(reverse("account_login")).content.decode()
    for person in services.DEMO_PEOPLE:
        assert f'value="{person.email}"' in page


def test_one_press_signs_in_and_goes_where_one_wanted(demo, client):
    services.make_demo_people()
    answer = client.post(reverse("demo_sign_in"), {"person": "driver@demo.example", "next": "/me/"})
    assert (answer.status_code, answer.url) == (302, "/me/")
    assert client.get("/me/").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://bad.example/", "//bad.example/", "nowhere", "me", "javascript:1"]
)
def test_one_press_leads_nowhere_else(demo, client, elsewhere):
    services.make_demo_people()
    answer = client.post(reverse("demo_sign_in"), {"person": "driver@demo.example", "next": elsewhere})
    assert (answer.status_code, answer.url) == (302, reverse("home"))


def test_a_press_needs_the_token_of_the_form(demo):
    from django.test import Client

    services.make_demo_people()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(reverse("demo_sign_in"), {"person": "admin@demo.example"}).status_code == 403


def test_signing_in_by_address_is_refused(demo, client):
    assert client.get(reverse("demo_sign_in")).status_code == 405


def test_only_demo_people_sign_in_with_one_press(demo, client, asha):
    assert client.post(reverse("demo_sign_in"), {"person": asha.email}).status_code == 404


def test_without_demo_mode_nobody_is_made():
    with pytest.raises(services.NotADemo):
        services.make_demo_people()
    assert not User.objects.exists()


def test_without_demo_mode_there_is_no_panel_and_no_door(client):
    assert "demo.example" not in client.get(reverse("account_login")).content.decode()
    assert client.post(reverse("demo_sign_in"), {"person": "admin@demo.example"}).status_code == 404


def test_demo_people_left_over_in_the_database_stay_outside(settings, client):
    settings.DEMO = True
    services.make_demo_people()
    client.post(reverse("demo_sign_in"), {"person": "admin@demo.example"})
    settings.DEMO = False
    assert client.get("/me/").status_code == 302
    assert authenticate(None, email="admin@demo.example", password=services.DEMO_PASSWORD) is None
    assert client.post(reverse("demo_sign_in"), {"person": "admin@demo.example"}).status_code == 404
