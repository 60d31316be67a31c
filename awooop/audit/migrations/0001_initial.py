"""The tables of the audit."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                ("project_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("prev_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("sealed_seq", models.BigIntegerField(default=0)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("fault", models.CharField(blank=True, default="", max_length=500)),
            ],
            options={
                "db_table": "awooop_audit_chain",
            },
        ),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("project_id", models.CharField(max_length=64)),
                ("number", models.BigIntegerField()),
                ("seq", models.BigIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.CharField(max_length=128)),
            ],
            options={
                "db_table": "awooop_audit_checkpoint",
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "seq",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("project_id", models.CharField(max_length=64)),
                ("seq", models.BigIntegerField()),
                ("event_id", models.UUIDField()),
                ("at", models.DateTimeField()),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("project.onboarded", "project onboarded"),
                            ("project.mode_set", "project promoted or demoted"),
                            ("member.admitted", "member given a role"),
                            ("member.dismissed", "member dismissed"),
                            ("key.issued", "API key issued"),
                            ("key.rotated", "API key rotated"),
                            ("key.revoked", "API key revoked"),
                            ("channel.opened", "channel opened"),
                            ("contract.activated", "contract activated"),
                            ("run.cancelled", "run cancelled"),
                            ("account.created", "operator account created"),
                            ("account.changed", "operator account changed"),
                            ("account.signed_in", "operator signed in"),
                            ("token.issued", "operator token issued"),
                        ],
                        max_length=64,
                    ),
                ),
                ("actor", models.CharField(max_length=200)),
                ("target_type", models.CharField(max_length=32)),
                ("target", models.CharField(max_length=300)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("success", "done"), ("refused", "refused"), ("error", "failed")],
                        max_length=16,
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=32, null=True)),
                ("run_id", models.UUIDField(blank=True, null=True)),
                ("facts", models.JSONField(default=dict)),
                ("content_sha256", models.CharField(max_length=64)),
                ("prev_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "audit event",
                "verbose_name_plural": "audit events",
                "db_table": "awooop_audit_event",
                "indexes": [
                    models.Index(
                        models.F("project_id"),
                        models.F("act"),
                        models.F("seq"),
                        name="audit_by_act",
                    ),
                    models.Index(
                        models.F("project_id"),
                        models.F("actor"),
                        models.F("seq"),
                        name="audit_by_actor",
                    ),
                    models.Index(
                        models.F("project_id"),
                        models.F("target"),
                        models.F("seq"),
                        name="audit_by_target",
                    ),
                    models.Index(models.F("project_id"), models.F("at"), name="audit_by_time"),
                ],
            },
        ),
    ]
