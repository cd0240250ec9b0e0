"""Pushes to the devices of a driver, over a real socket to a push service of this machine."""

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import User
from apps.lib import clock
from apps.notices import pushes, services, switches
from apps.notices.models import Channel, Device, Happening, Notice
from tests.beckn.server import serving
from tests.notices.browser_keys import BrowserKeys

PAGE = "/me/notices/"
H, C, S = Happening, Channel, Notice.State
AGENT = (
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36"
)


@pytest.fixture
def service() -> Iterator[SimpleNamespace]:
    """A push service: `service.says[path]` is its answer there, 201 unless said."""
    says: dict[str, int] = {}
    with serving(lambda path, *_: (says.get(path, 201), b"")) as server:
        server.says = says
        yield server


@pytest.fixture
def browser() -> BrowserKeys:
    return BrowserKeys()


@pytest.fixture
def own(driver) -> Client:
    client = Client(headers={"user-agent": AGENT})
    client.force_login(driver)
    switches.choose(driver, {(happening, C.MAIL): False for happening in H.values})
    return client


def sign_up(client: Client, service, browser: BrowserKeys, path: str = "/send/1", **changes: str):
    said = {"endpoint": service.url + path, "p256dh": browser.p256dh, "auth": browser.auth} | changes
    return client.post(f"{PAGE}devices/", said)


def send() -> None:
    while services.send_due():
        pass


def the_push() -> Notice:
    return Notice.objects.filter(channel=C.PUSH).earliest("pk")


# --- Telling ----------------------------------------------------------------------------------------------


def test_the_device_shows_what_happened(own, stage, service, browser):
    assert sign_up(own, service, browser).status_code == 204
    stage.until("CHARGING")
    send()
    ((path, body, headers),) = service.came
    assert path == "/send/1"
    assert headers["Content-Encoding"] == "aes128gcm" and headers["Authorization"].startswith("vapid t=")
    assert json.loads(browser.read(body)) == {
        "title": "Charging at Cubbon Park Plaza",
        "body": "Energy flows. You can watch it, and stop it, on its page.",
        "path": stage.order.get_absolute_url(),
        "tag": str(the_push().code),
        "lang": "en",
    }
    assert the_push().state == S.TOLD


def test_every_device_is_told_once(own, stage, service):
    browsers = [BrowserKeys(), BrowserKeys()]
    for number, browser in enumerate(browsers):
        sign_up(own, service, browser, f"/send/{number}")
        sign_up(own, service, browser, f"/send/{number}")
    stage.until("CHARGING")
    send()
    send()
    assert sorted(path for path, _body, _headers in service.came) == ["/send/0", "/send/1"]


def test_it_is_told_in_the_language_of_its_person(own, stage, driver, service, browser):
    sign_up(own, service, browser)
    User.objects.filter(pk=driver.pk).update(language="hi")
    stage.until("CHARGING")
    send()
    assert json.loads(browser.read(service.came[0][1]))["lang"] == "hi"


def test_without_a_device_nothing_waits(own, stage):
    stage.until("CHARGING")
    assert not Notice.objects.filter(channel=C.PUSH).exists()


def test_a_switch_that_is_off_pushes_nothing(own, stage, driver, service, browser):
    sign_up(own, service, browser)
    switches.choose(driver, {(H.STARTED, C.PUSH): False})
    stage.until("CHARGING")
    send()
    assert service.came == []


# --- When it does not go well -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(own, stage, service, browser, status):
    sign_up(own, service, browser)
    service.says["/send/1"] = status
    stage.until("CHARGING")
    send()
    assert not Device.objects.exists()
    assert the_push().state == S.DROPPED


def test_one_that_is_gone_does_not_keep_the_others_from_hearing(own, stage, service):
    sign_up(own, service, BrowserKeys(), "/send/gone")
    sign_up(own, service, BrowserKeys(), "/send/here")
    service.says["/send/gone"] = 410
    stage.until("CHARGING")
    send()
    assert the_push().state == S.TOLD
    assert [device.endpoint.rpartition("/")[2] for device in Device.objects.all()] == ["here"]


