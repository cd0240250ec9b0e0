"""The live streams behind `tracking.url`: the same JSON as the page gives to machines, at every change."""

import json

from apps.bookings import links, selectors
from apps.live.consumers import RowEvents, RowSocket


class Tracking:
    """Whoever has the address may listen, as with the page, for as long as it is good."""

    kind = selectors.STREAM

    def group_code(self) -> str:
        return links.group_of(self.code)

    def draw(self, parts: list[str]) -> str | None:
        try:
            tracked = selectors.tracked(self.code, with_place=False)
        except links.LinkExpired:
            return None
        return json.dumps(tracked.to_json()) if tracked else None


class TrackingSocket(Tracking, RowSocket):
    pass


class TrackingEvents(Tracking, RowEvents):
    pass
