import pytest
from django.urls import reverse

from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def test_a_profile_is_changed_by_its_owner(client, asha):
    client.force_login(asha)
    answer = client.post("/me/", {"name": "Asha R", "phone": "+91 98450 12345", "language": "hi"})
    assert answer.status_code == 302
    assert answer.cookies["django_language"].value == "hi"
    asha.refresh_from_db()
    assert (asha.name, asha.phone, asha.language) == ("Asha R", "+91 98450 12345", "hi")


@pytest.mark.parametrize("wrong", [{"phone": "call me"}, {"language": "tlh"}, {"name": "x" * 121}])
def test_a_wrong_profile_is_refused_with_the_reason(client, asha, wrong):
    client.force_login(asha)
    answer = client.post("/me/", {"name": "Asha", "phone": "", "language": "en", **wrong})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    asha.refresh_from_db()
    assert asha.name == "Asha Rao"


def test_nobody_raises_themselves(client, asha):
    client.force_login(asha)
    client.post("/me/", {"name": "Asha", "language": "en", "is_staff": "on", "is_superuser": "on"})
    asha.refresh_from_db()
    assert not asha.is_staff
    assert not asha.is_superuser


def test_a_profile_needs_a_sign_in(client):
    assert client.get("/me/").url.startswith(reverse("account_login"))


def test_two_accounts_never_share_an_address(asha):
    with pytest.raises(Exception, match=r"(?i)unique"):
        User.objects.create_user(" ASHA@example.org ")
