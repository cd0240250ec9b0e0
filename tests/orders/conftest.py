import pytest

from apps.accounts.models import User
from tests.orders.stage import Stage


@pytest.fixture
def driver(db) -> User:
    return User.objects.create_user("asha@example.org", name="Asha Rao", phone="+919845012345")


@pytest.fixture
def stranger(db) -> User:
    return User.objects.create_user("bala@example.org")


@pytest.fixture
def stage(driver) -> Stage:
    return Stage(driver)
