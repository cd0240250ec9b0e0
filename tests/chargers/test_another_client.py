"""Charge points that are not our simulator: frames written down from the documents, sent one by one.

They behave as other makers' boxes do: a cable before the token, no register at the start, an end without one. Whole
charges by another library are in test_other_maker.py.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from channels.db import database_sync_to_async as database

from apps.charging import services
from apps.charging.models import Orphan, Session
from apps.lib import clock
from apps.ocpp.models import ChargePoint
from apps.ocpp.services import register
from tests.charging.doubles import plug_of
from tests.factory import Factory
from tests.ocpp.conftest import PASSWORD, Talker, at_the_door, run

pytestmark = pytest.mark.django_db(transaction=True)
State = Session.State


class Box:
    """The identity that `plug_of` looks for."""

    id = "CP-1"


@pytest.fixture(autouse=True)
def plug(transactional_db):
    register(Box.id, PASSWORD)
    Factory().make_priced_connector(Factory().make_evse(charge_point_id=Box.id), seen_at=clock.now())


BEGAN_AT = clock.now() - timedelta(hours=1)


def at(minutes: int) -> str:
    return clock.utc_text(BEGAN_AT + timedelta(minutes=minutes))


async def boots(talker: Talker, said: dict[str, Any]) -> None:
    """It is asked how long it waits for the cable, and does not know that question."""
    assert (await talker.call("BootNotification", said))[0] == 3
    _kind, unique_id, action, _asked = await talker.listen()
    assert action in ("GetConfiguration", "GetVariables")
    await talker.tell([4, unique_id, "NotSupported", "", {}])


async def accepts_start(talker: Talker) -> dict[str, Any]:
    """The driver asks; the box says yes. What it was asked."""
    plug = await database(plug_of)(Box)
    await database(services.start)(reference="BK-1", connector=plug, token="TOKEN-1", limit_kwh=None)
    _kind, unique_id, _action, asked = await talker.listen()
    await talker.tell([3, unique_id, {"status": "Accepted"}])
    return asked


async def accepts_stop(talker: Talker) -> dict[str, Any]:
    await database(services.stop)(reference="BK-1")
    _kind, unique_id, _action, asked = await talker.listen()
    await talker.tell([3, unique_id, {"status": "Accepted"}])
    return asked


async def session() -> Session:
    return await Session.objects.aget()


def test_a_charge_in_1_6():
    async def story():
        async with at_the_door() as talker:
            boot = {"chargePointVendor": "Other", "chargePointModel": "Box"}
            await boots(talker, boot)
            asked = await accepts_start(talker)
            assert asked == {"connectorId": 1, "idTag": "TOKEN-1"}
            start = {"connectorId": 1, "idTag": "TOKEN-1", "meterStart": 7, "timestamp": at(0)}
            answer = (await talker.call("StartTransaction", start))[2]
            number = answer["transactionId"]
            assert answer["idTagInfo"] == {"status": "Accepted"}
            sample = {"value": "2.007", "unit": "kWh"}
            values = {"connectorId": 1, "transactionId": number}
            moment = {"timestamp": at(3), "sampledValue": [sample]}
            await talker.call("MeterValues", {**values, "meterValue": [moment]})
            assert (await session()).energy_wh == 2_000
            assert await accepts_stop(talker) == {"transactionId": number}
            stop = {"transactionId": number, "meterStop": 3007, "timestamp": at(5), "reason": "Remote"}
            await talker.call("StopTransaction", stop)
            return await session()

    ended = run(story)
    assert (ended.state, ended.energy_wh) == (State.CLOSED, 3_000)


def transaction_event(stage: str, seq_no: int, minute: int, wh: Decimal | None = None, **more: Any):
    info = {"transactionId": "8f1e", **more.pop("info", {})}
    event = {
        "eventType": stage,
        "timestamp": at(minute),
        "triggerReason": more.pop("why"),
        "seqNo": seq_no,
        "transactionInfo": info,
        **more,
    }
    if wh is not None:
        kwh = {"value": float(wh) / 1000, "unitOfMeasure": {"unit": "kWh"}}
        event["meterValue"] = [{"timestamp": at(minute), "sampledValue": [kwh]}]
    return event


def test_a_charge_in_2_0_1_whose_cable_comes_before_the_token_and_whose_registers_are_missing():
    evse, token = {"id": 1, "connectorId": 1}, {"idToken": "TOKEN-1", "type": "Central"}

    async def story():
        async with at_the_door(offers=("ocpp2.0.1",)) as talker:
            station = {"vendorName": "Other", "model": "Box"}
            await boots(talker, {"reason": "PowerUp", "chargingStation": station})

            async def says(*args: Any, **more: Any) -> dict[str, Any]:
                kind, _id, answer = (await talker.call("TransactionEvent", transaction_event(*args, **more)))[
                    :3
                ]
                assert kind == 3, answer
                return answer

            plugged = {"chargingState": "EVConnected"}
            await says("Started", 0, 0, why="CablePluggedIn", info=plugged, evse=evse)
            assert not await Session.objects.aexists()
            asked = await accepts_start(talker)
            assert (asked["evseId"], asked["idToken"]) == (1, token)
            begun = {"chargingState": "Charging", "remoteStartId": asked["remoteStartId"]}
            answer = await says("Updated", 1, 10, why="RemoteStart", info=begun, idToken=token)
            assert answer == {"idTokenInfo": {"status": "Accepted"}}
            assert (await session()).state == State.ACTIVE
            await says("Updated", 2, 11, Decimal(900_000), why="MeterValuePeriodic")
            await says("Updated", 3, 13, Decimal(902_000), why="MeterValuePeriodic")
            assert (await session()).energy_wh == 2_000
            assert await accepts_stop(talker) == {"transactionId": "8f1e"}
            for _time in range(2):
                await says("Ended", 4, 14, why="RemoteStop", info={"stoppedReason": "Remote"})
            return await session()

    ended = run(story)
    assert (ended.state, ended.energy_wh, ended.end_reason) == (State.CLOSED, 2_000, "Remote")
    assert (ended.meter_start_wh, ended.meter_stop_wh) == (None, None)
    assert ended.ended_at - ended.started_at == timedelta(minutes=4)
    assert not Orphan.objects.exists()
    assert ChargePoint.objects.get().protocol == "ocpp2.0.1"
