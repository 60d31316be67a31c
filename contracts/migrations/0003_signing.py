"""Versions that wait for publishing, signatures of publisher and signers, an order of moves."""

from django.db import migrations, models

import awooop.kit.ids


class Migration(migrations.Migration):
    dependencies = [
        ("contracts", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContractSignature",
            fields=[
                ("project_id", models.CharField(max_length=64, verbose_name="project")),
                (
                    "id",
                    models.UUIDField(
                        default=awooop.kit.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("revision_id", models.UUIDField()),
                ("signer", models.CharField(max_length=150)),
                ("body_hash", models.CharField(max_length=64)),
                ("signed_at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=32)),
                ("signature", models.CharField(max_length=64)),
            ],
            options={
                "db_table": "awooop_contract_signature",
            },
        ),
        migrations.AddField(
            model_name="contractrevision",
            name="activated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="contractrevision",
            name="key_id",
            field=models.CharField(blank=True, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="contractrevision",
            name="moved_no",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="contractrevision",
            name="published_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="contractrevision",
            name="signature",
            field=models.CharField(blank=True, max_length=64, null=True),
        ),
        migrations.AlterField(
            model_name="contractrevision",
            name="lifecycle_status",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("published", "published"),
                    ("active", "active"),
                    ("retired", "retired"),
                ],
                default="draft",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="contractrevision",
            name="version_major",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="contractrevision",
            name="version_minor",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="contractrevision",
            index=models.Index(
                models.F("project_id"), models.F("moved_no"), name="contract_by_move"
            ),
        ),
        migrations.AddIndex(
            model_name="contractrevision",
            index=models.Index(
                models.F("project_id"), models.F("revision_id"), name="contract_by_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="contractsignature",
            constraint=models.UniqueConstraint(
                models.F("project_id"),
                models.F("revision_id"),
                models.F("signer"),
                name="contract_signed_once_each",
            ),
        ),
    ]
