"""Keep whether a server announces log messages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0003_instructions")]

    operations = [
        migrations.AddField(
            "provider", "logs", models.BooleanField(db_default=False, default=False)
        ),
    ]
