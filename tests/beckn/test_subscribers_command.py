"""manage.py subscribers add | list | revoke."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.beckn import signing
from apps.beckn.models import Subscriber

PUBLIC = signing.public_text(signing.load_private_key(signing.make_private_key()))
ADD = {
    "--id": "app.example",
    "--url": "http://127.0.0.1:9000/beckn/",
    "--type": "BAP",
    "--key-id": "k1",
    "--public-key": PUBLIC,
}

pytestmark = pytest.mark.django_db


def run(*args) -> str:
    out = io.StringIO()
    call_command("subscribers", *args, stdout=out)
    return out.getvalue()


def add(**changes) -> str:
    options = {**ADD, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    return run("add", *(part for option in options.items() for part in option))


def test_add_list_and_revoke():
    assert "app.example|k1 is subscribed as BAP at http://127.0.0.1:9000/beckn." in add()
    assert f"app.example\tk1\tBAP\tSUBSCRIBED\thttp://127.0.0.1:9000/beckn\t{PUBLIC}" in run("list")
    assert "app.example|k1 is revoked." in run("revoke", "--id", "app.example", "--why", "test over")
    row = Subscriber.objects.get()
    assert row.state == "UNSUBSCRIBED" and row.events.last().why == "test over"
    assert row.domain == "ev-charging:uei"


def test_one_key_of_two_can_be_revoked():
    add()
    add(key_id="k2")
    run("revoke", "--id", "app.example", "--key-id", "k1")
    assert {row.key_id: row.state for row in Subscriber.objects.all()} == {
        "k1": "UNSUBSCRIBED",
        "k2": "SUBSCRIBED",
    }


def test_an_empty_list_says_how_to_begin():
    assert "subscribers add --help" in run("list")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "nowhere"}, "URL"),
        ({"public_key": "abc"}, "public key cannot be used"),
        ({"encryption_public_key": "abc"}, "public key cannot be used"),
        ({"id": "a|b"}, "subscriber id"),
        ({"key_id": "a b"}, "key id"),
        ({"type": "SHOP"}, "invalid choice"),
        ({"valid_until": "tomorrow"}, "2027-01-31"),
    ],
)
def test_each_mistake_is_named(wrong, said):
    with pytest.raises(CommandError, match=said):
        add(**wrong)
    assert not Subscriber.objects.exists()


def test_the_same_key_twice_is_refused():
    add()
    with pytest.raises(CommandError, match="registered already"):
        add()


def test_revoking_a_stranger_says_so():
    with pytest.raises(CommandError, match="not in the built-in registry"):
        run("revoke", "--id", "nobody.example")


def test_with_a_remote_registry_the_built_in_one_is_not_edited(settings):
    settings.BECKN = {**settings.BECKN, "REGISTRY_URL": "http://registry.example"}
    with pytest.raises(CommandError, match=r"registry.example"):
        add()


def test_applying_needs_a_remote_registry():
    with pytest.raises(CommandError, match="BECKN_REGISTRY_URL"):
        run("apply")
