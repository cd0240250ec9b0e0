"""Plugs that are known get the price of a typical charge: 20 kWh in 35 minutes, in hundredths."""

from decimal import Decimal

from django.db import migrations
from django.db.models import DecimalField, F, Max, Value
from django.db.models.functions import Coalesce, Round

KWH, MINUTES = Decimal(20), Decimal(35)
MONEY = DecimalField(max_digits=20, decimal_places=2)
BATCH = 10_000


def price(apps, schema_editor):
    offers = apps.get_model("discovery", "Offer").objects.order_by()
    nothing = Value(Decimal(0), MONEY)
    net = (
        Round(F("energy_rate") * Value(KWH), precision=2)
        + Round(Coalesce(F("minute_rate"), nothing) * Value(MINUTES), precision=2)
        + Coalesce(F("session_fee"), nothing)
    )
    taxes = Round(net * Coalesce(F("tax_percent"), nothing) / Value(Decimal(100)), precision=2)
    cents = Round((net + taxes) * Value(Decimal(100)), output_field=MONEY)
    newest = offers.aggregate(newest=Max("pk"))["newest"] or 0
    for start in range(0, newest + 1, BATCH):
        some = offers.filter(pk__gte=start, pk__lt=start + BATCH, energy_rate__isnull=False)
        some.update(usual_cents=cents)


class Migration(migrations.Migration):
    dependencies = [("discovery", "0009_usual_price")]

    operations = [migrations.RunPython(price, migrations.RunPython.noop)]
