import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.test import Client

from apps.accounts.models import User
from evportal import wiring
from evportal.asgi import application
from tests.live import panels


@pytest.fixture(autouse=True)
def follow_people(monkeypatch):
    monkeypatch.setattr(wiring, "LIVE", panels.KINDS)


@pytest.fixture
def asha(transactional_db) -> User:
    return User.objects.create_user("asha", name="Asha")


@pytest.fixture
def stranger(transactional_db) -> User:
    return User.objects.create_user("ravi", name="Ravi")


def socket(
    path: str,
    user: User | None = None,
    *,
    origin: str = "http://localhost",
    cookies: str = "",
    language: str = "",
) -> WebsocketCommunicator:
    if user is not None:
        client = Client()
        client.force_login(user)
        name = django_settings.SESSION_COOKIE_NAME
        cookies = f"{name}={client.cookies[name].value}; {cookies}"
    headers = [(b"origin", origin.encode()), (b"host", b"localhost"), (b"cookie", cookies.encode())]
    headers.append((b"accept-language", language.encode()))
    return WebsocketCommunicator(application, path, headers=headers)


@pytest.fixture
def in_loop():
    """Run a scenario from a synchronous test, whose rows it then shares."""
    return lambda scenario: async_to_sync(scenario)()
