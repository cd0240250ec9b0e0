"""The last charge that worked, and the wishes that one and the same plug fulfils.

Rows of Facets from before know nothing of wishes: all bits say "perhaps", and `seen_from` = 0 says that nothing is
sure, so the plugs themselves are asked until the next answer of their operator.
"""

from django.db import migrations, models

EVERY_WISH = (1 << 24) - 1
OLD = [
    *("tile", "y", "x", "seen_to", "seen_from", "ac", "dc", "ac_free", "dc_free"),
    *("free_from", "free_to", "open_from", "open_until", "some_traits", "all_traits"),
]


def nothing_is_sure(apps, schema_editor):
    apps.get_model("discovery", "Facets").objects.update(seen_from=0)


class Migration(migrations.Migration):
    dependencies = [("discovery", "0004_filter_profiles")]

    operations = [
        migrations.AddField("offer", "last_charge_at", models.DateTimeField(null=True)),
        migrations.RemoveIndex("facets", "facets_of_the_map"),
        migrations.AddField(
            "facets", "fits", models.BigIntegerField(default=EVERY_WISH), preserve_default=False
        ),
        migrations.AddField(
            "facets", "fits_free", models.BigIntegerField(default=EVERY_WISH), preserve_default=False
        ),
        migrations.RunPython(nothing_is_sure, migrations.RunPython.noop),
        migrations.AddIndex(
            "facets",
            models.Index(fields=[*OLD, "fits", "fits_free", "seller", "station"], name="facets_of_the_map"),
        ),
    ]
