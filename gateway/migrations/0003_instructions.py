"""Keep a server's instructions with each tool they were pinned with, and who suspended a tool."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0002_walls")]

    operations = [
        migrations.AddField("tool", "instructions", models.TextField(blank=True, default="")),
        migrations.AddField("tool", "seen_instructions", models.TextField(blank=True, default="")),
        migrations.AddField(
            "tool", "suspended_by", models.CharField(blank=True, max_length=150, null=True)
        ),
    ]
