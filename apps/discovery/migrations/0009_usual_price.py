"""What a charge of the typical size costs, kept with plug and station: lists by price need not reckon it each time."""

import django.db.models.deletion
from django.db import migrations, models

FOR_EVER, SEVERAL_MONEYS = 2**62, -1
OLD = [
    *("tile", "y", "x", "seen_to", "seen_from", "ac", "dc", "ac_free", "dc_free"),
    *("free_from", "free_to", "open_from", "open_until", "some_traits", "all_traits"),
    *("fits", "fits_free", "seller"),
]


class Migration(migrations.Migration):
    dependencies = [("discovery", "0008_photos")]

    operations = [
        migrations.AddField("offer", "usual_cents", models.BigIntegerField(null=True)),
        migrations.RemoveIndex("facets", "facets_of_the_map"),
        # Of rows from before nothing is sure, so their plugs are asked until the next answer of their operator.
        migrations.AddField(
            "facets", "price_from", models.BigIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            "facets", "price_to", models.BigIntegerField(default=FOR_EVER), preserve_default=False
        ),
        migrations.AddField(
            "facets", "money", models.IntegerField(default=SEVERAL_MONEYS), preserve_default=False
        ),
        migrations.AddIndex(
            "facets",
            models.Index(
                fields=[*OLD, "price_from", "price_to", "money", "station"], name="facets_of_the_map"
            ),
        ),
        # The unique constraint on station and item is an index of the station, too.
        migrations.AlterField(
            "offer",
            "station",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="offers",
                to="discovery.offeredstation",
            ),
        ),
    ]
