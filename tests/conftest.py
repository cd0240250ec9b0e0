"""What every test may use."""

from pathlib import Path

import pytest
from django.db import close_old_connections, connection
from hypothesis import HealthCheck, settings

from tests.factory import Factory

settings.register_profile(
    "suite", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# Beside the repository, or beside the folder that holds its worktrees.
PLACES = [folder / "shared" for folder in Path(__file__).resolve().parents[2:4]]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference folder beside the project; on a machine without it the test skips."""
    found = next((place for place in PLACES if place.exists()), None)
    if found is None:
        pytest.skip(
            "needs ../shared, which stands beside the project only on its developers' machines and in CI"
        )
    return found


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The threads of test servers leave their connections behind: cut them, so that the database can be dropped."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(autouse=True)
def _connections_go_back_to_the_pool(monkeypatch):
    """Channels' communicator keeps the connections of threads open, for tests inside a transaction. Ours stand outside
    of any, and with PostgreSQL's pool each kept one would be lost with its thread."""
    monkeypatch.setattr("channels.testing.application.no_op", close_old_connections)


@pytest.fixture
def factory(db) -> Factory:
    return Factory()
