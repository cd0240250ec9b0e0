"""Stored messages are worked once, in order, and always end in a state that says what happened."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import translation

from apps.beckn import inbox, states
from apps.beckn.models import Attempt, Message
from apps.beckn.worker import drain
from apps.lib import clock
from apps.lib.moves import DECISIONS, IllegalMove, StaleMove, check_moves
from evportal import wiring as tables
from tests.conformance import assert_conforms

State = Message.State


def the_row(**of) -> Message:
    return Message.objects.get(direction="IN", **of)


def answer_of(message) -> dict:
    return json.loads(bytes(message.answered_by.get().body))


def make_due(**changes):
    Message.objects.update(next_try_at=clock.now(), **changes)


# --- Handed on once ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("times", range(1, 6))
def test_a_repeated_request_has_one_effect(app, rooms, times):
    body = app.say("confirm")
    for _time in range(times):
        app.post(body)
        inbox.work()
    assert len(rooms.taken) == 1
    assert Message.objects.filter(action="on_confirm").count() == 1


@pytest.mark.parametrize("times", range(1, 6))
def test_a_repeated_callback_has_one_effect(grid, rooms, times):
    body = grid.say("on_status")
    for _time in range(times):
        grid.post(body)
    for _time in range(times):
        inbox.work()
    assert len(rooms.taken) == 1


def test_a_handler_gets_what_was_said_and_by_whom(app, rooms):
    app.post(app.say("select", {"order": {"id": "7", "x-ours": 1}}))
    inbox.work()
    [inbound] = rooms.taken
    assert (inbound.sender_id, inbound.late, inbound.error) == (app.subscriber_id, False, None)
    assert inbound.body.order.id == "7" and inbound.body.order.unknown == {"x-ours": 1}
    assert inbound.context.bap_uri == app.url
    message = the_row()
    assert (message.state, message.tries) == (State.DONE, 1)
    assert message.created_at <= message.started_at <= message.finished_at


def test_an_answer_keeps_the_ids_of_the_question_byte_for_byte(app, rooms):
    transaction_id, message_id = str(uuid4()).upper(), str(uuid4())
    app.post(app.say("select", transaction_id=transaction_id, message_id=message_id))
    inbox.work()
    context = answer_of(the_row())["context"]
    assert (context["transaction_id"], context["message_id"]) == (transaction_id, message_id)
    assert (context["action"], context["bap_uri"]) == ("on_select", app.url)


def test_a_callback_is_tied_to_the_request_it_answers(grid, rooms, our_request):
    asked = our_request(grid)
    ids = {"transaction_id": str(asked.transaction_id), "message_id": str(asked.message_id)}
    grid.post(grid.say("on_select", **ids))
    inbox.work()
    assert the_row().answers == asked


def test_an_error_alone_reaches_the_handler_as_an_error(grid, rooms):
    words = json.loads(grid.say("on_select"))
    body = json.dumps({"context": words["context"], "error": {"code": 40003, "message": "sold"}}).encode()
    assert grid.post(body).status == 200
    inbox.work()
    [inbound] = rooms.taken
    assert inbound.body is None and (inbound.error.code, inbound.error.message) == ("40003", "sold")


# --- Refused ----------------------------------------------------------------------------------------------
def test_a_refusal_undoes_the_handler_and_answers_with_its_code(app, rooms):
    app.post(app.say("init"))
    inbox.work()
    message = the_row()
    assert (message.state, message.error_code) == (State.REFUSED, "30008")
    answer = answer_of(message)
    assert answer["context"]["action"] == "on_init" and "message" not in answer
    assert answer["error"] == {"code": "30008", "message": "That plug is taken.", "paths": ""}


def test_a_refusal_is_told_to_peers_in_english_whatever_language_is_on(app, rooms, monkeypatch):
    monkeypatch.setitem(tables.BECKN_BPP, "status", "tests.beckn.takers.refuse_in_words")
    app.post(app.say("status", {"order_id": "1"}))
    with translation.override("hi"):
        inbox.work()
    assert answer_of(the_row())["error"]["message"] == "There is no such order."


def test_a_verb_that_nobody_takes_is_answered_not_applicable(app, rooms):
    app.post(app.say("track", {"order_id": "1"}))
    inbox.work()
    assert the_row().state == State.REFUSED
    assert answer_of(the_row())["error"]["code"] == "40001"


def test_an_error_about_a_rating_carries_the_message_that_the_core_requires(app, rooms):
    app.post(app.say("rating", {"ratings": []}))
    inbox.work()
    answer = answer_of(the_row())
    assert answer["message"] == {} and answer["error"]
    assert_conforms("on_rating", answer)


def test_a_callback_that_nobody_takes_is_refused_without_an_answer(grid, rooms):
    grid.post(grid.say("on_update"))
    inbox.work()
    assert the_row().state == State.REFUSED
    assert not Message.objects.filter(direction="OUT").exists()


# --- Trouble ----------------------------------------------------------------------------------------------
def test_a_bug_is_tried_again_and_leaves_its_trace(app, rooms):
    rooms.trouble.append(ZeroDivisionError("oops"))
    app.post(app.say("select"))
    inbox.work()
    message = the_row()
    assert message.state == State.RECEIVED and message.next_try_at > message.created_at
    assert "ZeroDivisionError: oops" in Attempt.objects.get().error
    assert not Message.objects.filter(direction="OUT").exists()
    assert inbox.work() == 0  # not before its time
    make_due()
    inbox.work()
    assert the_row().state == State.DONE and len(rooms.taken) == 2


def test_a_handler_that_was_overtaken_decides_again_at_once(app, rooms):
    rooms.trouble.extend(StaleMove(Attempt(), "QUOTED") for _ in range(DECISIONS - 1))
    app.post(app.say("select"))
    inbox.work()
    assert (the_row().state, the_row().tries, len(rooms.taken)) == (State.DONE, 1, DECISIONS)
    assert Message.objects.filter(action="on_select").count() == 1


def test_a_handler_that_is_overtaken_again_and_again_tries_later(app, rooms):
    rooms.trouble.extend(StaleMove(Attempt(), "QUOTED") for _ in range(DECISIONS))
    app.post(app.say("select"))
    inbox.work()
    message = the_row()
    assert (message.state, len(rooms.taken)) == (State.RECEIVED, DECISIONS)
    assert "StaleMove" in message.attempts.get().error


def test_after_the_last_try_it_is_given_up_visibly_and_the_buyer_is_told(app, rooms):
    rooms.trouble.extend(ValueError("again") for _ in range(inbox.TRIES))
    app.post(app.say("select"))
    for _try in range(inbox.TRIES):
        assert inbox.work() == 1
        Message.objects.filter(direction="IN").update(next_try_at=clock.now())
    message = the_row()
    assert (message.state, message.tries, message.attempts.count()) == (State.FAILED, 5, 5)
    assert answer_of(message)["error"]["code"] == "50000"
    assert inbox.work() == 0


def test_a_message_whose_worker_died_is_worked_once_more(app, rooms):
    app.post(app.say("select"))
    [claimed] = inbox.claim(10)
    assert inbox.work() == 0  # somebody has it
    Message.objects.update(lease_until=clock.now())
    assert inbox.work() == 1
    assert (the_row().state, the_row().tries, len(rooms.taken)) == (State.DONE, 2, 1)
    inbox.work_claimed(claimed)  # the dead come back: what they do is undone
    assert Message.objects.filter(action="on_select").count() == 1


def test_a_message_that_kills_every_worker_is_given_up(app, rooms):
    app.post(app.say("select"))
    for _death in range(inbox.TRIES):
        assert inbox.claim(1)
        Message.objects.update(lease_until=clock.now())
    inbox.work()
    assert the_row().state == State.FAILED and not rooms.taken
    assert answer_of(the_row())["error"]["code"] == "50000"


# --- Order ------------------------------------------------------------------------------------------------
def test_messages_of_one_transaction_are_worked_in_order_of_receipt(app, rooms):
    transaction_id = str(uuid4())
    for action in ("select", "init", "confirm"):
        app.post(app.say(action, transaction_id=transaction_id))
    claims = []
    while claimed := inbox.claim(10):
        claims.append([message.action for message in claimed])
        for message in claimed:
            inbox.work_claimed(message)
    assert claims == [["select"], ["init"], ["confirm"]]


def test_other_transactions_and_the_other_side_do_not_wait(app, grid, rooms):
    transaction_id = str(uuid4())
    app.post(app.say("select", transaction_id=transaction_id))
    grid.post(grid.say("on_status", transaction_id=transaction_id))
    app.post(app.say("select"))
    assert len(inbox.claim(10)) == 3


def test_a_poisoned_message_holds_the_later_ones_only_until_it_is_given_up(app, rooms):
    rooms.trouble.extend(ValueError("again") for _ in range(inbox.TRIES))
    transaction_id = str(uuid4())
    app.post(app.say("select", transaction_id=transaction_id))
    app.post(app.say("confirm", transaction_id=transaction_id))
    for _try in range(inbox.TRIES):
        assert [message.action for message in map(lambda m: m, inbox_round())] == ["select"]
    assert [message.action for message in inbox_round()] == ["confirm"]
    assert the_row(action="confirm").state == State.DONE


def inbox_round() -> list[Message]:
    make_due()
    claimed = inbox.claim(10)
    for message in claimed:
        inbox.work_claimed(message)
    return claimed


# --- Time -------------------------------------------------------------------------------------------------
def test_a_request_that_waited_too_long_is_dropped_and_answered(app, rooms):
    app.post(app.say("confirm"))
    Message.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    inbox.work()
    assert the_row().state == State.EXPIRED and not rooms.taken
    assert answer_of(the_row())["error"]["paths"] == "context.ttl"


def test_a_late_search_is_dropped_without_a_word(app, rooms):
    app.post(app.say("search", {"intent": {}}, timestamp="2020-01-01T00:00:00.000Z"))
    inbox.work()
    assert the_row().state == State.EXPIRED and not rooms.taken
    assert not Message.objects.filter(direction="OUT").exists()


def test_a_message_without_ttl_never_expires(app, rooms):
    app.post(app.say("select", timestamp="2020-01-01T00:00:00.000Z", ttl=None))
    inbox.work()
    assert the_row().state == State.DONE


def test_a_late_callback_that_changes_an_order_is_handed_on_as_late(grid, rooms):
    grid.post(grid.say("on_confirm", timestamp="2020-01-01T00:00:00.000Z"))
    inbox.work()
    assert rooms.taken[0].late and the_row().state == State.DONE


def test_a_callback_is_late_when_its_request_was_over(grid, rooms, our_request):
    asked = our_request(grid)
    Message.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    ids = {"transaction_id": str(asked.transaction_id), "message_id": str(asked.message_id)}
    grid.post(grid.say("on_select", **ids))
    inbox.work()
    assert rooms.taken[0].late


def test_a_callback_that_came_in_time_is_not_late_because_we_were_slow(grid, rooms, time_machine):
    time_machine.move_to(clock.now())
    grid.post(grid.say("on_search", {"catalog": {}}))
    time_machine.shift(3600)
    inbox.work()
    assert not rooms.taken[0].late


def test_a_late_on_search_is_dropped(grid, rooms):
    grid.post(grid.say("on_search", {"catalog": {}}, timestamp="2020-01-01T00:00:00.000Z"))
    inbox.work()
    assert the_row().state == State.EXPIRED and not rooms.taken


# --- States -----------------------------------------------------------------------------------------------
def test_the_table_of_moves_is_sound():
    assert check_moves(State, Message.MOVES, Message.FIRST) == []
    assert not any(to in Message.MOVES_IN for targets in Message.MOVES_OUT.values() for to in targets)


def test_only_one_of_two_moves_wins(app):
    app.post(app.say("select"))
    one, two = Message.objects.get(), Message.objects.get()
    assert states.claim_message(one, State.WORKING, lease_until=clock.now())
    assert not states.claim_message(two, State.WORKING, lease_until=clock.now())
    with pytest.raises(StaleMove):
        states.move_message(two, State.WORKING)
    with pytest.raises(IllegalMove):
        states.move_message(one, State.ACKED)


def test_everything_is_quiet_after_draining(app, rooms, loopback):
    loopback.peers[app.url] = lambda *_: (200, b"")
    app.post(app.say("select"))
    assert drain(loopback) == 2
    assert drain(loopback) == 0
    assert [row.state for row in Message.objects.order_by("pk")] == [State.DONE, State.ACKED]
