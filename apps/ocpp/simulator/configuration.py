"""What can be set on a simulated charge point: the same settings under the names of either version."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the box has a configuration; the configuration needs the box's name for the type only
    from apps.ocpp.simulator.charge_point import SimulatedChargePoint

# Name in 1.6, component and variable in 2.0.1, may it be set?
HEARTBEAT = ("HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval", True)
READINGS = ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval", True)
PATIENCE = ("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", True)
PLUGS = ("NumberOfConnectors", "ChargingStation.NumberOfConnectors", False)
PASSWORD = ("AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", True)
SETTINGS = (HEARTBEAT, READINGS, PATIENCE, PLUGS, PASSWORD)
LONGEST_SECONDS = 86_400
PASSWORD_CHARACTERS = range(16, 41)


class Configuration:
    def __init__(self, box: "SimulatedChargePoint", *, is_201: bool):
        self.box = box
        self._settings = {names[1 if is_201 else 0]: names for names in SETTINGS}

    def names(self) -> list[str]:
        return list(self._settings)

    def may_set(self, name: str) -> bool:
        return self._settings[name][2]

    def value(self, name: str) -> str | None:
        """None for a setting the box does not have."""
        setting = self._settings.get(name)
        values = {
            HEARTBEAT: self.box.heartbeat_seconds,
            READINGS: self.box.readings_every,
            PATIENCE: self.box.connection_timeout,
            PLUGS: len(self.box.connectors),
        }
        if setting == PASSWORD:
            return ""  # to be set, not to be read
        return None if setting is None else f"{values[setting]:g}"

    def change(self, name: str, value: str) -> str:
        """Accepted, Rejected, or Unknown in words of our own; each version has its own for the last."""
        setting = self._settings.get(name)
        if setting is None:
            return "Unknown"
        if setting == PASSWORD:
            return self._change_password(value)
        if (
            not setting[2]
            or not value.isascii()
            or not value.isdigit()
            or not 0 < int(value) <= LONGEST_SECONDS
        ):
            return "Rejected"
        attribute = {
            HEARTBEAT: "heartbeat_seconds",
            READINGS: "readings_every",
            PATIENCE: "connection_timeout",
        }
        setattr(self.box, attribute[setting], int(value))
        return "Accepted"

    def _change_password(self, value: str) -> str:
        """It comes back with the new one, as the security extension of 1.6 and 2.0.1 (A01) ask."""
        if len(value) not in PASSWORD_CHARACTERS:
            return "Rejected"
        self.box.password = value
        self.box.come_back()
        return "Accepted"
