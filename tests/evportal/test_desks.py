"""The door to the admin says what a person does there."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from apps.catalog.models import Staff

pytestmark = pytest.mark.django_db


def support_person(factory):
    person = factory.make_user(is_staff=True)
    person.groups.add(Group.objects.get_or_create(name="Support L1")[0])
    return person


def both(factory):
    person = factory.make_staff(factory.make_operator(), Staff.Role.MANAGER)
    person.groups.add(Group.objects.get_or_create(name="Support L1")[0])
    return person


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (lambda factory: factory.make_staff(factory.make_operator(), Staff.Role.MANAGER), "Operations"),
        (lambda factory: factory.make_staff(factory.make_operator(), Staff.Role.VIEWER), "Operations"),
        (support_person, "Support"),
        (both, "Support"),
        (lambda factory: factory.make_user(is_staff=True, is_superuser=True), "Administration"),
    ],
)
def test_the_desk_is_called_after_the_work(factory, client, make, label):
    client.force_login(make(factory))
    desk = client.get(reverse("admin:index"))
    assert f"EV Portal · {label}</a>" in desk.content.decode()
    assert {"url": reverse("admin:index"), "label": label, "here": False} in client.get("/me/").context[
        "doors"
    ]


def test_a_driver_has_no_such_door(factory, client):
    client.force_login(factory.make_user())
    assert reverse("admin:index") not in [door["url"] for door in client.get("/me/").context["doors"]]
