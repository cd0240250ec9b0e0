from django.db import migrations, models

# SQLite builds the table anew for these columns, and the trigger of 0001 is lost on the way, forwards and back.
SQLITE_GUARD = """
CREATE TRIGGER IF NOT EXISTS published_tariff_never_changes BEFORE UPDATE ON catalog_tariff
BEGIN SELECT RAISE(ABORT, 'a published tariff never changes'); END
"""


def guard_again(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(SQLITE_GUARD)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_station_photos"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, guard_again),
        migrations.AddField(
            model_name="tariff",
            name="parking_cap",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                help_text="The app holds this much more than the quote. Empty: standing is paid only out of what the quote leaves.",
                max_digits=10,
                null=True,
                verbose_name="at most for standing, per charge",
            ),
        ),
        migrations.AddField(
            model_name="tariff",
            name="parking_when_busy",
            field=models.BooleanField(
                default=False,
                verbose_name="standing costs only while no other such plug of the station is free",
            ),
        ),
        migrations.RunPython(guard_again, migrations.RunPython.noop),
    ]
