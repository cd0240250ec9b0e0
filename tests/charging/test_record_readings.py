from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.charging import services
from apps.charging.models import MeterReading, Orphan, Session
from apps.ocpp import events
from tests.charging.doubles import Charger, make_charger, minutes, plug_of
from tests.factory import NOON, Factory

RATED_WH_A_SECOND = 60_000 / 3600


def test_readings_carry_all_their_figures(charger, running):
    figures = {"power_w": Decimal(42_100), "soc_percent": Decimal(58), "current_a": Decimal(108)}
    charger.meter(running.pk, (NOON + minutes(1), 1700), **figures)
    running.refresh_from_db()
    assert (running.energy_wh, running.power_w, running.soc_percent) == (700, 42_100, 58)
    assert running.last_reading_at == NOON + minutes(1)


def test_a_reading_that_cannot_be_is_kept_and_flagged(charger, running):
    """AT-D2."""
    charger.meter(running.pk, (NOON + minutes(1), 37_900))
    reading = running.readings.get()
    running.refresh_from_db()
    assert (reading.accepted, reading.note, running.energy_wh) == (False, "jump", 0)


def test_figures_no_meter_shows_are_left_out(charger, running):
    charger.meter(running.pk, (NOON + minutes(1), 10**15), soc_percent=Decimal(430), power_w=Decimal("NaN"))
    reading = running.readings.get()
    assert (reading.register_wh, reading.soc_percent, reading.power_w) == (None, None, None)


def test_a_late_reading_is_counted_at_its_own_time(charger, running):
    """AT-C3."""
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    charger.meter(running.pk, (NOON + minutes(3), 0), (NOON + minutes(4), 900))
    charger.meter(running.pk, (NOON + minutes(2), 2800))
    running.refresh_from_db()
    assert running.energy_wh == 900 + 900 + 900
    assert [reading.accepted for reading in running.readings.all()] == [True, True, False, True]


def test_two_accounts_of_one_moment_count_the_smaller(charger, running):
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    charger.meter(running.pk, (NOON + minutes(1), 1800))
    charger.meter(running.pk, (NOON + minutes(1), 1900))
    running.refresh_from_db()
    assert running.energy_wh == 800


def test_readings_after_the_close_are_kept_and_not_counted(charger, running):
    charger.end(running.pk, wh=2000, at=NOON + minutes(2))
    charger.meter(running.pk, (NOON + minutes(3), 2500))
    running.refresh_from_db()
    assert running.energy_wh == 1000
    assert running.readings.last().note == "after the close"


def test_readings_of_an_unknown_transaction_are_kept(charger, running):
    charger.meter(4711, (NOON + minutes(1), 1900))
    charger.meter(4711, (NOON + minutes(1), 1900))
    assert Orphan.objects.get().register_wh == 1900
    assert not MeterReading.objects.exists()


def test_readings_outside_a_transaction_are_nobodys(charger, running):
    charger.say(events.MeterReadings, connector_id=1, transaction_id=None, readings=())
    assert not Orphan.objects.exists()


# --- Any order, any number of times (AT-C1, law 3) ---------------------------------------------------


def begun() -> tuple[Charger, Session]:
    charger = make_charger(Factory())
    session = services.start(reference="BK-1", connector=plug_of(charger), token="T", limit_kwh=None)
    charger.begin("T")
    return charger, session


@st.composite
def stories(draw, *, honest: bool):
    """The readings of one charge, the same in a scramble with repetitions, and whether the stop is last."""
    told, at, register_wh = [], NOON, 1000
    for _reading in range(draw(st.integers(1, 8))):
        seconds = draw(st.integers(5, 300))
        at += timedelta(seconds=seconds)
        register_wh += draw(st.integers(0, int(seconds * RATED_WH_A_SECOND)))
        shown = register_wh if honest else draw(st.sampled_from([register_wh] * 3 + [0, register_wh + 10**6]))
        told.append((at, shown))
    order = draw(
        st.permutations([index for index in range(len(told)) for _time in range(draw(st.integers(1, 5)))])
    )
    return told, order, (at + timedelta(seconds=5), register_wh)


def as_messages(session_pk: int, told, end) -> list[events.ChargePointEvent]:
    said = {"charge_point_id": "CP-1", "received_at": NOON}
    metered = [
        events.MeterReadings(
            **said,
            connector_id=1,
            transaction_id=session_pk,
            readings=(events.Reading(at=at, register_wh=Decimal(wh)),),
        )
        for at, wh in told
    ]
    at, wh = end
    return [
        *metered,
        events.TransactionStopped(**said, transaction_id=session_pk, meter_stop_wh=Decimal(wh), at=at),
    ]


few = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def outcome(told, order, end, *, stop_at: int) -> tuple[Decimal, str, int]:
    """Play `order` (indices of `told`) with the stop at position `stop_at` in a world of its own."""
    charger, session = begun()
    messages = as_messages(session.pk, told, end)
    played = [messages[index] for index in order]
    played.insert(stop_at, messages[-1])
    for message in [*played, messages[-1]]:
        charger.repeat(message)
    session.refresh_from_db()
    return session.energy_wh, session.state, session.readings.count()


def worlds(*plays):
    """Each play in a transaction that is rolled back."""
    found = []
    for play in plays:
        with transaction.atomic():
            found.append(play())
            transaction.set_rollback(True)
    return found


@few
@given(story=stories(honest=True), data=st.data())
def test_an_honest_meter_gives_one_energy_in_any_order_with_the_stop_anywhere(db, story, data):
    told, order, end = story
    stop_at = data.draw(st.integers(0, len(order)))
    straight, scrambled = worlds(
        lambda: outcome(told, range(len(told)), end, stop_at=len(told)),
        lambda: outcome(told, order, end, stop_at=stop_at),
    )
    assert straight == scrambled
    assert straight[0] == end[1] - 1000


@few
@given(story=stories(honest=False))
def test_a_meter_full_of_nonsense_gives_one_energy_in_any_order(db, story):
    told, order, end = story
    straight, scrambled = worlds(
        lambda: outcome(told, range(len(told)), end, stop_at=len(told)),
        lambda: outcome(told, order, end, stop_at=len(order)),
    )
    assert straight == scrambled
