from typing import Any

from django.core.management.base import BaseCommand

from apps.catalog.demo import make_demo_network


class Command(BaseCommand):
    help = "Make a demo network in and around Bengaluru and Mysuru. Running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        made = make_demo_network()
        if not made.stations:
            self.stdout.write("The demo network is complete; nothing to do.")
            return
        self.stdout.write(
            f"Made {made.operators} operators, {made.stations} stations, {made.evses} EVSEs, "
            f"{made.connectors} connectors."
        )
