"""Each project's time zone, in which its days and months begin."""

from django.db import migrations, models

import awooop.tenants.models

# A zone PostgreSQL does not know fails here, not when money is counted.
FORWARDS = """
ALTER TABLE awooop_projects ADD CONSTRAINT project_zone_known
  CHECK (timestamp '2000-01-01' AT TIME ZONE time_zone IS NOT NULL);
GRANT UPDATE (time_zone) ON awooop_projects TO awooop_app;
"""

BACKWARDS = """
REVOKE UPDATE (time_zone) ON awooop_projects FROM awooop_app;
ALTER TABLE awooop_projects DROP CONSTRAINT project_zone_known;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_guards")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                max_length=64,
                validators=[awooop.tenants.models.known_zone],
                verbose_name="time zone",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.CheckConstraint(
                condition=models.Q(("time_zone__regex", "^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$")),
                name="project_zone_shape",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
