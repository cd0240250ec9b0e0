from django.db import models

from apps.lib.moves import check_moves


class Light(models.TextChoices):
    OFF = "OFF"
    ON = "ON"
    BROKEN = "BROKEN"


def test_a_sound_table_has_no_faults():
    assert not check_moves(Light, {"OFF": {"ON"}, "ON": {"OFF", "BROKEN"}, "BROKEN": set()})


def test_a_missing_state_is_named():
    assert check_moves(Light, {"OFF": {"ON"}, "ON": {"BROKEN"}}) == ["BROKEN is missing from MOVES"]


def test_a_strange_state_is_named():
    faults = check_moves(Light, {"OFF": {"ON"}, "ON": {"BROKEN", "GREEN"}, "BROKEN": set()})
    assert faults == ["ON → GREEN: no such state"]


def test_a_state_without_a_way_in_is_named():
    assert check_moves(Light, {"OFF": {"ON"}, "ON": set(), "BROKEN": set()}) == [
        "BROKEN can never be reached"
    ]
