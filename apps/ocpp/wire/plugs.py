"""One number for each plug of a box, as OCPP 1.6 counts them. OCPP 2.0.1 counts EVSEs, and the plugs of each."""

from dataclasses import dataclass

MOST = 1000
NOWHERE = 0  # no plug has this number; OCPP 1.6 means the box itself by it


@dataclass(frozen=True)
class Plugs:
    """`per_evse`: how many plugs each EVSE has, in order. EVSEs beyond the list have one, so the empty list is a box
    whose EVSEs have one plug each."""

    per_evse: tuple[int, ...] = ()

    def number(self, evse_id: int, connector_id: int) -> int:
        """NOWHERE when the box has no such plug."""
        listed = len(self.per_evse)
        if not 1 <= evse_id <= MOST or not 1 <= connector_id <= self._count(evse_id):
            return NOWHERE
        number = sum(self.per_evse[: evse_id - 1]) + max(0, evse_id - 1 - listed) + connector_id
        return number if number <= MOST else NOWHERE

    def place(self, number: int) -> tuple[int, int]:
        """EVSE and connector of plug `number`; (0, 0) is the box itself."""
        if number < 1:
            return 0, 0
        for evse_id, count in enumerate(self.per_evse, start=1):
            if number <= count:
                return evse_id, number
            number -= count
        return len(self.per_evse) + number, 1

    def _count(self, evse_id: int) -> int:
        return self.per_evse[evse_id - 1] if evse_id <= len(self.per_evse) else 1
