"""How long a charge point waits for the cable after a remote start: one setting, with a name in each version."""

from apps.ocpp import commands
from apps.ocpp.models import ChargePoint, Command

KEYS = {"ocpp1.6": "ConnectionTimeOut", "ocpp2.0.1": "TxCtrlr.EVConnectionTimeOut"}
SENSIBLE_SECONDS = range(15, 901)


def ask(charge_point_id: str) -> None:
    """Its answer comes as the fate of a command, and is read with `told`."""
    protocol = ChargePoint.objects.values_list("protocol", flat=True).get(pk=charge_point_id)
    if key := KEYS.get(protocol):
        commands.get_configuration(charge_point_id=charge_point_id, keys=[key])


def told(charge_point_id: str) -> int | None:
    """Seconds, out of the newest configuration that it answered with; None when it says nothing that can be."""
    answered = Command.objects.filter(
        charge_point_id=charge_point_id,
        action=Command.Action.GET_CONFIGURATION,
        state=Command.State.ACCEPTED,
    )
    settings = answered.order_by("-pk").values_list("told", flat=True).first() or {}
    values = [str(settings[key].get("value", "")) for key in KEYS.values() if key in settings]
    text = values[0].strip() if values else ""
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return seconds if seconds in SENSIBLE_SECONDS else None
