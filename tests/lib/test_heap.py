import gc

import pytest

from apps.lib import heap


@pytest.fixture
def own_pace():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_a_settled_process_walks_through_nothing_that_stays(own_pace):
    heap.settle()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == heap.NEW_OBJECTS


def test_it_still_finds_garbage(own_pace):
    heap.settle()
    ring: list = []
    ring.append(ring)
    del ring
    assert gc.collect() > 0
