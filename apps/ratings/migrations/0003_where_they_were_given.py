import uuid

from django.db import migrations

BATCH = 500


def fill(apps, schema_editor):
    """Ratings know their place, and received ones their operator, which they had to look up until now."""
    given = apps.get_model("ratings", "GivenRating").objects
    for rating in given.select_related("order").iterator(BATCH):
        order = rating.order
        given.filter(pk=rating.pk).update(
            code=uuid.uuid4(),
            bpp_id=order.bpp_id,
            provider_id=order.provider_id,
            lat=order.lat,
            lon=order.lon,
        )
    received = apps.get_model("ratings", "ReceivedRating").objects
    bookings = apps.get_model("bookings", "Booking").objects.select_related("evse__station__operator")
    for code in received.values_list("order_id", flat=True).distinct().iterator(BATCH):
        booking = bookings.filter(code=code).first()
        if booking:
            station = booking.evse.station
            received.filter(order_id=code).update(
                operator_code=station.operator.code, station_code=station.code, station_name=station.name
            )


class Migration(migrations.Migration):
    dependencies = [("ratings", "0002_categories_moderation_and_forms"), ("bookings", "0001_bookings")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
