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
        ("catalog", "0005_reserved_times"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, guard_again),
        migrations.AddField(
            model_name="tariff",
            name="elements",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="As in OCPI 2.2.1. Empty: the price per kWh and the fee per session above.",
                verbose_name="price elements",
            ),
        ),
        migrations.AddField(
            model_name="tariff",
            name="max_price",
            field=models.DecimalField(
                blank=True, decimal_places=2, max_digits=10, null=True, verbose_name="at most, per charge"
            ),
        ),
        migrations.AddField(
            model_name="tariff",
            name="min_price",
            field=models.DecimalField(
                blank=True, decimal_places=2, max_digits=10, null=True, verbose_name="at least, per charge"
            ),
        ),
        migrations.AddField(
            model_name="tariff",
            name="parking_grace_minutes",
            field=models.PositiveSmallIntegerField(
                default=0, verbose_name="minutes after charging that cost nothing"
            ),
        ),
        migrations.AddField(
            model_name="tariff",
            name="tax_included",
            field=models.BooleanField(default=False, verbose_name="prices contain the taxes"),
        ),
        migrations.AddField(
            model_name="tariff",
            name="taxes",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text='For example [{"name": "CGST", "percent": 9}, {"name": "SGST", "percent": 9}]. Empty: the one tax above.',
                verbose_name="several taxes",
            ),
        ),
        migrations.RunPython(guard_again, migrations.RunPython.noop),
    ]
