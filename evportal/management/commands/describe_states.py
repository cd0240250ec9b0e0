"""Write docs/states.md from the tables of moves."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from evportal.states import document


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        target = settings.BASE_DIR / "docs" / "states.md"
        target.write_text(document())
        self.stdout.write(f"Wrote {target.relative_to(settings.BASE_DIR)}")
