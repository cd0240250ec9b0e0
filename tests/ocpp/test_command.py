"""Commands: queued with the caller's transaction, sent by whoever holds the socket, answered once."""

from datetime import timedelta

import pytest
from channels.db import database_sync_to_async as database
from channels.layers import get_channel_layer
from django.db import transaction

from apps.lib.clock import now
from apps.lib.moves import check_moves
from apps.ocpp import commands, services, switchboard
from apps.ocpp.models import ChargePoint, Command
from tests.ocpp.conftest import at_the_door, run, until

pytestmark = pytest.mark.django_db(transaction=True)
State = Command.State


def start(**changes) -> Command:
    asked = {"charge_point_id": "CP-1", "connector_id": 1, "token": "GOOD", "reference": "SE-1"}
    return commands.remote_start(**(asked | changes))


def stop(**changes) -> Command:
    return commands.remote_stop(
        **({"charge_point_id": "CP-1", "transaction_id": 7, "reference": "SE-1"} | changes)
    )


@pytest.mark.parametrize("model", [Command, ChargePoint])
def test_the_tables_of_moves_are_sound(model):
    assert not check_moves(model.State, model.MOVES)


def test_a_command_wakes_the_socket_and_its_answer_is_told(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            command = await database(start)()
            kind, unique_id, action, payload = await talker.listen()
            assert (kind, unique_id, action) == (2, command.unique_id, "RemoteStartTransaction")
            assert payload == {"connectorId": 1, "idTag": "GOOD"}
            await talker.tell([3, unique_id, {"status": "Accepted"}])
            await until(lambda: domain.of("command_answered"))

    run(story)
    answered = domain.only("command_answered")
    assert (answered.command, answered.reference, answered.outcome) == ("remote_start", "SE-1", "accepted")
    assert [event.now for event in Command.objects.get().events.all()] == [State.SENT, State.ACCEPTED]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ([3, {"status": "Rejected"}], "Rejected"),
        ([4, "InternalError", "no", {}], "InternalError: no"),
        ([4, "InternalError"], "InternalError"),
        ([3, {"status": "Perhaps"}], "unreadable answer"),
        ([3, {}], "unreadable answer"),
    ],
)
def test_everything_but_a_clear_yes_is_a_no(charge_point, domain, answer, detail):
    async def story():
        async with at_the_door() as talker:
            await database(stop)()
            _kind, unique_id, *_rest = await talker.listen()
            await talker.tell([answer[0], unique_id, *answer[1:]])
            await until(lambda: domain.of("command_answered"))

    run(story)
    answered = domain.only("command_answered")
    assert answered.outcome == "rejected"
    assert answered.detail.startswith(detail)


def test_a_lost_wake_up_costs_one_round(charge_point, domain, monkeypatch):
    """As from another process whose message never came: the row alone is enough."""
    monkeypatch.setattr(commands, "group_send_soon", lambda group, message: None)

    async def story():
        async with at_the_door() as talker:
            await talker.call("Heartbeat", {})  # the door has looked for commands once, as the socket opened
            command = await database(start)()
            assert await talker.socket.receive_nothing(timeout=0.05)
            await switchboard.switchboard().walk_once()
            assert (await talker.listen())[1] == command.unique_id

    run(story)


def test_the_rounds_walk_by_themselves(charge_point, domain, monkeypatch):
    monkeypatch.setattr(commands, "group_send_soon", lambda group, message: None)
    monkeypatch.setattr(switchboard, "ROUND_SECONDS", 0.02)

    async def story():
        async with at_the_door() as talker:
            command = await database(start)()
            assert (await talker.listen())[1] == command.unique_id

    run(story)


def test_a_command_waits_for_a_charge_point_that_comes_back(charge_point, domain):
    command = start()

    async def story():
        async with at_the_door() as talker:
            return (await talker.listen())[1]

    assert run(story) == command.unique_id


def test_commands_go_one_at_a_time(charge_point, domain):
    first, second = start(), stop()

    async def story():
        async with at_the_door() as talker:
            assert (await talker.listen())[1] == first.unique_id
            assert await talker.socket.receive_nothing(timeout=0.05)
            await talker.tell([3, first.unique_id, {"status": "Accepted"}])
            assert (await talker.listen())[1] == second.unique_id

    run(story)


def test_a_message_from_outside_wakes_too(charge_point, domain, monkeypatch):
    monkeypatch.setattr(commands, "group_send_soon", lambda group, message: None)

    async def story():
        async with at_the_door() as talker:
            await database(start)()
            await get_channel_layer().group_send("cp.CP-1", {"type": "cp.wake"})
            return (await talker.listen())[2]

    assert run(story) == "RemoteStartTransaction"


def test_asking_twice_is_one_command(charge_point):
    assert stop() == stop()
    assert Command.objects.count() == 1


def test_after_its_end_the_same_may_be_asked_again(charge_point, domain):
    first = stop()
    Command.objects.update(deadline_at=now() - timedelta(seconds=1))
    commands.expire_commands()
    assert stop() != first


def test_a_rolled_back_command_never_was(charge_point):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        start()
        raise ZeroDivisionError
    assert not Command.objects.exists()


def test_an_absent_charge_point_lets_the_command_time_out_once(charge_point, domain):
    start()
    Command.objects.update(deadline_at=now() - timedelta(seconds=1))
    assert [commands.expire_commands(), commands.expire_commands()] == [1, 0]
    answered = domain.only("command_answered")
    assert (answered.outcome, answered.detail) == ("timed-out", "not connected")


def test_an_answer_after_the_deadline_changes_nothing(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            await database(start)()
            _kind, unique_id, *_rest = await talker.listen()
            await database(Command.objects.update)(deadline_at=now() - timedelta(seconds=1))
            await database(commands.expire_commands)()
            await talker.tell([3, unique_id, {"status": "Accepted"}])
            await talker.call("Heartbeat", {})

    run(story)
    assert domain.only("command_answered").outcome == "timed-out"
    assert Command.objects.get().state == State.TIMED_OUT


def test_an_answer_to_nothing_is_only_logged(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            await talker.tell([3, "nobody-asked", {"status": "Accepted"}])
            await talker.tell([4, "-1", "InternalError", "", {}])
            return await talker.call("Heartbeat", {})

    assert run(story)[0] == 3
    assert not domain.of("command_answered")


def test_a_fault_while_taking_an_answer_leaves_the_socket_alive(charge_point, domain):
    async def story():
        async with at_the_door() as talker:
            await database(start)()
            _kind, unique_id, *_rest = await talker.listen()
            domain.refuse = ZeroDivisionError()
            await talker.tell([3, unique_id, {"status": "Accepted"}])
            return await talker.call("Heartbeat", {})

    assert run(story)[0] == 3
    assert Command.objects.get().state == State.SENT  # and will time out


@pytest.mark.parametrize("token", ["", "x" * 21])
def test_a_token_no_charger_takes_is_refused(charge_point, token):
    with pytest.raises(commands.TokenTooLong):
        start(token=token)


def test_an_unknown_or_blocked_charge_point_is_refused(charge_point):
    with pytest.raises(commands.UnknownChargePoint):
        start(charge_point_id="CP-9")
    services.block(charge_point, why="stolen")
    with pytest.raises(commands.UnknownChargePoint):
        start()


def test_registering_refuses_what_cannot_be(charge_point):
    with pytest.raises(services.IdentityTaken):
        services.register("CP-1")
    with pytest.raises(services.NotAnIdentity):
        services.register("a/b")
    with pytest.raises(services.admission.PasswordTooShort):
        services.register("CP-2", "short")
