import pytest

from apps.accounts.models import User


@pytest.fixture
def asha(db) -> User:
    return User.objects.create_user("asha@example.org", "a-quiet-night-7", name="Asha Rao")


@pytest.fixture
def demo(settings) -> None:
    settings.DEMO = True


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
