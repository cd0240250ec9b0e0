"""Gives EVSEs their charge points: an identity each, a registration at the OCPP door, and a file for the simulator.

It stands here because the catalog and the OCPP room may not know each other.
"""

import json
import os
import secrets
import zlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from apps.catalog.models import Connector, Evse
from apps.catalog.selectors import evses_to_attach
from apps.catalog.services import set_charge_point
from apps.ocpp.models import ChargePoint
from apps.ocpp.services import register, rotate_password, set_plugs_per_evse

LONGEST_IDENTITY = 48
FAULT = "PowerSwitchFailure"
VENDOR, MODEL = "EV Portal", "Simulator"
MIXED = "mixed"
LONG_STAY = [300, 420]  # seconds after a charge, where standing costs something: so that it can be seen
ONE_IN = 4  # of a mixed network speaks 2.0.1


class Command(BaseCommand):
    help = (
        "Give charge points to EVSEs and write them for `simulate_chargers`. Without options: to those that "
        "have an identity already (the demo network). Running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--station", nargs="+", metavar="CODE", help="all EVSEs of these stations")
        which.add_argument("--operator", metavar="CODE", help="all EVSEs of this operator")
        which.add_argument("--all", action="store_true", help="all EVSEs there are")
        parser.add_argument(
            "--protocol",
            choices=["1.6", "2.0.1", MIXED],
            default="1.6",
            help="the OCPP of new boxes in the file; mixed: one in four speaks 2.0.1 (default 1.6)",
        )
        parser.add_argument("--file", type=Path, default=settings.DATA_DIR / "charge-points.json")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        evses = list(evses_to_attach(options["station"], options["operator"], everything=options["all"]))
        if not evses and (options["station"] or options["operator"]):
            raise CommandError("No EVSE found: check the code.")
        specs = read_specs(file)
        before = dict(specs)
        for evse in tqdm(evses, unit=" EVSEs", disable=None):
            attach(evse, specs, options["protocol"])
        write_specs(file, specs)
        new = len(specs.keys() - before.keys())
        self.stdout.write(f"{len(evses)} EVSEs have charge points, {new} of them new. Written to {file}")


def attach(evse: Evse, specs: dict[str, dict[str, Any]], protocol: str) -> None:
    """One EVSE: identity, registration, and its entry in `specs` (whose password and protocol are kept)."""
    with transaction.atomic():
        if not evse.charge_point_id:
            set_charge_point(evse=evse, charge_point_id=identity_for(evse))
        known = specs.get(evse.charge_point_id, {})
        password = known.get("password") or secrets.token_hex(16)
        charge_point = ChargePoint.objects.filter(pk=evse.charge_point_id).first()
        if charge_point is None:
            register(evse.charge_point_id, password, why="attached")
        elif not known:  # registered, but its password is lost with the file
            rotate_password(charge_point, password)
        spec = spec_of(evse, password, known, protocol)
        if spec["protocol"] != "1.6":
            arrange(ChargePoint.objects.get(pk=evse.charge_point_id), spec["connectors"])
    specs[evse.charge_point_id] = spec


def identity_for(evse: Evse) -> str:
    """The EVSE's own code where it fits, so that people find it; else its end with a random head."""
    if len(evse.code) <= LONGEST_IDENTITY:
        return evse.code
    return f"{secrets.token_hex(4)}-{evse.code[-(LONGEST_IDENTITY - 9) :]}"


def protocol_for(identity: str, protocol: str) -> str:
    """The same on every machine."""
    if protocol != MIXED:
        return protocol
    return "1.6" if zlib.crc32(identity.encode()) % ONE_IN else "2.0.1"


def arrange(charge_point: ChargePoint, plugs: list[dict[str, Any]]) -> None:
    """Where OCPP 2.0.1 finds the plugs: all at one EVSE where they are numbered through, else each at its own."""
    numbers = [plug["id"] for plug in plugs]
    together = numbers == list(range(1, len(numbers) + 1))
    for plug in plugs:
        plug |= {"evse": 1, "place": plug["id"]} if together else {"evse": plug["id"], "place": 1}
    set_plugs_per_evse(charge_point, [len(plugs)] if together else [])


def spec_of(evse: Evse, password: str, known: dict[str, Any], protocol: str) -> dict[str, Any]:
    """What the simulator reads. Plugs of EVSEs that share the box are in the same entry."""
    plugs = {plug["id"]: plug for plug in known.get("connectors", [])}
    for plug in evse.connectors.all():
        power = "DC" if plug.power_type == Connector.PowerType.DC else "AC"
        plugs[plug.ocpp_connector_id] = {
            "id": plug.ocpp_connector_id,
            "max_kw": str(plug.max_kw),
            "power_type": power,
        }
    spoken = known.get("protocol", "1.6") if known else protocol_for(evse.charge_point_id, protocol)
    spec = {
        "id": evse.charge_point_id,
        "password": password,
        "vendor": VENDOR,
        "model": MODEL,
        "protocol": spoken,
    }
    is_broken = any(is_broken_by_hand(plug) for plug in evse.connectors.all())
    fault = {"fault": known.get("fault", FAULT)} if is_broken or "fault" in known else {}
    costs = any(costs_standing(plug) for plug in evse.connectors.all())
    stays = {"leave_after": known.get("leave_after", LONG_STAY)} if costs or "leave_after" in known else {}
    return {**spec, "connectors": sorted(plugs.values(), key=lambda plug: plug["id"]), **fault, **stays}


def costs_standing(plug: Connector) -> bool:
    return plug.tariff is not None and plug.tariff.rules(plug.evse.station.zone).prices_parking


def is_broken_by_hand(plug: Connector) -> bool:
    """A fault that a charge point reported itself is its own affair and passes."""
    return plug.status == Connector.Status.FAULTED and plug.status_source != "ocpp"


def read_specs(file: Path) -> dict[str, dict[str, Any]]:
    if not file.exists():
        return {}
    try:
        return {spec["id"]: spec for spec in json.loads(file.read_text(encoding="utf-8"))}
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{file} is damaged; move it away and run this again.") from error


def write_specs(file: Path, specs: dict[str, dict[str, Any]]) -> None:
    """Whole or not at all, and readable by its owner only: it holds passwords."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as new:
        json.dump(list(specs.values()), new, indent=1)
    draft.replace(file)
