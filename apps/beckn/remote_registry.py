"""Asking somebody else's registry: POST <registry>/lookup."""

import requests
import structlog
from django.conf import settings

from apps.beckn.participant import Participant, RegistrySilent
from apps.beckn.wire import v1_1 as wire

log = structlog.get_logger(__name__)

TIMEOUT = (3.05, 5)
LARGEST = 5_000_000


def look_up(*, subscriber_id: str = "", key_id: str = "", type: str = "") -> list[Participant]:
    """Everybody who fits the filter; the answer is filtered again here. Raises RegistrySilent."""
    asked = {"subscriber_id": subscriber_id, "type": str(type)}
    if settings.BECKN["REGISTRY_STYLE"] == "ps":
        asked |= {"domain": settings.BECKN["DOMAIN"], "ukId": key_id}
    else:
        asked["key_id"] = key_id
    raw = _post({name: value for name, value in asked.items() if value})
    if isinstance(raw, dict):
        raw = raw.get("message", raw.get("subscribers", [raw]))
    found = [one for one in map(Participant.read, raw if isinstance(raw, list) else []) if one is not None]
    return [
        one
        for one in found
        if one.url
        and subscriber_id in ("", one.subscriber_id)
        and key_id in ("", one.key_id)
        and type in ("", one.type)
    ]


def _post(asked: dict[str, str]):
    url = f"{settings.BECKN['REGISTRY_URL'].rstrip('/')}/lookup"
    try:
        with requests.post(url, json=asked, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
            if answer.status_code == 404:
                return []
            answer.raise_for_status()
            body = answer.raw.read(LARGEST, decode_content=True)
            return wire.read_json(body) if body else []
    except (requests.RequestException, OSError, wire.WireError) as error:
        log.warning("the registry does not answer", url=url, error=str(error))
        raise RegistrySilent(str(error)) from error
