"""One socket of one charge point, as the code behind the door sees it."""

from collections import OrderedDict
from dataclasses import dataclass, field
from types import ModuleType

from apps.ocpp.models import ChargePoint

REMEMBERED = 50


@dataclass
class Connection:
    charge_point_id: str
    nonce: str
    wire: ModuleType  # the version that was negotiated, one of wire.VERSIONS
    heard: int = 0
    # The last calls by unique id: what was asked, and what we answered. A repeated frame gets the same answer again.
    answered: OrderedDict[str, tuple[int, str]] = field(default_factory=OrderedDict)

    def remember(self, unique_id: str, text: str, answer: str) -> None:
        self.answered[unique_id] = (hash(text), answer)
        if len(self.answered) > REMEMBERED:
            self.answered.popitem(last=False)

    def is_current(self) -> bool:
        """Is this still the socket that speaks for the charge point?"""
        return ChargePoint.objects.filter(pk=self.charge_point_id, connection=self.nonce).exists()
