"""What a code from a sticker leads to, and how often an address may guess."""

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from apps.catalog.codes import read_code
from apps.catalog.models import Connector, PlugCode
from apps.catalog.selectors import connectors_on_the_network, plug_code_named
from apps.lib.mistakes import Mistakes

GUESSES = Mistakes("plug-code", allowed=20, seconds=60)
REPORTS = Mistakes("plug-code-report", allowed=5, seconds=600)


class Answer(StrEnum):
    TOO_MANY = "too_many"  # wrong codes from this address: for a while it is not told anything
    WRONG = "wrong"  # not signed by us, or signed and not known: a guesser learns no difference
    REVOKED = "revoked"
    GONE = "gone"  # the plug or its station is not on the posts any more
    NOT_SOLD = "not_sold"  # there, but the network does not sell it
    HERE = "here"


@dataclass(frozen=True)
class Found:
    answer: Answer
    plug_code: PlugCode | None = None

    @property
    def plug(self) -> Connector:
        return self.plug_code.connector


def look_up(*, typed: str, address: str) -> Found:
    if GUESSES.too_many(address):
        return Found(Answer.TOO_MANY)
    code = read_code(typed)
    plug_code = plug_code_named(code) if code else None
    if plug_code is None:
        GUESSES.count(address)
        return Found(Answer.WRONG)
    return Found(_answer_of(plug_code), plug_code)


def _answer_of(plug_code: PlugCode) -> Answer:
    plug = plug_code.connector
    if plug_code.revoked_at is not None:
        return Answer.REVOKED
    if not (plug.is_published and plug.evse.station.is_published):
        return Answer.GONE
    is_sold = plug.tariff_id and connectors_on_the_network().filter(pk=plug.pk).exists()
    return Answer.HERE if is_sold else Answer.NOT_SOLD


def network_name(plug: Connector) -> dict[str, object]:
    """How anybody on the network calls this plug, and where to ask for it."""
    station = plug.evse.station
    return {
        "bpp_id": settings.BECKN["BPP_ID"],
        "provider_id": station.operator.code,
        "location_id": station.code,
        "item_id": plug.code,
        "lat": station.lat,
        "lon": station.lon,
    }


def may_report(address: str) -> bool:
    """Counts the question as one report."""
    if REPORTS.too_many(address):
        return False
    REPORTS.count(address)
    return True
