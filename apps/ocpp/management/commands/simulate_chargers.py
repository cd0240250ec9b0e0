"""Charge points for a machine that has none: ordinary OCPP clients of our own door, or of anybody's."""

import asyncio
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.ocpp.simulator import fleet
from apps.ocpp.simulator.charge_point import PROTOCOLS
from apps.ocpp.simulator.scenarios import SCENARIOS


class Command(BaseCommand):
    help = "Run simulated charge points (OCPP 1.6J or 2.0.1): cars arrive, charge along a curve and leave."
    requires_system_checks = []  # a client of the door: it needs neither the database nor our settings in order

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--url", default=f"ws://localhost:{settings.PORT}/ocpp/", help="the door, without the identity")
        add(
            "--file",
            type=Path,
            default=settings.DATA_DIR / "charge-points.json",
            help="list of charge points",
        )
        add("--id", help="one charge point instead of a file")
        add("--password", help="its password")
        add(
            "--protocol",
            choices=list(PROTOCOLS),
            default="1.6",
            help="what boxes speak whose entry in the file does not say it (default 1.6)",
        )
        add(
            "--scenario",
            choices=list(SCENARIOS),
            default="honest",
            help="what goes wrong: "
            + "; ".join(f"{name}: {(kind.__doc__ or '').strip()}" for name, kind in SCENARIOS.items()),
        )
        add("--connectors", type=int, default=2, help="how many plugs it has (default 2)")
        add(
            "--max-kw",
            type=Decimal,
            default=Decimal(60),
            help="what each plug gives (default 60, direct current)",
        )
        add("--seed", type=int, default=1, help="another number, other cars")
        add("--readings-every", type=int, default=5, metavar="SECONDS")
        add("--speed", type=int, default=1, help="how many times faster batteries fill; meters stay true")
        add("--walk-ins", action="store_true", default=True, help="cars also come unasked (default)")
        add("--no-walk-ins", dest="walk_ins", action="store_false")
        add("--walk-ins-per-hour", type=Decimal, default=Decimal("0.4"), help="at one plug (default 0.4)")
        add("--fail", type=int, default=0, metavar="N", help="so many plugs are faulted")
        add("--retry-within", type=int, default=30, metavar="SECONDS", help="longest pause of a lost line")
        add("--exit-with-parent", action="store_true", help="end when the process that started this one ends")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = fleet.Plan(
            url=options["url"],
            seed=options["seed"],
            readings_every=options["readings_every"],
            speed=options["speed"],
            walk_ins=options["walk_ins"],
            walk_ins_per_hour=options["walk_ins_per_hour"],
            failed=options["fail"],
            retry_within=options["retry_within"],
            exit_with_parent=options["exit_with_parent"],
            protocol=options["protocol"],
            scenario=options["scenario"],
        )
        asyncio.run(self._run(self._specs(options), plan))

    def _specs(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        if options["id"]:
            if not options["password"]:
                raise CommandError("--id needs --password: the one that registering the charge point showed.")
            plugs = [
                {"id": n + 1, "max_kw": options["max_kw"], "power_type": "DC"}
                for n in range(options["connectors"])
            ]
            return [{"id": options["id"], "password": options["password"], "connectors": plugs}]
        try:
            return fleet.read_specs(options["file"])
        except FileNotFoundError as error:
            raise CommandError(
                f"{options['file']} does not exist. `manage.py demo_network` writes it; or name one with --id."
            ) from error
        except ValueError as error:
            raise CommandError(f"{options['file']} cannot be read: {error}.") from error

    async def _run(self, specs: list[dict[str, Any]], plan: fleet.Plan) -> None:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        self.stdout.write(f"{len(specs)} simulated charge points → {plan.url}")
        await fleet.run(fleet.build(specs, plan), plan, stop)
