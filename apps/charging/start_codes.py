"""Chargers that cannot be started from afar: the driver enters a code there, as if it were a card.

The code is the token of the order. It opens the one charge point it was made for, while the order waits for its charge,
and begins one charge; entered again during that charge it ends it, as a card does.
"""

import secrets
from datetime import timedelta

from apps.catalog.models import Evse
from apps.lib import wiring
from apps.ocpp.services import starts_by_code

DIGITS = 8  # every keypad has them; a hundred million, and one is right, at one charger, for minutes
ENTER_WITHIN = timedelta(minutes=10)  # once the driver said Start


def are_used_at(evse: Evse) -> bool:
    return bool(evse.charge_point_id) and starts_by_code(evse.charge_point_id)


def new_start_code() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(DIGITS))


def is_one(token: str) -> bool:
    return len(token) == DIGITS and token.isascii() and token.isdigit()


def entered(charge_point_id: str, token: str) -> bool:
    """Somebody entered a code, or held a card that looks like one, where codes are used."""
    return is_one(token) and starts_by_code(charge_point_id)


def begin_for(charge_point_id: str, token: str) -> bool:
    """Ask for the charge of the order that the code belongs to. False when it belongs to none that waits."""
    return wiring.handler("EVENTS", "start_code.entered")(charge_point_id=charge_point_id, code=token)
