"""The log of operations, incidents, and what is learned; further tickets, and notices."""

import django.contrib.postgres.fields
import django.contrib.postgres.search
from django.db import migrations, models

import awooop.kit.ids


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0003_edits"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnomalyDisposition",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "operation_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("operation_id", models.UUIDField()),
                ("anomaly_key", models.CharField(max_length=64)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("human_approved", "approved by people"),
                            ("auto_approved", "approved by policy"),
                            ("rejected", "rejected"),
                            ("expired", "expired"),
                            ("no_action", "watched only"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "awooop_anomaly_disposition",
                "indexes": [
                    models.Index(
                        models.F("project_id"),
                        models.F("anomaly_key"),
                        models.F("what"),
                        name="disposition_counted",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "incident_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("incident_id", models.UUIDField(default=awooop.kit.ids.new_id)),
                ("title", models.CharField(max_length=300)),
                ("category", models.CharField(blank=True, default="general", max_length=100)),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("info", "info"),
                            ("warning", "warning"),
                            ("critical", "critical"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("investigating", "investigating"),
                            ("resolved", "resolved"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("source", models.CharField(max_length=100)),
                ("source_ref", models.CharField(blank=True, max_length=300, null=True)),
                ("anomaly_key", models.CharField(max_length=64)),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                (
                    "resolved_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="resolved"),
                ),
                ("resolved_by", models.CharField(blank=True, max_length=150, null=True)),
                ("resolution_id", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
                "db_table": "awooop_incident",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project_id"),
                        models.F("source"),
                        models.F("source_ref"),
                        name="incident_source_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Knowledge",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "entry_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("entry_id", models.UUIDField(default=awooop.kit.ids.new_id)),
                ("operation_id", models.UUIDField()),
                ("incident_id", models.UUIDField(blank=True, null=True)),
                ("title", models.CharField(max_length=300)),
                ("body", models.TextField()),
                ("category", models.CharField(max_length=100)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), default=list, size=None
                    ),
                ),
                ("did_not_work", models.BooleanField(default=False)),
                (
                    "words",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector(
                            "title", "category", "body", config="simple"
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
            ],
            options={
                "verbose_name": "knowledge entry",
                "verbose_name_plural": "knowledge",
                "db_table": "awooop_knowledge",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project_id"), models.F("operation_id"), name="knowledge_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "notice_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("notice_id", models.UUIDField(default=awooop.kit.ids.new_id)),
                ("operation_id", models.UUIDField()),
                ("kind", models.CharField(max_length=40)),
                ("payload", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "awooop_outbox_notice",
                "indexes": [
                    models.Index(
                        models.F("project_id"),
                        models.F("notice_id"),
                        condition=models.Q(("taken_at", None)),
                        name="notice_waiting",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project_id"),
                        models.F("operation_id"),
                        models.F("kind"),
                        name="notice_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "operation_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("operation_id", models.UUIDField(default=awooop.kit.ids.new_id)),
                ("approval_id", models.UUIDField(blank=True, null=True)),
                ("run_id", models.UUIDField(blank=True, null=True)),
                ("incident_id", models.UUIDField(blank=True, null=True)),
                ("playbook_id", models.UUIDField(blank=True, null=True)),
                ("rollback_of", models.UUIDField(blank=True, null=True)),
                ("agent_id", models.CharField(max_length=100, verbose_name="agent")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("call", "a call of a tool"),
                            ("observe", "watch, and touch nothing"),
                        ],
                        default="call",
                        max_length=8,
                    ),
                ),
                ("action", models.CharField(max_length=2000)),
                ("description", models.CharField(blank=True, default="", max_length=2000)),
                (
                    "gateway_id",
                    models.CharField(
                        blank=True, default="", max_length=100, verbose_name="gateway"
                    ),
                ),
                (
                    "tool_name",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="tool"),
                ),
                ("environment", models.CharField(blank=True, default="", max_length=32)),
                ("arguments", models.JSONField(default=dict)),
                ("resolution", models.JSONField(blank=True, null=True)),
                ("risk", models.CharField(blank=True, default="", max_length=8)),
                ("requested_by", models.CharField(max_length=150)),
                ("is_auto_approved", models.BooleanField(default=False)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("open", "under way"),
                            ("resting", "waits for another attempt"),
                            ("verifying", "being verified"),
                            ("learning", "being learned from"),
                            ("done", "done"),
                        ],
                        default="proposed",
                        max_length=16,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not yet known"),
                            ("executed", "executed"),
                            ("error", "failed"),
                            ("unknown", "outcome unknown"),
                            ("denied", "not executed"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("error_code", models.CharField(blank=True, max_length=32, null=True)),
                ("error", models.CharField(blank=True, default="", max_length=2000)),
                ("stderr", models.TextField(blank=True, default="")),
                ("verification", models.JSONField(blank=True, null=True)),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not looked at"),
                            ("verified", "verified"),
                            ("failed", "did not help"),
                            ("unverified", "unverified"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("verdict_note", models.CharField(blank=True, default="", max_length=500)),
                ("looks", models.PositiveSmallIntegerField(default=0)),
                ("effectiveness", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("earlier", models.JSONField(blank=True, null=True)),
                ("rollback_note", models.CharField(blank=True, default="", max_length=500)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("duration_ms", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("opened_at", models.DateTimeField(blank=True, null=True, verbose_name="opened")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed")),
                ("verify_by", models.DateTimeField(blank=True, null=True)),
                ("linked_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "operation",
                "verbose_name_plural": "operations",
                "db_table": "awooop_operation",
                "indexes": [
                    models.Index(
                        models.F("due_at"),
                        condition=models.Q(("due_at", None), _negated=True),
                        name="operation_due",
                    ),
                    models.Index(
                        models.F("project_id"),
                        models.F("incident_id"),
                        name="operation_by_incident",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project_id"),
                        models.F("approval_id"),
                        name="operation_of_approval_once",
                    ),
                    models.UniqueConstraint(
                        models.F("project_id"),
                        models.F("run_id"),
                        condition=models.Q(("approval_id", None)),
                        name="operation_of_run_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Playbook",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "playbook_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("playbook_id", models.UUIDField(default=awooop.kit.ids.new_id)),
                ("name", models.CharField(max_length=300)),
                ("category", models.CharField(max_length=100)),
                (
                    "standing",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("approved", "approved"),
                            ("retired", "retired"),
                        ],
                        max_length=16,
                    ),
                ),
                ("action", models.CharField(max_length=2000)),
                ("action_sha256", models.CharField(max_length=64)),
                ("effectiveness", models.PositiveSmallIntegerField()),
                ("uses", models.PositiveIntegerField(default=1)),
                ("successes", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("used_at", models.DateTimeField(verbose_name="last used")),
            ],
            options={
                "verbose_name": "playbook",
                "verbose_name_plural": "playbooks",
                "db_table": "awooop_playbook",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project_id"),
                        models.F("category"),
                        models.F("action_sha256"),
                        name="playbook_action_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "approval_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("approval_id", models.UUIDField()),
                ("number", models.PositiveSmallIntegerField()),
                ("ticket_id", models.CharField(max_length=64)),
                ("issued_at", models.DateTimeField()),
            ],
            options={
                "db_table": "awooop_approval_ticket",
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project_id"), models.F("ticket_id"), name="further_ticket_once"
                    )
                ],
            },
        ),
    ]
