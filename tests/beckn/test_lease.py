"""A worker that starts alone does not wait for the leases of its dead predecessor."""

import pytest
from django.db import connection

from apps.beckn import inbox, leases
from apps.beckn.models import Message


@pytest.fixture
def claimed(app, rooms) -> Message:
    """A message in the hands of a worker."""
    app.post(app.say("select"))
    [message] = inbox.claim(1)
    return message


@pytest.mark.skipif(connection.vendor != "sqlite", reason="leases run out by themselves elsewhere")
def test_who_starts_alone_takes_up_what_the_dead_had_in_hand(claimed):
    lock = leases.take_part()
    assert inbox.work() == 1
    lock.close()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="leases run out by themselves elsewhere")
def test_who_starts_beside_another_leaves_leases_alone(app, rooms):
    with leases.take_part():
        app.post(app.say("select"))
        assert inbox.claim(1)
        with leases.take_part():
            assert inbox.work() == 0


@pytest.mark.skipif(connection.vendor == "sqlite", reason="there a lock on a file tells who lives")
def test_elsewhere_leases_run_out(claimed):
    assert leases.take_part() is None
    assert inbox.work() == 0
