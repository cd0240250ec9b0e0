"""The built-in list of common vehicles, from the CSV file beside this one: facts, written down by us.

The file is as unchangeable as the migration: a correction or a longer list is a new migration with a file of its own.
"""

import csv
from decimal import Decimal
from pathlib import Path

from django.db import migrations

FILE = Path(__file__).with_suffix(".csv")
BATCH = 100
SOURCE = "built-in"


def add_vehicles(apps, schema_editor):
    """Rows that are there already stay as they are."""
    VehicleModel = apps.get_model("accounts", "VehicleModel")
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [VehicleModel(source=SOURCE, **facts(row)) for row in csv.DictReader(file)]
    VehicleModel.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def facts(row):
    numbers = {name: row[name] for name in ("battery_kwh", "max_ac_kw", "max_dc_kw")}
    return {
        **{name: row[name] for name in ("category", "make", "model", "trim")},
        "year_from": int(row["year_from"]),
        "year_to": int(row["year_to"]) if row["year_to"] else None,
        **{name: Decimal(text) if text else None for name, text in numbers.items()},
        **{name: sorted(row[name].split()) for name in ("ac_standards", "dc_standards")},
    }


def drop_vehicles(apps, schema_editor):
    """All but those that somebody drives."""
    apps.get_model("accounts", "VehicleModel").objects.filter(source=SOURCE, vehicles=None).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_vehicles")]
    operations = [migrations.RunPython(add_vehicles, drop_vehicles)]
