import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ratings", "0003_where_they_were_given")]

    operations = [
        migrations.AlterField(
            model_name="givenrating",
            name="code",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        )
    ]