@pytest.mark.parametrize("status", [429, 500, 503, 302])
def test_a_push_service_that_is_away_is_tried_again(own, stage, service, browser, status):
    sign_up(own, service, browser)
    service.says["/send/1"] = status
    with time_machine.travel(clock.now(), tick=False) as now:
        stage.until("CHARGING")
        send()
        assert (the_push().state, the_push().tries) == (S.WAITING, 1)
        service.says.clear()
        now.shift(30)
        send()
    assert the_push().state == S.TOLD


def test_mail_goes_out_while_a_push_service_is_away(own, stage, driver, service, browser, mailoutbox):
    sign_up(own, service, browser)
    switches.choose(driver, {(H.STARTED, C.MAIL): True})
    service.says["/send/1"] = 503
    stage.until("CHARGING")
    send()
    assert len(mailoutbox) == 1


def test_machines_inside_our_walls_are_not_knocked_at(own, stage, service, browser, settings):
    sign_up(own, service, browser)
    settings.BECKN = {**settings.BECKN, "ALLOW_INSECURE_PEERS": False}
    stage.until("CHARGING")
    send()
    assert service.came == []
    assert the_push().state == S.WAITING


# --- Signing up and off -----------------------------------------------------------------------------------


def test_the_page_lists_the_device_and_removes_it(own, service, browser):
    sign_up(own, service, browser)
    assert "Chrome · Android" in own.get(PAGE).content.decode()
    device = Device.objects.get()
    own.post(f"{PAGE}devices/{device.code}/remove/")
    assert not Device.objects.exists()
    assert own.post(f"{PAGE}devices/{device.code}/remove/").status_code == 404


def test_a_browser_signs_itself_off(own, service, browser):
    sign_up(own, service, browser)
    assert own.post(f"{PAGE}devices/off/", {"endpoint": f"{service.url}/send/1"}).status_code == 204
    assert not Device.objects.exists()


def test_nobody_removes_the_device_of_another(own, service, browser, stranger):
    sign_up(own, service, browser)
    thief = Client()
    thief.force_login(stranger)
    assert thief.post(f"{PAGE}devices/{Device.objects.get().code}/remove/").status_code == 404
    thief.post(f"{PAGE}devices/off/", {"endpoint": f"{service.url}/send/1"})
    assert Device.objects.count() == 1


def test_who_signs_a_browser_up_last_has_it(own, service, browser, stranger, driver):
    sign_up(own, service, browser)
    other = Client()
    other.force_login(stranger)
    sign_up(other, service, browser)
    assert Device.objects.get().person == stranger


def test_strangers_and_guests_sign_nothing_up(client, driver, service, browser):
    assert sign_up(client, service, browser).status_code == 302
    User.objects.filter(pk=driver.pk).update(is_guest=True)
    client.force_login(driver)
    assert sign_up(client, service, browser).status_code == 404
    assert not Device.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "https://me@push.example/x"},
        {"endpoint": "https://push.example/" + "x" * 500},
        {"endpoint": ""},
        {"p256dh": "AAAA"},
        {"auth": "AAAA"},
        {"auth": ""},
        {"p256dh": "B" * 101},
    ],
)
def test_what_is_no_subscription_is_refused(own, service, browser, wrong):
    assert sign_up(own, service, browser, **wrong).status_code == 422
    assert not Device.objects.exists()


def test_a_person_has_so_many_devices_and_the_oldest_goes(own, service, monkeypatch):
    monkeypatch.setattr(pushes, "MOST_DEVICES", 2)
    for number in range(3):
        sign_up(own, service, BrowserKeys(), f"/send/{number}")
    assert [device.endpoint[-1] for device in Device.objects.all()] == ["1", "2"]


def test_without_a_key_there_are_no_pushes(own, service, browser, settings):
    settings.VAPID_PRIVATE_KEY = ""
    assert "data-push" not in own.get(PAGE).content.decode()
    assert sign_up(own, service, browser).status_code == 404


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (AGENT, "Chrome · Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge · Windows"),
        ("curl/8", "?"),
        ("", "?"),
    ],
)
def test_a_device_has_a_short_name(agent, name):
    assert pushes.name_of(agent) == name
