from uuid import uuid4

import pytest
from django.core.cache import cache

from apps.lib.mistakes import Mistakes


@pytest.fixture
def door() -> Mistakes:
    return Mistakes(f"door-{uuid4()}", allowed=2, seconds=60)


def test_a_door_stops_listening_after_the_allowed_mistakes(door):
    door.count("192.0.2.1")
    assert not door.too_many("192.0.2.1")
    door.count("192.0.2.1")
    assert door.too_many("192.0.2.1")


def test_one_address_does_not_shut_the_door_for_another(door):
    for _ in range(3):
        door.count("192.0.2.1")
    assert not door.too_many("192.0.2.2")
    assert not Mistakes("another", allowed=2, seconds=60).too_many("192.0.2.1")


def test_a_door_forgets(door):
    for _ in range(3):
        door.count("192.0.2.1")
    door.forgive("192.0.2.1")
    assert not door.too_many("192.0.2.1")


def test_without_the_cache_the_door_stays_open(door, monkeypatch):
    def gone(*args, **kwargs):
        raise OSError("no route to the cache")

    for name in ("get", "add", "incr"):
        monkeypatch.setattr(cache, name, gone)
    door.count("192.0.2.1")
    assert not door.too_many("192.0.2.1")
