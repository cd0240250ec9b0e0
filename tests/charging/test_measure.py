"""The arithmetic of the meter (AT-D1, AT-D2)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.charging import metering
from tests.factory import NOON

KW_60 = Decimal(60)


def walk(start_wh: int, *told: tuple[int, int]) -> tuple[metering.Proof, list[metering.Verdict]]:
    """Readings as (seconds after the start, register)."""
    proof, verdicts = metering.begin(Decimal(start_wh), NOON), []
    for seconds, register_wh in told:
        mark = metering.Mark(Decimal(register_wh), NOON + timedelta(seconds=seconds))
        proof, verdict = metering.step(proof, mark, KW_60)
        verdicts.append(verdict)
    return proof, verdicts


def test_energy_is_the_sum_of_deltas():
    proof, verdicts = walk(1000, (60, 1900), (120, 2700))
    assert proof.energy_wh == 1700
    assert all(verdict.accepted for verdict in verdicts)


def test_a_jump_beyond_the_rated_power_is_not_counted():
    proof, verdicts = walk(1000, (60, 1900), (120, 38_900), (180, 3700))
    assert proof.energy_wh == 2700
    assert [verdict.accepted for verdict in verdicts] == [True, False, True]
    assert verdicts[1].note == metering.JUMP


def test_after_a_lasting_jump_counting_goes_on_from_there():
    proof, verdicts = walk(0, (60, 9_334_000), (120, 9_334_900), (180, 9_335_800))
    assert proof.energy_wh == 1800
    assert verdicts[1].note == metering.REPLACED


def test_a_lasting_jump_is_not_billed_later_when_time_would_allow_it():
    proof, _verdicts = walk(1000, (60, 38_000), (120, 38_900), (7200, 39_000))
    assert proof.energy_wh == 1000


def test_a_zero_in_between_changes_nothing():
    proof, verdicts = walk(1000, (60, 1900), (65, 0), (120, 2800))
    assert proof.energy_wh == 1800
    assert verdicts[1].note == metering.DROP


def test_a_register_that_starts_anew_is_a_new_baseline():
    proof, _verdicts = walk(50_000, (60, 50_900), (120, 0), (180, 900))
    assert proof.energy_wh == 1800


def test_a_register_that_rolls_over_loses_nothing():
    proof, verdicts = walk(999_500, (60, 999_900), (120, 400))
    assert proof.energy_wh == 900
    assert verdicts[1].note == metering.ROLLOVER


@pytest.mark.parametrize("register_wh", [999, 0])
def test_energy_is_never_negative(register_wh):
    proof, verdicts = walk(1000, (60, register_wh))
    assert proof.energy_wh == 0
    assert not verdicts[0].accepted


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 200_000)), max_size=20))
def test_whatever_the_meter_says_energy_only_grows_and_stays_below_the_rated_power(steps):
    proof, seconds = metering.begin(Decimal(1000), NOON), 0
    for gap, register_wh in steps:
        seconds += gap + 1
        before = proof.energy_wh
        mark = metering.Mark(Decimal(register_wh), NOON + timedelta(seconds=seconds))
        proof, _verdict = metering.step(proof, mark, KW_60)
        assert proof.energy_wh >= before
    most = KW_60 * 1000 * seconds / 3600 * metering.TOLERANCE + metering.SLACK_WH * len(steps)
    assert proof.energy_wh <= most
