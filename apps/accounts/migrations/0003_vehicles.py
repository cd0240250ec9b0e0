import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_support_groups"),
    ]

    operations = [
        migrations.CreateModel(
            name="VehicleModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("make", models.CharField(max_length=60)),
                ("model", models.CharField(max_length=80)),
                ("trim", models.CharField(blank=True, max_length=80)),
                ("year_from", models.PositiveSmallIntegerField()),
                ("year_to", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("2-WHEELER", "Two-wheeler"),
                            ("3-WHEELER", "Three-wheeler"),
                            ("4-WHEELER", "Car or van"),
                            ("BUS", "Bus"),
                            ("TRUCK", "Truck"),
                        ],
                        max_length=10,
                    ),
                ),
                ("battery_kwh", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                ("ac_standards", models.JSONField(blank=True, default=list)),
                ("max_ac_kw", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                ("dc_standards", models.JSONField(blank=True, default=list)),
                ("max_dc_kw", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("built-in", "our own list"), ("open-ev-data", "open-ev-data")],
                        max_length=20,
                    ),
                ),
            ],
            options={
                "verbose_name": "vehicle model",
                "verbose_name_plural": "vehicle models",
                "ordering": ["make", "model", "-year_from", "trim"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("make", "model", "trim", "year_from", "source"),
                        name="one_row_per_vehicle_model",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("year_to", None), ("year_to__gte", models.F("year_from")), _connector="OR"
                        ),
                        name="vehicle_years_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("battery_kwh", None), ("battery_kwh__gt", 0), _connector="OR"),
                            models.Q(("max_ac_kw", None), ("max_ac_kw__gt", 0), _connector="OR"),
                            models.Q(("max_dc_kw", None), ("max_dc_kw__gt", 0), _connector="OR"),
                        ),
                        name="vehicle_figures_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Vehicle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("year", models.PositiveSmallIntegerField()),
                ("name", models.CharField(blank=True, max_length=40, verbose_name="name")),
                ("is_driven", models.BooleanField(default=False, verbose_name="driven now")),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vehicles",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vehicles",
                        to="accounts.vehiclemodel",
                    ),
                ),
            ],
            options={
                "verbose_name": "vehicle",
                "verbose_name_plural": "vehicles",
                "ordering": ["added_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "model", "year"), name="one_row_per_driver_and_vehicle"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_driven", True)),
                        fields=("user",),
                        name="one_vehicle_driven_now",
                    ),
                ],
            },
        ),
    ]
