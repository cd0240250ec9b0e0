"""More plugs than the demo network has, round its middle, each with a charge point of its own."""

from tests.foreign.portal import Portal

_MORE = """
from decimal import Decimal
from apps.catalog.hours import ALWAYS
from apps.catalog.models import Connector, Evse, Operator, Station
Station.objects.update(hours=ALWAYS, closed_reason='')
operators = list(Operator.objects.order_by('code'))
prices = {{o.pk: o.tariffs.filter(connectors__power_type='DC').first() for o in operators}}
operators = [o for o in operators if prices[o.pk]]
number = 0
while number < {more}:
    operator = operators[(number // 10) % len(operators)]
    place = number // 10
    station = Station.objects.create(
        operator=operator, code=f'bench-{{place}}', name=f'Bench {{place}}', address='1 Test Road',
        city='Bengaluru', region='Karnataka', postcode='560001',
        lat=Decimal('12.93') + Decimal(place % 10) / 125,
        lon=Decimal('77.55') + Decimal(place // 10) / 125,
        hours=ALWAYS,
    )
    for post in range(10):
        evse = Evse.objects.create(station=station, code=f'bench-{{place}}-{{post}}', label=str(post + 1))
        Connector.objects.create(
            evse=evse, code=f'bench-{{place}}-{{post}}', letter='ABCDEFGHIJ'[post], ocpp_connector_id=1,
            standard='IEC_62196_T2_COMBO', power_type='DC', max_kw=60, tariff=prices[operator.pk],
        )
        number += 1
"""


def widen(portal: Portal, plugs: int) -> None:
    """At least so many charge points, and no station closed at whatever hour this runs."""
    known = int(portal.shell("from apps.catalog.models import Evse\nprint(Evse.objects.count())"))
    portal.shell(_MORE.format(more=max(0, plugs - known)))
    portal.manage("attach_chargers", "--all", "--protocol", "mixed")


_FREE = """
from datetime import timedelta
from apps.catalog.models import Connector
from apps.lib import clock
from apps.ocpp.models import ChargePoint
now = clock.now()
Connector.objects.update(status='Available', status_changed_at=now, last_seen_at=now, status_source='ocpp')
ChargePoint.objects.update(connected=True, last_seen_at=now + timedelta(hours=1))
"""


def set_free(portal: Portal) -> None:
    """As if a charge point behind every plug had just said that it is free, for benches that never charge."""
    portal.shell(_FREE)
