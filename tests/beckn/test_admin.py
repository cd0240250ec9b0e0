"""The message log in the admin: found, read, explained, tried again; never edited."""

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.beckn import delivery, explain, outbox, registry, signing
from apps.beckn.models import Message, Subscriber
from apps.beckn.wire import v1_1 as wire
from apps.beckn.worker import drain
from tests.loopback import Loopback

LOG = "admin:beckn_message_changelist"


@pytest.fixture
def administrator(client, db):
    manager = get_user_model().objects
    person = manager.create_superuser(
        **{get_user_model().USERNAME_FIELD: "ada@example.org", "password": None}
    )
    client.force_login(person)
    return client


@pytest.fixture
def onlooker(client, db):
    """May look at the log and do nothing else."""
    names = {get_user_model().USERNAME_FIELD: "olga@example.org"}
    person = get_user_model().objects.create_user(**names, password=None)
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    person.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(person)
    return client


@pytest.fixture
def deal(ourselves, rooms, loopback):
    """A select between our two sides, answered."""
    bpp = registry.participant("bpp.localhost", "BPP")
    body = wire.SelectMessage(order=wire.Order())
    message = outbox.request(
        "select", body, transaction_id=uuid4(), bpp_id=bpp.subscriber_id, bpp_uri=bpp.url
    )
    drain(loopback)
    return message


def found(client, words) -> int:
    page = client.get(reverse(LOG), {"q": words})
    return page.context["cl"].queryset.count()


def test_the_log_is_searched_by_ids_peer_action_and_state(administrator, deal):
    assert found(administrator, str(deal.transaction_id)) == 4
    assert found(administrator, deal.message_id.hex) == 4
    assert found(administrator, "bpp.local") == 2
    assert found(administrator, "on_select") == 2
    assert found(administrator, "on_select DONE") == 1
    assert found(administrator, "nothing") == 0


def test_a_message_is_shown_with_its_bytes_headers_tries_and_meaning(administrator, deal):
    page = administrator.get(reverse("admin:beckn_message_change", args=[deal.pk])).content.decode()
    for expected in (
        "&quot;action&quot;:&quot;select&quot;",
        "Signature keyId=",
        "asks what it will cost",
        "promised to deal",
    ):
        assert expected in page
    assert "{&quot;message&quot;: {&quot;ack&quot;" in page  # the answer of its one try
    assert 'name="_save"' not in page


def test_the_whole_transaction_is_told_in_order_and_in_plain_words(administrator, deal):
    page = administrator.get(reverse("admin:beckn_transaction", args=[deal.transaction_id]))
    steps = page.context["steps"]
    assert [step.action for step in steps] == ["select", "on_select"]
    assert [(step.sender, step.receiver) for step in steps] == [
        ("bap.localhost", "bpp.localhost"),
        ("bpp.localhost", "bap.localhost"),
    ]
    assert all(step.sent and step.received for step in steps)
    assert "The operator quotes a price" in page.content.decode()


def test_every_verb_and_every_state_is_explained():
    assert set(explain.VERBS) == set(wire.MESSAGES)
    assert set(explain.STATES) == set(Message.State.values)


def test_a_transaction_that_never_was_is_not_found(administrator):
    assert administrator.get(reverse("admin:beckn_transaction", args=[uuid4()])).status_code == 404


def test_the_transaction_is_only_for_who_may_see_messages(client, deal, django_user_model):
    url = reverse("admin:beckn_transaction", args=[deal.transaction_id])
    assert client.get(url).status_code == 302
    person = django_user_model.objects.create_user(
        **{django_user_model.USERNAME_FIELD: "bob@example.org"}, password=None
    )
    person.is_staff = True
    person.save(update_fields=["is_staff"])
    client.force_login(person)
    assert client.get(url).status_code == 403


@pytest.mark.parametrize("what", ["add", "delete", "change"])
def test_nobody_edits_the_log(administrator, deal, what):
    args = [] if what == "add" else [deal.pk]
    url = reverse(f"admin:beckn_message_{what}", args=args)
    assert administrator.post(url, {"state": "DONE"}).status_code == 403


