"""The live stream behind `tracking.url`: the same JSON as the page gives to machines, at every change."""

import json

from apps.bookings import selectors
from apps.live.consumers import RowSocket


class TrackingStream(RowSocket):
    """Whoever has the address may listen, as with the page; when the charge is over there is nothing more to say."""

    kind = selectors.STREAM

    def draw(self, parts: list[str]) -> str | None:
        tracked = selectors.tracked(self.code, with_place=False)
        return json.dumps(tracked.to_json()) if tracked else None
