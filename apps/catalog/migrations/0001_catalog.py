import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

# SQLite drops a table's triggers when a later migration rebuilds it: that migration must guard it again.
SQLITE_GUARD = """
CREATE TRIGGER published_tariff_never_changes BEFORE UPDATE ON catalog_tariff
BEGIN SELECT RAISE(ABORT, 'a published tariff never changes'); END
"""
POSTGRESQL_GUARD = """
CREATE FUNCTION published_tariff_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a published tariff never changes' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER published_tariff_never_changes BEFORE UPDATE ON catalog_tariff
FOR EACH ROW EXECUTE FUNCTION published_tariff_never_changes()
"""


def guard_tariffs(apps, schema_editor):
    schema_editor.execute(
        {"sqlite": SQLITE_GUARD, "postgresql": POSTGRESQL_GUARD}[schema_editor.connection.vendor]
    )


def unguard_tariffs(apps, schema_editor):
    on_table = " ON catalog_tariff" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER published_tariff_never_changes{on_table}")
    if on_table:
        schema_editor.execute("DROP FUNCTION published_tariff_never_changes()")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Operator",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("legal_name", models.CharField(blank=True, max_length=200)),
                ("tax_id", models.CharField(blank=True, max_length=40)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("phone", models.CharField(blank=True, max_length=20)),
                ("currency", models.CharField(default="INR", max_length=3)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "cancellation_fee_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalOperator",
            fields=[
                (
                    "id",
                    models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID"),
                ),
                ("code", models.SlugField(max_length=40)),
                ("name", models.CharField(max_length=120)),
                ("legal_name", models.CharField(blank=True, max_length=200)),
                ("tax_id", models.CharField(blank=True, max_length=40)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("phone", models.CharField(blank=True, max_length=20)),
                ("currency", models.CharField(default="INR", max_length=3)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "cancellation_fee_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        max_digits=5,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical operator",
                "verbose_name_plural": "historical operators",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalStation",
            fields=[
                (
                    "id",
                    models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID"),
                ),
                ("code", models.CharField(db_index=True, max_length=60)),
                ("source", models.CharField(blank=True, max_length=20)),
                ("source_id", models.CharField(blank=True, max_length=60)),
                ("name", models.CharField(max_length=200)),
                ("address", models.CharField(blank=True, max_length=300)),
                ("city", models.CharField(blank=True, max_length=100)),
                ("region", models.CharField(blank=True, max_length=100)),
                ("postcode", models.CharField(blank=True, max_length=20)),
                ("country", models.CharField(default="IND", max_length=3)),
                (
                    "lat",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                (
                    "lon",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                    ),
                ),
                ("zone", models.CharField(default="Asia/Kolkata", max_length=64)),
                ("hours", models.JSONField(blank=True, default=list)),
                ("hours_text", models.CharField(blank=True, max_length=300)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("network_name", models.CharField(blank=True, max_length=80)),
                ("price_text", models.CharField(blank=True, max_length=200)),
                ("amenities", models.JSONField(blank=True, default=list)),
                (
                    "access",
                    models.CharField(
                        choices=[
                            ("PUBLIC", "Public"),
                            ("RESTRICTED", "Customers and guests"),
                            ("PRIVATE", "Private"),
                        ],
                        default="PUBLIC",
                        max_length=10,
                    ),
                ),
                ("is_published", models.BooleanField(default=True)),
                ("closed_reason", models.CharField(blank=True, max_length=200)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalog.operator",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical station",
                "verbose_name_plural": "historical stations",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalStaff",
            fields=[
                (
                    "id",
                    models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID"),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("VIEWER", "Viewer"), ("MANAGER", "Manager"), ("FINANCE", "Finance")],
                        default="VIEWER",
                        max_length=8,
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="catalog.operator",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical staff",
                "verbose_name_plural": "historical staff",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Staff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[("VIEWER", "Viewer"), ("MANAGER", "Manager"), ("FINANCE", "Finance")],
                        default="VIEWER",
                        max_length=8,
                    ),
                ),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staff",
                        to="catalog.operator",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staff",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "staff",
            },
        ),
        migrations.CreateModel(
            name="Station",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=60, unique=True)),
                ("source", models.CharField(blank=True, max_length=20)),
                ("source_id", models.CharField(blank=True, max_length=60)),
                ("name", models.CharField(max_length=200)),
                ("address", models.CharField(blank=True, max_length=300)),
                ("city", models.CharField(blank=True, max_length=100)),
                ("region", models.CharField(blank=True, max_length=100)),
                ("postcode", models.CharField(blank=True, max_length=20)),
                ("country", models.CharField(default="IND", max_length=3)),
                (
                    "lat",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                (
                    "lon",
                    models.DecimalField(
                        decimal_places=6,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                    ),
                ),
                ("zone", models.CharField(default="Asia/Kolkata", max_length=64)),
                ("hours", models.JSONField(blank=True, default=list)),
                ("hours_text", models.CharField(blank=True, max_length=300)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("network_name", models.CharField(blank=True, max_length=80)),
                ("price_text", models.CharField(blank=True, max_length=200)),
                ("amenities", models.JSONField(blank=True, default=list)),
                (
                    "access",
                    models.CharField(
                        choices=[
                            ("PUBLIC", "Public"),
                            ("RESTRICTED", "Customers and guests"),
                            ("PRIVATE", "Private"),
                        ],
                        default="PUBLIC",
                        max_length=10,
                    ),
                ),
                ("is_published", models.BooleanField(default=True)),
                ("closed_reason", models.CharField(blank=True, max_length=200)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stations",
                        to="catalog.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Evse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=80, unique=True)),
                ("label", models.CharField(default="1", max_length=20)),
                ("charge_point_id", models.CharField(blank=True, db_index=True, max_length=48)),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evses",
                        to="catalog.station",
                    ),
                ),
            ],
            options={
                "verbose_name": "EVSE",
                "verbose_name_plural": "EVSEs",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Tariff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=40)),
                ("version", models.PositiveIntegerField(default=1)),
                ("name", models.CharField(max_length=120)),
                ("currency", models.CharField(default="INR", max_length=3)),
                (
                    "energy_rate",
                    models.DecimalField(decimal_places=4, max_digits=10, verbose_name="price per kWh, net"),
                ),
                (
                    "session_fee",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=10, verbose_name="fee per session, net"
                    ),
                ),
                ("tax_name", models.CharField(default="GST", max_length=20)),
                ("tax_percent", models.DecimalField(decimal_places=3, default=18, max_digits=6)),
                ("published_at", models.DateTimeField(auto_now_add=True)),
                (
                    "operator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tariffs",
                        to="catalog.operator",
                    ),
                ),
            ],
            options={
                "ordering": ["operator", "code", "-version"],
            },
        ),
        migrations.CreateModel(
            name="Connector",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=80, unique=True)),
                ("letter", models.CharField(default="A", max_length=3)),
                (
                    "ocpp_connector_id",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("standard", models.CharField(max_length=32)),
                (
                    "format",
                    models.CharField(
                        choices=[("CABLE", "Cable"), ("SOCKET", "Socket")], default="CABLE", max_length=6
                    ),
                ),
                (
                    "power_type",
                    models.CharField(
                        choices=[
                            ("AC_1_PHASE", "AC, one phase"),
                            ("AC_3_PHASE", "AC, three phases"),
                            ("DC", "DC"),
                        ],
                        max_length=10,
                    ),
                ),
                ("max_kw", models.DecimalField(decimal_places=1, max_digits=6)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("Available", "Available"),
                            ("Preparing", "Plugged in"),
                            ("Charging", "Charging"),
                            ("SuspendedEV", "Paused by the car"),
                            ("SuspendedEVSE", "Paused by the station"),
                            ("Finishing", "Finished, please unplug"),
                            ("Reserved", "Reserved"),
                            ("Unavailable", "Out of service"),
                            ("Faulted", "Fault"),
                            ("Unknown", "Not confirmed"),
                        ],
                        default="Unknown",
                        max_length=16,
                    ),
                ),
                ("status_changed_at", models.DateTimeField(blank=True, null=True)),
                ("status_told_at", models.DateTimeField(blank=True, null=True)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                ("status_source", models.CharField(blank=True, max_length=20)),
                ("is_published", models.BooleanField(default=True)),
                (
                    "evse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connectors",
                        to="catalog.evse",
                    ),
                ),
                (
                    "tariff",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="connectors",
                        to="catalog.tariff",
                    ),
                ),
            ],
            options={
                "ordering": ["evse", "letter"],
            },
        ),
        migrations.AddIndex(
            model_name="station",
            index=models.Index(fields=["lat", "lon"], name="station_position"),
        ),
        migrations.AddConstraint(
            model_name="station",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source_id", ""), _negated=True),
                fields=("operator", "source", "source_id"),
                name="one_station_per_source_row",
            ),
        ),
        migrations.AddConstraint(
            model_name="station",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("lat__gte", -90), ("lat__lte", 90), ("lon__gte", -180), ("lon__lte", 180)
                ),
                name="station_on_earth",
            ),
        ),
        migrations.AddConstraint(
            model_name="evse",
            constraint=models.UniqueConstraint(fields=("station", "label"), name="one_evse_per_label"),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.UniqueConstraint(
                fields=("operator", "code", "version"), name="one_row_per_tariff_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.CheckConstraint(
                condition=models.Q(("energy_rate__gte", 0), ("session_fee__gte", 0), ("tax_percent__gte", 0)),
                name="tariff_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.UniqueConstraint(
                fields=("evse", "ocpp_connector_id"), name="one_plug_per_ocpp_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.UniqueConstraint(fields=("evse", "letter"), name="one_plug_per_letter"),
        ),
        migrations.AddConstraint(
            model_name="connector",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_kw__gt", 0)), name="connector_has_power"
            ),
        ),
        migrations.RunPython(guard_tariffs, unguard_tariffs),
    ]