def given_up(app) -> Message:
    body = wire.OnStatusMessage(order=wire.Order(id="1"))
    message = outbox.callback(
        "on_status", body, transaction_id=uuid4(), bap_id=app.subscriber_id, bap_uri=app.url
    )
    Message.objects.update(expires_at=message.created_at)
    delivery.deliver(Loopback())
    return message


def test_a_given_up_message_is_tried_again(administrator, app):
    message = given_up(app)
    administrator.post(reverse(LOG), {"action": "try_again", "_selected_action": [message.pk]})
    message.refresh_from_db()
    assert message.state == "QUEUED"


def test_who_may_only_look_may_not_try_again(onlooker, app):
    message = given_up(app)
    onlooker.post(reverse(LOG), {"action": "try_again", "_selected_action": [message.pk]})
    message.refresh_from_db()
    assert message.state == "GIVEN_UP"


def test_a_message_that_was_delivered_is_not_tried_again(administrator, deal):
    page = administrator.post(
        reverse(LOG), {"action": "try_again", "_selected_action": [deal.pk]}, follow=True
    )
    assert "Only messages that were given up" in page.content.decode()


@pytest.mark.parametrize("deals", [1, 5])
def test_the_pages_ask_the_database_a_fixed_number_of_times(
    administrator, ourselves, rooms, loopback, django_assert_num_queries, deals
):
    bpp = registry.participant("bpp.localhost", "BPP")
    transaction_id = uuid4()
    for _deal in range(deals):
        body = wire.SelectMessage(order=wire.Order())
        outbox.request(
            "select", body, transaction_id=transaction_id, bpp_id=bpp.subscriber_id, bpp_uri=bpp.url
        )
    drain(loopback)
    with django_assert_num_queries(LIST_QUERIES):
        administrator.get(reverse(LOG))
    with django_assert_num_queries(5):  # session, person, their operator, messages, tries
        administrator.get(reverse("admin:beckn_transaction", args=[transaction_id]))


LIST_QUERIES = 5  # session, person, their operator (in the page head), number of rows, rows


# --- Subscribers ------------------------------------------------------------------------------------------
def words(**changes) -> dict:
    key = signing.public_text(signing.load_private_key(signing.make_private_key()))
    return {
        "subscriber_id": "new.example",
        "type": "BAP",
        "url": "http://new.example/beckn",
        "domain": "ev-charging:uei",
        "key_id": "k1",
        "signing_public_key": key,
        "encryption_public_key": "",
        "valid_from_0": "2026-01-01",
        "valid_from_1": "00:00:00",
        "valid_until_0": "",
        "valid_until_1": "",
        "events-TOTAL_FORMS": "0",
        "events-INITIAL_FORMS": "0",
        **changes,
    }


def test_a_subscriber_is_added_changed_and_revoked(administrator):
    administrator.post(reverse("admin:beckn_subscriber_add"), words())
    row = Subscriber.objects.get()
    assert row.state == "SUBSCRIBED" and "ada@example.org" in row.events.get().why
    url = reverse("admin:beckn_subscriber_change", args=[row.pk])
    administrator.post(url, words(url="http://moved.example", signing_public_key="ignored", key_id="k9"))
    row.refresh_from_db()
    assert (row.url, row.key_id) == ("http://moved.example", "k1")
    listing = reverse("admin:beckn_subscriber_changelist")
    administrator.post(listing, {"action": "revoke", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.state == "UNSUBSCRIBED"
    administrator.post(listing, {"action": "admit", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.state == "UNSUBSCRIBED"


@pytest.mark.parametrize("wrong", [{"url": "nowhere"}, {"signing_public_key": "?"}, {"subscriber_id": "a|b"}])
def test_a_subscriber_that_cannot_be_used_is_refused(administrator, wrong):
    page = administrator.post(reverse("admin:beckn_subscriber_add"), words(**wrong))
    assert page.status_code == 200 and page.context["adminform"].form.errors
    assert not Subscriber.objects.exists()
