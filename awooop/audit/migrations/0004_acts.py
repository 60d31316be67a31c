"""Acts are looked up by a function: a further one changes no table."""

from django.db import migrations, models

import awooop.audit.acts


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_guards")]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="act",
            field=models.CharField(choices=awooop.audit.acts.known, max_length=64),
        ),
    ]
