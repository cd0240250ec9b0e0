"""Messages of ours go out signed, are tried again with patience, and are given up visibly."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from apps.beckn import delivery, outbox, registry, signing, states
from apps.beckn.models import Attempt, Message, Subscriber
from apps.beckn.outbox import NobodyToAsk
from apps.beckn.wire import v1_1 as wire
from apps.beckn.worker import drain
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.moves import StaleMove
from tests.beckn.peers import Peer
from tests.loopback import Loopback

State = Message.State
ORDER = wire.OnStatusMessage(order=wire.Order(id="BK-1"))
ACK = (200, json.dumps(wire.ack()).encode())


def ask(peer, action="select", **how) -> Message:
    body = wire.MESSAGES[action](order=wire.Order())
    return outbox.request(
        action,
        body,
        transaction_id=how.pop("transaction_id", uuid4()),
        bpp_id=peer.subscriber_id,
        bpp_uri=peer.url,
        **how,
    )


def tell(peer, transaction_id=None, **how) -> Message:
    return outbox.callback(
        "on_status",
        ORDER,
        transaction_id=transaction_id or uuid4(),
        bap_id=peer.subscriber_id,
        bap_uri=peer.url,
        **how,
    )


def answering(peer, *answers) -> Loopback:
    """A peer that gives these answers, one after the other, the last one for ever."""
    left = list(answers)
    return Loopback({peer.url: lambda *_: left.pop(0) if len(left) > 1 else left[0]})


def deliver_now(transport) -> None:
    Message.objects.filter(direction="OUT").update(next_try_at=clock.now())
    delivery.deliver(transport)


def state_of(message) -> str:
    message.refresh_from_db()
    return message.state


# --- Out --------------------------------------------------------------------------------------------------
def test_a_request_goes_out_signed_to_the_bpp(grid):
    transport = answering(grid, ACK)
    message = ask(grid)
    assert state_of(message) == State.QUEUED and not transport.sent
    delivery.deliver(transport)
    [(url, body, headers)] = transport.sent
    assert url == f"{grid.url}/select" and body == bytes(message.body)
    signature = signing.read_authorization(headers["Authorization"], now=int(clock.now().timestamp()))
    ours = registry.participant("bap.localhost", "BAP")
    assert signature.subscriber_id == "bap.localhost" and signature.holds(
        ours.signing_public_key, signing.digest(body)
    )
    context = json.loads(body)["context"]
    assert context["bap_uri"] == "http://portal.example/beckn/bap" and context["ttl"] == "PT30S"
    assert (context["bpp_id"], context["message_id"]) == (grid.subscriber_id, str(message.message_id))
    assert state_of(message) == State.ACKED
    attempt = message.attempts.get()
    assert (attempt.number, attempt.http_status, attempt.error) == (1, 200, "")
    assert json.loads(attempt.answer) == wire.ack()


def test_our_own_door_takes_what_we_send(ourselves, rooms, loopback):
    bpp = registry.participant("bpp.localhost", "BPP")
    body = wire.SelectMessage(order=wire.Order())
    outbox.request("select", body, transaction_id=uuid4(), bpp_id=bpp.subscriber_id, bpp_uri=bpp.url)
    drain(loopback)
    assert [inbound.message.action for inbound in rooms.taken] == ["select", "on_select"]
    assert {row.state for row in Message.objects.all()} == {State.ACKED, State.DONE}
    assert len(loopback.sent) == 2


def test_nothing_is_sent_before_the_commit_and_nothing_of_a_rollback(grid):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask(grid)
        raise ZeroDivisionError
    transport = answering(grid, ACK)
    assert delivery.deliver(transport) == 0 and not transport.sent


def test_a_search_goes_to_every_bpp_under_one_message_id(grid):
    other = Peer("other.example", "BPP", "http://other.example")
    other.register()
    elsewhere = Peer("retail.example", "BPP", "http://retail.example")
    elsewhere.register(domain="retail")
    rows = outbox.search(wire.SearchMessage(), transaction_id=uuid4())
    assert {row.peer_id for row in rows} == {"bpp.localhost", grid.subscriber_id, other.subscriber_id}
    assert len({row.message_id for row in rows}) == 1


def test_a_search_goes_through_the_gateway_when_there_is_one(gateway, settings):
    settings.BECKN = {**settings.BECKN, "GATEWAY_ID": gateway.subscriber_id}
    transport = answering(gateway, ACK)
    [row] = outbox.search(wire.SearchMessage(), transaction_id=uuid4())
    delivery.deliver(transport)
    [(url, body, _headers)] = transport.sent
    assert url == f"{gateway.url}/search" and "bpp_id" not in json.loads(body)["context"]
    assert state_of(row) == State.ACKED


def test_a_search_that_would_reach_nobody_is_refused(db):
    with pytest.raises(NobodyToAsk):
        outbox.search(wire.SearchMessage(), transaction_id=uuid4())


# --- Answers ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [400, 401, 404, 409])
def test_a_refusal_is_final_and_told(grid, rooms, status):
    message = ask(grid)
    nack = json.dumps(
        {"message": {"ack": {"status": "NACK"}}, "error": {"code": 30004, "message": "no item"}}
    )
    delivery.deliver(answering(grid, (status, nack.encode())))
    assert state_of(message) == State.NACKED
    assert (message.error_code, message.error_message) == ("30004", "no item")
    assert [told.pk for told in rooms.undelivered] == [message.pk]


def test_a_nack_with_status_200_is_a_refusal_too(grid, rooms):
    message = ask(grid)
    delivery.deliver(answering(grid, (200, json.dumps(wire.nack(wire.Error(code="30000"))).encode())))
    assert state_of(message) == State.NACKED


@pytest.mark.parametrize("answer", [(202, b""), (200, b"OK"), ACK, (200, b'{"message":{"status":"ACK"}}')])
def test_any_other_2xx_is_an_ack(grid, answer):
    message = ask(grid)
    delivery.deliver(answering(grid, answer))
    assert state_of(message) == State.ACKED


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429, 302])
def test_trouble_of_the_peer_is_tried_again_with_the_same_bytes(grid, rooms, status):
    transport = answering(grid, (status, b"<html>"), ACK)
    message = ask(grid)
    delivery.deliver(transport)
    assert state_of(message) == State.QUEUED and message.next_try_at > clock.now()
    assert delivery.deliver(transport) == 0
    deliver_now(transport)
    assert state_of(message) == State.ACKED and message.attempts.count() == 2
    assert transport.sent[0][:2] == transport.sent[1][:2]
    assert not rooms.undelivered


def test_each_try_is_signed_anew(grid, time_machine):
    time_machine.move_to(clock.now())
    transport = answering(grid, (500, b""), ACK)
    ask(grid)
    delivery.deliver(transport)
    time_machine.shift(5)
    deliver_now(transport)
    one, two = (headers["Authorization"] for _url, _body, headers in transport.sent)
    assert one != two


def test_a_request_is_given_up_when_its_ttl_is_over_and_told_once(grid, rooms, time_machine, monkeypatch):
    # Without jitter no try falls into the last second, in which this clock, a second at a time, would come too late.
    monkeypatch.setattr(delivery.random, "uniform", lambda low, high: 1.0)
    time_machine.move_to(clock.now())
    message = ask(grid)
    for _try in range(60):
        delivery.deliver(Loopback())
        time_machine.shift(1)
    assert state_of(message) == State.GIVEN_UP
    assert message.error_message == "nobody answers there"
    assert 4 <= message.attempts.count() <= 8
    assert [told.pk for told in rooms.undelivered] == [message.pk]


def test_a_callback_that_changes_an_order_is_tried_for_a_day(app, rooms, time_machine):
    time_machine.move_to(clock.now())
    message = tell(app)
    for _try in range(60):
        delivery.deliver(Loopback())
        if state_of(message) != State.QUEUED:
            break
        time_machine.move_to(message.next_try_at)
    assert state_of(message) == State.GIVEN_UP
    assert timedelta(hours=22) < clock.now() - message.created_at < timedelta(hours=25)
    assert not rooms.undelivered


def test_who_is_told_may_be_overtaken_and_decides_again(grid, rooms):
    rooms.trouble.append(StaleMove(Attempt(), "QUOTE_REQUESTED"))
    message = ask(grid)
    delivery.deliver(answering(grid, (400, b"")))
    assert state_of(message) == State.NACKED
    assert len(rooms.undelivered) == 2


def test_a_bug_of_who_is_told_does_not_send_it_again(grid, rooms):
    rooms.trouble.append(ValueError("oops"))
    message = ask(grid)
    transport = answering(grid, (400, b""))
    delivery.deliver(transport)
    assert state_of(message) == State.NACKED
    deliver_now(transport)
    assert len(transport.sent) == 1


def test_nobody_need_listen_for_what_was_not_delivered(grid, rooms, monkeypatch):
    monkeypatch.setattr("evportal.wiring.EVENTS", {})
    message = ask(grid)
    delivery.deliver(answering(grid, (400, b"")))
    assert state_of(message) == State.NACKED


# --- Addresses --------------------------------------------------------------------------------------------
def test_nothing_is_sent_to_an_address_that_the_registry_does_not_have(app):
    transport = Loopback()
    outbox.callback(
        "on_status", ORDER, transaction_id=uuid4(), bap_id=app.subscriber_id, bap_uri="http://10.0.0.1/steal"
    )
    delivery.deliver(transport)
    assert [url for url, *_rest in transport.sent] == [f"{app.url}/on_status"]


def test_nothing_is_sent_to_whom_was_revoked(app):
    transport = answering(app, ACK)
    message = tell(app)
    registry.revoke(Subscriber.objects.get(subscriber_id=app.subscriber_id), why="gone")
    registry.forget()
    delivery.deliver(transport)
    assert not transport.sent and state_of(message) == State.QUEUED
    assert "not subscribed" in Attempt.objects.get().error


# --- Order and leases -------------------------------------------------------------------------------------
def test_messages_of_one_transaction_go_out_in_order(app):
    transaction_id = uuid4()
    first, second = tell(app, transaction_id), tell(app, transaction_id)
    other = tell(app)
    transport = answering(app, (500, b""), ACK)
    delivery.deliver(transport)
    assert [state_of(row) for row in (first, second, other)] == [State.QUEUED, State.QUEUED, State.ACKED]
    deliver_now(transport)
    assert (state_of(first), state_of(second)) == (State.ACKED, State.QUEUED)
    deliver_now(transport)
    assert state_of(second) == State.ACKED


def test_news_replace_older_ones_that_nobody_tried_to_send(app):
    transaction_id = uuid4()
    old, new = (tell(app, transaction_id, only_newest=True) for _ in range(2))
    assert Message.objects.get().message_id == new.message_id != old.message_id
    transport = answering(app, (500, b""), ACK)
    delivery.deliver(transport)
    newer = tell(app, transaction_id, only_newest=True)  # the other was tried, so it may be known to the peer
    assert Message.objects.count() == 2
    for _ in range(2):
        deliver_now(transport)
    told = [json.loads(body)["context"]["message_id"] for _url, body, _headers in transport.sent]
    assert told == [str(new.message_id)] * 2 + [str(newer.message_id)]


def test_who_took_the_old_words_meanwhile_does_not_send_them(app):
    transaction_id = uuid4()
    tell(app, transaction_id, only_newest=True)
    looked_at = Message.objects.get()
    tell(app, transaction_id, only_newest=True)
    assert not states.claim_message(looked_at, State.SENDING, lease_until=clock.now())
    assert len(delivery.claim(10)) == 1


def test_the_first_in_line_blocks_the_others_for_seconds_only(app, time_machine):
    time_machine.move_to(clock.now())
    transaction_id = uuid4()
    first, second = tell(app, transaction_id), tell(app, transaction_id)
    delivery.deliver(Loopback())
    Message.objects.filter(pk=first.pk).update(next_try_at=clock.now() + timedelta(hours=1))
    time_machine.shift(delivery.HELD_BACK.total_seconds() + 1)
    delivery.deliver(answering(app, ACK))
    assert (state_of(first), state_of(second)) == (State.QUEUED, State.ACKED)


def test_a_message_whose_sender_died_is_sent_once_more(app):
    message = tell(app)
    [claimed] = delivery.claim(10)
    transport = answering(app, ACK)
    assert delivery.deliver(transport) == 0
    Message.objects.update(lease_until=clock.now())
    assert delivery.deliver(transport) == 1
    assert state_of(message) == State.ACKED and message.tries == 2
    delivery.send_claimed(
        claimed, answering(app, (400, b""))
    )  # the dead come back: their outcome counts no more
    assert state_of(message) == State.ACKED


def test_a_crowded_peer_leaves_room_for_others(app, grid):
    for _message in range(5):
        tell(app)
    ask(grid)
    room = {app.subscriber_id: 2, grid.subscriber_id: 2}
    claimed = delivery.claim(10, has_room=room.__getitem__)
    assert [message.peer_id for message in claimed].count(app.subscriber_id) == 2
    assert grid.subscriber_id in [message.peer_id for message in claimed]


# --- By hand ----------------------------------------------------------------------------------------------
def test_a_given_up_callback_can_be_sent_again_by_hand(app):
    message = tell(app)
    Message.objects.update(expires_at=clock.now())
    delivery.deliver(Loopback())
    assert state_of(message) == State.GIVEN_UP
    delivery.retry(message)
    delivery.deliver(answering(app, ACK))
    assert state_of(message) == State.ACKED


def test_what_was_not_given_up_and_requests_cannot_be_sent_again(app, grid):
    with pytest.raises(Refused):
        delivery.retry(tell(app))
    message = ask(grid)
    Message.objects.filter(pk=message.pk).update(state=State.GIVEN_UP)
    message.refresh_from_db()
    with pytest.raises(Refused):
        delivery.retry(message)
