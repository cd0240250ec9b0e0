import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.urls import reverse

from apps.accounts import roles
from apps.accounts.models import User
from apps.accounts.roles import SupportLevel

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("group, level", roles.GROUPS.items())
def test_the_groups_of_the_desk_exist_and_give_their_level(asha, group, level):
    asha.groups.add(Group.objects.get(name=group))
    assert roles.support_level(asha) == SupportLevel.NONE  # not yet staff
    asha.is_staff = True
    assert roles.support_level(asha) == level
    assert roles.is_support(asha)


def test_the_highest_group_counts(asha):
    asha.is_staff = True
    asha.groups.set(Group.objects.filter(name__in=["Support L1", "Support L2"]))
    assert roles.support_level(asha) == SupportLevel.L2


def test_nobody_and_the_dismissed_hold_no_level(asha):
    asha.is_staff, asha.is_active, asha.is_superuser = True, False, True
    assert roles.support_level(AnonymousUser()) == roles.support_level(asha) == SupportLevel.NONE
    assert not roles.is_administrator(asha)


def test_the_admin_sends_strangers_to_our_sign_in(client):
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))


def test_the_admin_refuses_drivers(client, asha):
    client.force_login(asha)
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_the_admin_opens_for_administrators_in_our_colours(client):
    client.force_login(User.objects.create_superuser("root@example.org", "a-quiet-night-7"))
    page = client.get(reverse("admin:accounts_user_changelist"))
    assert page.status_code == 200
    assert "css/admin.css" in page.content.decode()


def test_the_admin_makes_a_person_with_a_small_address(client):
    client.force_login(User.objects.create_superuser("root@example.org", "a-quiet-night-7"))
    new = {
        "email": "Lata@Example.org",
        "name": "Lata",
        "password1": "monsoon-over-mysuru",
        "password2": "monsoon-over-mysuru",
    }
    assert client.post(reverse("admin:accounts_user_add"), new).status_code == 302
    assert User.objects.filter(email="lata@example.org").exists()
