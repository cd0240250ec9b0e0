"""A real Chromium against a real Daphne in this process, on the test's own database and channel layer."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}
BUSY = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
)
NO_TROUBLE = (
    "the server responded with a status of",  # a refusal is part of the test
    "[object Event]",  # htmx, of a socket that was opening when the page was left; a refused one Chromium names itself
)
ARTEFACTS = Path(__file__).resolve().parent.parent.parent / "test-artefacts"


def pytest_collection_modifyitems(items):
    missing = pytest.mark.skip(reason="needs Chromium (apt-get install chromium, or CHROMIUM=path)")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if "slow" not in item.keywords:  # those look at a portal that has its own database
                item.add_marker(pytest.mark.django_db(transaction=True))
            if not CHROMIUM:
                item.add_marker(missing)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of Daphne in a thread. Twisted's reactor cannot start twice: one server for the whole session."""
    from daphne.server import Server  # only now: it settles which reactor runs

    from evportal.asgi import application

    listening = threading.Event()
    logging.getLogger("daphne").setLevel(logging.ERROR)
    daphne = Server(
        application=application,
        endpoints=["tcp:port=0:interface=127.0.0.1"],
        signal_handlers=False,
        ready_callable=listening.set,
        verbosity=0,
    )
    threading.Thread(target=daphne.run, name="daphne", daemon=True).start()
    assert listening.wait(20), "Daphne does not listen"
    _, port = daphne.listening_addresses[0]
    yield f"http://localhost:{port}"


@pytest.fixture(scope="session")
def chromium():
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps a loop running in this thread
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark"])
def theme(request) -> str:
    return request.param


@pytest.fixture(params=list(SIZES))
def size(request) -> str:
    return request.param


@pytest.fixture
def open_page(chromium, server, settings) -> Iterator[Callable]:
    """`open_page("/path/", size="phone", theme="dark", user=user)`; fails the test on any error in the console."""
    settings.WHITENOISE_AUTOREFRESH = True
    contexts, troubles = [], []

    def hear(message) -> None:
        if message.type == "error" and not any(word in message.text for word in NO_TROUBLE):
            troubles.append(message.text)

    def open_(path: str, *, size: str = "phone", theme: str = "light", user=None):
        context = chromium.new_context(
            base_url=server, viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        if user is not None:
            sign_in(context, user, server)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    wait_for_the_server()
    assert not troubles


def wait_for_the_server() -> None:
    """Until it has finished what the closed pages asked: PostgreSQL would not let a reader and the clearing up pass."""
    from django.db import connection

    quiet = 0
    for _look in range(400):
        if connection.vendor != "postgresql" or quiet == 3:
            return
        with connection.cursor() as cursor:
            cursor.execute(BUSY)
            quiet = 0 if cursor.fetchone()[0] else quiet + 1
        time.sleep(0.03)


def sign_in(context, user, server: str) -> None:
    """A session cookie, made as the server makes it."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": server}])


@pytest.fixture
def assert_no_axe_violations() -> Callable:
    def check(page) -> None:
        violations = Axe().run(page).response["violations"]
        told = [f"{v['id']}: {v['help']}: {[n['html'][:140] for n in v['nodes'][:3]]}" for v in violations]
        assert not told, "\n".join(told)

    return check


@pytest.fixture
def assert_fits() -> Callable:
    """Nothing is wider than the screen."""

    def check(page) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"the page is {wide} px wider than the screen"

    return check


@pytest.fixture
def keep_picture(request) -> Callable:
    """A screenshot among the artefacts of the run."""

    def keep(page, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"{name}.png")

    return keep
