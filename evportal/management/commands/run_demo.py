"""What `make run` needs on a bare machine: database, demo network, demo people; then serve with simulated chargers."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.services import make_demo_people
from apps.catalog.selectors import has_stations


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "run_demo makes demo accounts with a published password: set EVPORTAL_DEMO=1 to allow it."
            )
        call_command("migrate", verbosity=0)
        if not has_stations():
            call_command("demo_network")
        call_command("attach_chargers", protocol="mixed")
        make_demo_people()
        call_command("serve", simulate=True)
