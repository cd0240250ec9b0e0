from django.db import migrations, models
from django.db.models import Q


def nothing_more_to_do(apps, schema_editor):
    apps.get_model("beckn", "Message").objects.exclude(finished_at=None).update(next_try_at=None)


class Migration(migrations.Migration):
    dependencies = [("beckn", "0001_network_of_messages")]

    operations = [
        migrations.RemoveIndex(model_name="message", name="beckn_inbox_open"),
        migrations.RemoveIndex(model_name="message", name="beckn_outbox_open"),
        migrations.AlterField(
            model_name="message", name="next_try_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.RunPython(nothing_more_to_do, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=Q(("next_try_at__isnull", False)), fields=["direction", "id"], name="beckn_open"
            ),
        ),
    ]
