"""Pushes to the devices of a person: signing them up, and the notice as their browser shows it."""

import json
from functools import cache

from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation

from apps.accounts.models import User
from apps.beckn import addresses
from apps.beckn.transport import Transport
from apps.beckn.wire.v1_1 import Verdict
from apps.lib import clock
from apps.notices import webpush, wording
from apps.notices.models import Device, Notice

MOST_DEVICES = 10  # of one person; the oldest goes
GONE = (404, 410)  # the browser has no such subscription any more (RFC 8030)
BROWSERS = (
    "Edg",
    "OPR",
    "SamsungBrowser",
    "Firefox",
    "Chrome",
    "Safari",
)  # who names itself by several comes first
NAMES = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")


class EndpointRefused(ValueError):
    """Not an address of a push service."""


class NoDevice(Exception):
    """Nobody is left to push to."""


class NotTaken(OSError):
    """A push service did not take it: later again."""


# --- Devices ----------------------------------------------------------------------------------------------


def application_key() -> str:
    """What a browser is told when it subscribes; "" when there are no pushes here."""
    key = settings.VAPID_PRIVATE_KEY
    return webpush.public_text(webpush.load_private_key(key)) if key else ""


def devices_of(person: User) -> QuerySet[Device]:
    return Device.objects.filter(person=person)


def checked_endpoint(url: str) -> str:
    """Raises EndpointRefused. What its host resolves to is looked at before every push."""
    try:
        return addresses.check_link(url)
    except addresses.AddressRefused as error:
        raise EndpointRefused(str(error)) from error


def sign_up(person: User, *, endpoint: str, p256dh: str, auth: str, agent: str) -> Device:
    """A browser has one subscription: whoever signs it up last has it. Signing up again changes nothing."""
    facts = {"person": person, "p256dh": p256dh, "auth": auth, "name": name_of(agent)}
    device, _is_new = Device.objects.update_or_create(endpoint=endpoint, defaults=facts)
    surplus = devices_of(person).order_by("-since", "-pk").values("pk")[MOST_DEVICES:]
    Device.objects.filter(pk__in=[row["pk"] for row in surplus]).delete()
    return device


def sign_off(person: User, **which: str) -> int:
    """By its code from the list, or by its endpoint from the browser itself."""
    return devices_of(person).filter(**which).delete()[0]


def name_of(agent: str) -> str:
    browser = next((name for name in BROWSERS if f"{name}/" in agent), "")
    system = next((name for name in SYSTEMS if name in agent), "")
    return " · ".join(part for part in (NAMES.get(browser, browser), system) if part) or "?"


# --- Sending ----------------------------------------------------------------------------------------------


@cache
def _transport() -> Transport:
    return Transport()


def send(notice: Notice) -> None:
    """To every device of the person. Raises NoDevice, or NotTaken when none took it and one may later."""
    words = _words(notice)
    outcomes = [_send_one(device, notice, words) for device in devices_of(notice.person)]
    if any(outcome is Verdict.ACCEPTED for outcome in outcomes):
        return
    if any(outcome is Verdict.RETRY for outcome in outcomes):
        raise NotTaken("no push service took it")
    raise NoDevice


def _words(notice: Notice) -> bytes:
    with translation.override(notice.person.language):
        said = {
            "title": wording.title_of(notice),
            "body": wording.sentence_of(notice),
            "path": notice.leads_to,
            "tag": str(notice.code),
            "lang": notice.person.language,
        }
    return json.dumps(said, ensure_ascii=False).encode()


def _send_one(device: Device, notice: Notice, words: bytes) -> Verdict:
    key = settings.VAPID_PRIVATE_KEY
    if not key:
        return Verdict.REFUSED
    headers = webpush.headers(
        device.endpoint,
        key=webpush.load_private_key(key),
        contact=settings.PUBLIC_URL,
        now=clock.now(),
        lasts=notice.worth_telling_for,
        topic=notice.code.hex,
    )
    body = webpush.encrypted(words, p256dh=device.p256dh, auth=device.auth)
    answer = _transport().post(device.endpoint, body, headers)
    if answer.http_status in GONE:
        device.delete()
    return answer.verdict
