"""What goes wrong at real charge points (simulator/scenarios.py), and what becomes of the bill."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.charging import corrections
from apps.charging.models import MeterReading, Orphan, Session
from apps.lib.clock import now
from apps.ocpp.models import ChargePoint, Command
from apps.ocpp.simulator.scenarios import SCENARIOS
from tests.chargers.conftest import AGO, Site
from tests.ocpp.conftest import until

State, Failure = Session.State, Session.Failure
EXACT = ["drop-link", "wrong-clock", "rollover", "duplicates", "reordered", "lost-start"]
UNPROVED = ["future-clock", "unset-clock", "meter-reset", "kwh-as-wh"]
FRUITLESS = ["accept-then-nothing", "no-cable"]
UNENDING = ["stuck-after-stop"]
TOO_LITTLE = ["tens-of-wh"]


def test_every_scenario_is_played_here():
    assert {"honest", *EXACT, *UNPROVED, *FRUITLESS, *UNENDING, *TOO_LITTLE} == set(SCENARIOS)


@pytest.fixture
def played(site):
    def play(scenario, story, **options):
        return site(story, scenario=scenario, **options)

    return play


async def six_minutes(site: Site) -> tuple[Session, Decimal]:
    """A charge of six minutes that the car ends; the session and what the car has really got."""
    await site.begin_untold()
    car = site.box.connectors[1].car
    before = car.charged_wh
    for _minute in range(6):
        await site.wait(60)
    site.box.unplug(1)
    await site.wait(300)  # whatever was held back is said
    await site.until_waits(State.CLOSED)
    return await site.session(), car.charged_wh - before


def is_near(energy_wh: Decimal, delivered_wh: Decimal) -> bool:
    """Registers show whole watt-hours."""
    return abs(energy_wh - delivered_wh) <= 1


@pytest.mark.parametrize("scenario", EXACT)
def test_the_bill_is_exact_all_the_same(played, scenario):
    """AT-C1, AT-C2, AT-C3, AT-D1, AT-E1."""
    session, delivered = played(scenario, six_minutes)
    assert is_near(session.energy_wh, delivered)
    assert 5_800 < delivered < 6_100
    assert session.end_reason == "EVDisconnected"
    assert Session.objects.count() == 1
    assert not Orphan.objects.exists()


@pytest.mark.parametrize("scenario", UNPROVED)
def test_what_cannot_be_proved_is_not_billed(played, scenario):
    """AT-D1, AT-D2: the driver pays at most what was delivered, and nothing negative is ever seen."""
    session, delivered = played(scenario, six_minutes)
    assert 0 <= session.energy_wh <= delivered + 1
    assert (session.state, session.end_reason) == (State.CLOSED, "EVDisconnected")
    assert MeterReading.objects.exclude(note="").exists()
    assert not Orphan.objects.exists()


@pytest.mark.parametrize("is_corrected", [False, True])
def test_a_meter_with_a_wrong_factor_is_exact_once_it_is_corrected(played, is_corrected):
    """AT-D3."""
    if is_corrected:
        corrections.add(
            charge_point_id=Site.id,
            ocpp_connector_id=None,
            energy_factor=Decimal(10),
            power_factor=Decimal(1),
            begins_at=now() - timedelta(days=1),
            ends_at=None,
            reason="measured with a second meter",
            by="mira",
        )
    session, delivered = played("tens-of-wh", six_minutes)
    assert abs(session.energy_wh - (delivered if is_corrected else delivered / 10)) <= 20
    told = session.readings.order_by("at").last().register_wh
    assert session.register_wh == told * (10 if is_corrected else 1)


def test_a_meter_that_began_again_costs_one_interval(played):
    """AT-D1."""
    session, delivered = played("meter-reset", six_minutes)
    assert delivered - 1_100 < session.energy_wh < delivered - 900
    notes = list(session.readings.exclude(note="").values_list("note", flat=True))
    assert notes == ["drop", "register replaced"]


def test_a_lost_line_is_shown_and_no_reading_is_missing(played):
    """AT-A6."""
    session, _delivered = played("drop-link", six_minutes)
    assert State.OFFLINE in [event.now for event in session.events.all()]
    assert session.readings.filter(accepted=True).count() >= 6


def test_a_clock_that_is_slow_is_measured_and_left_as_it_is(played):
    """AT-E1: the maths stays within the charger's own clock, and its error is known."""
    session, _delivered = played("wrong-clock", six_minutes)
    assert session.created_at - session.started_at > AGO + timedelta(hours=2)
    skew = timedelta(seconds=ChargePoint.objects.get().clock_skew_seconds)
    assert skew < -AGO - timedelta(hours=2)


@pytest.mark.parametrize(
    ("scenario", "plugged", "failure"),
    [
        (FRUITLESS[0], False, Failure.NO_CABLE),
        (FRUITLESS[0], True, Failure.VEHICLE_FAULT),
        (FRUITLESS[1], False, Failure.NO_CABLE),
    ],
)
def test_a_start_that_leads_to_nothing_ends_with_its_reason(played, scenario, plugged, failure):
    """AT-B3, AT-B4."""

    async def story(site: Site):
        if plugged:
            site.plug_in()
            await site.all_said()
        await site.start()
        await site.until_accepted()
        await site.until_waits(State.FAILED)
        await site.wait(61)
        return await site.session(), site.box.connectors[1].is_free_for_start

    session, is_free = played(scenario, story, drivers=not plugged)
    assert (session.state, session.failure) == (State.FAILED, failure)
    assert is_free


def test_a_stop_that_is_never_confirmed_ends_on_the_last_reading(played):
    """AT-A1, AT-A2."""

    async def story(site: Site):
        await site.begin()
        await site.wait(180)
        last = (await site.session()).energy_wh
        await site.stop()
        await until(lambda: site.box.connectors[1].transaction is None)
        await site.all_said()
        await site.wait(180)  # the car leaves
        assert site.box.connectors[1].status == "Available"
        await site.until_waits(State.CLOSED)
        return last, await site.session()

    last, session = played(UNENDING[0], story, drivers=True)
    assert session.meter_stop_wh is None
    assert session.energy_wh >= last > 2_900
    assert State.ENDED_PENDING_METER in [event.now for event in session.events.all()]
    # Asked again once, and no more.
    assert Command.objects.filter(action=Command.Action.REMOTE_STOP).count() == 2
