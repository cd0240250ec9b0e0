"""Compares what was delivered, charged and paid back, and prints what does not fit."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.lib import clock
from apps.payments import reconciliation
from apps.payments.models import Reconciliation


class Command(BaseCommand):
    help = (
        "Compare sessions, charges and refunds of the last days; what was charged and is not owed goes back at once. "
        "The worker does it every night; the reports are in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=reconciliation.LOOKS_BACK.days, help="how far to look back"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = clock.now() - timedelta(days=options["days"])
        row = reconciliation.reconcile(Reconciliation.objects.create(since=since))
        for finding in row.findings.select_related("refund"):
            amount = "" if finding.amount is None else f" {finding.amount} {finding.currency}"
            self.stdout.write(f"{finding.kind} {finding.reference}{amount}: {finding.words}")
        self.stdout.write(f"{row.deals} deals compared, {row.findings.count()} findings")
