"""Redis being away costs wake-ups, never a charge point."""

from channels.layers import channel_layers

from apps.lib.channel import RedisLayer
from apps.ocpp.models import ChargePoint
from tests.foreign.portal import free_port
from tests.ocpp.conftest import at_the_door, run


def test_a_charge_point_that_comes_while_redis_is_away_is_heard(charge_point, domain):
    layer = RedisLayer(hosts=[f"redis://127.0.0.1:{free_port()}/0"])
    known = channel_layers.set("default", layer)

    async def story():
        async with at_the_door() as talker:
            boot = {"chargePointVendor": "Other", "chargePointModel": "Box"}
            answer = (await talker.call("BootNotification", boot))[2]
            values = {
                "connectorId": 1,
                "meterValue": [{"timestamp": "2026-11-25T10:00:00Z", "sampledValue": [{"value": "7"}]}],
            }
            kind = (await talker.call("MeterValues", values))[0]
            await layer.flush()
            return answer["status"], kind

    try:
        assert run(story) == ("Accepted", 3)
    finally:
        channel_layers.set("default", known)
    assert domain.only("meter_readings").readings[0].register_wh == 7
    assert ChargePoint.objects.get().last_seen_at
