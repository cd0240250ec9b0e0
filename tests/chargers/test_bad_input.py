"""What no charge point should say, said to the real door with the real charging room behind it, in a running charge."""

import json
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async as database

from apps.charging.models import MeterReading, Orphan, Session
from apps.lib import clock
from apps.ocpp.models import Frame
from apps.ocpp.services import register
from tests.factory import Factory
from tests.ocpp.conftest import PASSWORD, Talker, at_the_door, run

pytestmark = pytest.mark.django_db(transaction=True)
BEGAN_AT = clock.now() - timedelta(hours=1)


def at(minutes: float) -> str:
    return clock.utc_text(BEGAN_AT + timedelta(minutes=minutes))


@pytest.fixture(autouse=True)
def plug(transactional_db):
    register("CP-1", PASSWORD)
    Factory().make_priced_connector(Factory().make_evse(charge_point_id="CP-1"), seen_at=clock.now())


def values(number: int, *told: tuple[str, str], connector: int = 1) -> dict:
    moments = [{"timestamp": moment, "sampledValue": [{"value": wh}]} for moment, wh in told]
    return {"connectorId": connector, "transactionId": number, "meterValue": moments}


async def begins(talker: Talker) -> int:
    start = {"connectorId": 1, "idTag": "CARD-1", "meterStart": 1000, "timestamp": at(0)}
    number = (await talker.call("StartTransaction", start, "begin"))[2]["transactionId"]
    await talker.call("MeterValues", values(number, (at(2), "2000")), "first")
    return number


def kept() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Session, MeterReading, Orphan)]


def status_of(connector: int) -> str:
    said = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
    return json.dumps([2, "x", "StatusNotification", said])


BAD = {
    "not JSON": "this is no JSON",
    "a part of JSON": '[2,"x","Heartbeat",{',
    "a megabyte": '[2,"x","DataTransfer",{"vendorId":"' + "x" * 1_000_000 + '"}]',
    "a deep nest": '[2,"x","DataTransfer",' + "[" * 50_000 + "]" * 50_000 + "]",
    "an unknown action": '[2,"x","MakeCoffee",{}]',
    "an action that is not for us": '[2,"x","SendLocalList",{"listVersion":1,"updateType":"Full"}]',
    "a number for a text": '[2,"x","Authorize",{"idTag":17}]',
    "a text for a number": '[2,"x","MeterValues",{"connectorId":"one","meterValue":[]}]',
    "no such key": '[2,"x","Heartbeat",{"pulse":72}]',
    "a missing part": '[2,"x","StopTransaction",{"transactionId":1}]',
    "not a number": '[2,"x","StopTransaction",{"transactionId":1,"meterStop":NaN,"timestamp":"2026-01-01T00:00:00Z"}]',
    "a connector below zero": status_of(-1),
    "a connector beyond a thousand": status_of(1001),
    "an id without end": json.dumps([2, "x" * 500, "Heartbeat", {}]),
    "an array of nothing": "[]",
    "an object": "{}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_it_is_refused_logged_and_forgotten_and_the_charge_goes_on(text):
    async def story():
        async with at_the_door() as talker:
            number = await begins(talker)
            before = await database(kept)()
            answer = await talker.say(text)
            same = before == await database(kept)()
            await talker.call("MeterValues", values(number, (at(3), "2500")), "after")
            return answer, same, await Session.objects.aget()

    answer, same, session = run(story)
    assert answer[0] == 4 and answer[2] != "InternalError"
    assert same
    assert (session.state, session.energy_wh) == ("ACTIVE", 1500)
    assert Frame.objects.exclude(outcome="").filter(direction="IN").exists()


def test_an_unknown_connector_is_refused_and_kept_for_the_operator():
    async def story():
        async with at_the_door() as talker:
            start = {"connectorId": 9, "idTag": "CARD-1", "meterStart": 0, "timestamp": at(0)}
            return [(await talker.call("StartTransaction", start, f"m{time}"))[2] for time in range(3)]

    answers = run(story)
    assert {answer["idTagInfo"]["status"] for answer in answers} == {"Invalid"}
    orphan = Orphan.objects.get()
    assert {answer["transactionId"] for answer in answers} == {-orphan.pk}
    assert (orphan.why, orphan.ocpp_connector_id) == ("unknown connector", 9)
    assert not Session.objects.exists()


def test_unknown_transactions_are_taken_kept_and_change_no_charge():
    async def story():
        async with at_the_door() as talker:
            number = await begins(talker)
            for time in range(2):
                await talker.call("MeterValues", values(number + 77, (at(4), "9000")), f"v{time}")
                stop = {"transactionId": number + 77, "meterStop": 9000, "timestamp": at(5)}
                answer = await talker.call("StopTransaction", stop, f"s{time}")
            return answer, await Session.objects.aget()

    answer, session = run(story)
    assert answer[0] == 3  # a stop is never refused
    assert (session.state, session.energy_wh) == ("ACTIVE", 1000)
    assert sorted(Orphan.objects.values_list("kind", flat=True)) == ["meter_readings", "transaction_stopped"]


def test_readings_out_of_order_and_from_the_future_bill_nothing_that_was_not_delivered():
    tomorrow = clock.utc_text(clock.now() + timedelta(days=1))

    async def story():
        async with at_the_door() as talker:
            number = await begins(talker)
            for time, told in enumerate(
                [
                    (at(6), "4000"),
                    (at(4), "3000"),
                    (tomorrow, "900000"),
                    ("1970-01-01T00:00:00Z", "950000"),
                    (at(5), "3500"),
                ]
            ):
                assert (await talker.call("MeterValues", values(number, told), f"v{time}"))[0] == 3
            stop = {"transactionId": number, "meterStop": 4500, "timestamp": at(8), "reason": "Local"}
            await talker.call("StopTransaction", stop, "stop")
            return await Session.objects.aget()

    session = run(story)
    assert (session.state, session.energy_wh) == ("CLOSED", 3500)
    doubted = session.readings.filter(at_doubted=True)
    assert doubted.count() == 2
    assert not doubted.filter(accepted=True).exists()


def test_a_second_connection_with_the_same_id_wins_and_the_charge_goes_on():
    async def story():
        async with at_the_door() as first:
            number = await begins(first)
            async with at_the_door() as second:
                await first.hears_close()
                await second.call("MeterValues", values(number, (at(3), "2500")), "again")
                return await Session.objects.aget()

    session = run(story)
    assert (session.state, session.energy_wh) == ("ACTIVE", 1500)
