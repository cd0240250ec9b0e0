from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_common_vehicles")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="is_guest",
            field=models.BooleanField(default=False, editable=False, verbose_name="is a guest"),
        ),
        migrations.AddField(
            model_name="user",
            name="contact_email",
            field=models.EmailField(blank=True, editable=False, max_length=254),
        ),
        migrations.AddField(
            model_name="user",
            name="link_sent_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
