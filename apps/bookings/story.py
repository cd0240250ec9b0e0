"""How the ledger of a session is said on the wire: two tag groups of our own beside `charging-details`.

Apps that do not know them skip them: codes are unlike those of `charging-details`, which stays first, and state and
OCPP word of the fulfillment are as ever. `session-ledger`: one tag per line; code = what, name = who, value = when.
"""

from apps.beckn.wire import v1_1 as wire
from apps.catalog.selectors import connector_lettered
from apps.charging import changing, ledger
from apps.charging.models import LedgerLine, Session
from apps.lib import clock

LEDGER, FACTS, OTHER_PLUG = "session-ledger", "session-facts", "other-plug"


def tag_groups(session: Session) -> list[wire.TagGroup]:
    story = ledger.newest(session)
    lines = [_tag(line) for line in story]
    groups = []
    if lines:
        groups.append(
            wire.TagGroup(descriptor=wire.Descriptor(code=LEDGER, name="Session Ledger"), list=lines)
        )
    if facts := {key: value for key, value in _facts(session).items() if value}:
        groups.append(wire.group(FACTS, "Session Facts", **facts))
    return [*groups, *_other_plug(session, story)]


def _other_plug(session: Session, story: list[LedgerLine]) -> list[wire.TagGroup]:
    """A start waits for its cable and a car came to another plug of the station: which, so that it can be taken."""
    stages = [line.stage for line in story]
    if session.state != Session.State.PENDING or LedgerLine.Stage.PLUGGED_IN in stages:
        return []
    line = next((line for line in reversed(story) if line.stage == LedgerLine.Stage.OTHER_PLUG), None)
    plug = connector_lettered(session.connector.evse.station_id, line.detail) if line else None
    if plug is None:
        return []
    seen = {"item_id": plug.code, "fulfillment_id": plug.evse.code, "letter": plug.letter}
    return [wire.group(OTHER_PLUG, "Other Plug", **seen, seen_at=clock.utc_text(line.at))]


def _tag(line: LedgerLine) -> wire.Tag:
    said = {"code": line.stage, "name": line.by} | ({"short_desc": line.detail} if line.detail else {})
    return wire.Tag(descriptor=wire.Descriptor(**said), value=clock.utc_text(line.at))


def _facts(session: Session) -> dict[str, str]:
    """What the driver can act upon: until when to plug in, or to stop for nothing; and what the end is worth."""
    state = Session.State
    waits = session.state == state.PENDING and session.start_accepted_at
    closing = session.state == state.ENDED_PENDING_METER
    not_mine = changing.not_my_car_until(session)  # of one that began late every stop is free as long
    not_mine = not_mine if not_mine and not_mine > clock.now() else None
    free = session.free_until and session.state in Session.FLOWING
    return {
        "plug-in-by": clock.utc_text(session.deadline_at) if waits and session.deadline_at else "",
        "closes-by": clock.utc_text(session.deadline_at) if closing and session.deadline_at else "",
        "not-my-car-until": clock.utc_text(not_mine) if not_mine and not free else "",
        "free-until": clock.utc_text(session.free_until) if free else "",
        "meter-estimated": "true" if session.is_estimated else "",
    }
