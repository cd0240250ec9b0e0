"""ReserveNow and CancelReservation, from the command to the simulated box and back."""

from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async as database

from apps.ocpp import commands
from apps.ocpp.models import Command
from apps.ocpp.simulator import SimulatedChargePoint
from apps.ocpp.simulator.connector import Connector
from tests.ocpp.conftest import until
from tests.ocpp.test_simulate import FIVE_HOURS_AGO, played

pytestmark = pytest.mark.django_db(transaction=True)


def shown(domain, connector: int = 1) -> list[str]:
    return [event.status for event in domain.of("connector_status") if event.connector_id == connector]


async def reserve(minutes: int = 15, token: str = "GOOD-7", reference: str = "BK-1") -> Command:
    # The box lives five hours ago.
    until_when = datetime.now(UTC) - FIVE_HOURS_AGO + timedelta(minutes=minutes)
    return await database(commands.reserve)(
        charge_point_id="CP-1", connector_id=1, token=token, until=until_when, reference=reference
    )


def answers(domain) -> list[tuple[str, str]]:
    return [(event.command, event.outcome) for event in domain.of("command_answered")]


def test_a_reserved_plug_shows_it_until_it_is_taken_back(charge_point, domain):
    async def story(scene):
        reservation = await reserve()
        await until(lambda: domain.of("command_answered"))
        await scene.all_said()
        assert scene.box.connectors[1].reservation.id == reservation.pk
        await database(commands.cancel_reservation)(reservation=reservation, reference="BK-1")
        await until(lambda: len(domain.of("command_answered")) == 2)
        await scene.all_said()

    played(story)
    assert answers(domain) == [("reserve", "accepted"), ("cancel_reservation", "accepted")]
    assert shown(domain) == ["Available", "Reserved", "Available"]


def test_a_reservation_that_nobody_uses_ends_by_itself(charge_point, domain):
    async def story(scene):
        await reserve(minutes=15)
        await until(lambda: domain.of("command_answered"))
        await scene.wait(14 * 60)
        assert shown(domain)[-1] == "Reserved"
        await scene.wait(2 * 60)

    played(story)
    assert shown(domain) == ["Available", "Reserved", "Available"]


def test_only_the_token_it_is_kept_for_may_begin(charge_point, domain):
    async def story(scene):
        await reserve(token="GOOD-7")
        await until(lambda: len(domain.of("command_answered")) == 1)
        for number, token in enumerate(("GOOD-1", "GOOD-7"), start=2):
            await database(commands.remote_start)(
                charge_point_id="CP-1", connector_id=1, token=token, reference=f"SE-{number}"
            )
            await until(lambda number=number: len(domain.of("command_answered")) == number)
        scene.box.plug_in(1)
        await until(lambda: domain.of("transaction_started"))

    played(story)
    assert [outcome for _command, outcome in answers(domain)] == ["accepted", "rejected", "accepted"]
    assert domain.only("transaction_started").token == "GOOD-7"


def test_an_occupied_plug_refuses_to_be_reserved(charge_point, domain):
    async def story(scene):
        scene.box.plug_in(1)
        await scene.all_said()
        await reserve()
        await until(lambda: domain.of("command_answered"))

    played(story)
    assert domain.only("command_answered").outcome == "rejected"
    assert Command.objects.get().answer == "Occupied"


def test_what_is_not_reserved_cannot_be_taken_back():
    box = SimulatedChargePoint("CP-1", url="ws://nowhere", password="x", connectors=[Connector(1)])
    assert not box.cancel_reservation(7)
