"""What ails settings and schema: secrets too weak, hosts too open, tables not as the models."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from awooop.console.findings import Check, Finding
from awooop.ledger import prices

_SHORTEST_KEY = 32
_FEWEST_SIGNS = 12
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}

_COLUMNS = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'v') AND pg_table_is_visible(c.oid)
   AND a.attnum > 0 AND NOT a.attisdropped
"""


def settings_check() -> Check:
    """Secrets are strong and doors narrow, unless this is a developer's machine."""
    found, warned = list(_secrets()), []
    if settings.DEBUG:
        what = "it is on: errors show code and settings"
        warned.append(Finding("debug", "DEBUG", what, "unset DEBUG"))
    elif "*" in settings.ALLOWED_HOSTS or not settings.ALLOWED_HOSTS:
        what = f"it is {settings.ALLOWED_HOSTS!r}: any Host header, or none, is accepted"
        found.append(Finding("hosts", "ALLOWED_HOSTS", what, "name your hosts in it"))
    if not settings.HTTPS_ONLY and set(settings.ALLOWED_HOSTS) - _LOOPBACK:
        what = "cookies and keys may travel in the clear"
        warned.append(Finding("https", "HTTPS_ONLY", what, "set HTTPS_ONLY=1 behind TLS"))
    if fault := prices.fault():
        what = f"{fault}: every call of a model is refused"
        found.append(Finding("prices", "MODEL_PRICES", what, "README.md shows its shape"))
    return Check("settings are fit for use", tuple(found), tuple(warned))


def _secrets() -> Iterator[Finding]:
    keys = {"SECRET_KEY": settings.SECRET_KEY, "REDACTION_KEY": settings.REDACTION_KEY}
    if settings.REDACTION_KEY == settings.SECRET_KEY:
        del keys["REDACTION_KEY"]
    for name, key in keys.items():
        if what := _weakness(key):
            mend = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            yield Finding(name.lower().replace("_", "-"), name, what, mend)


def _weakness(key: str) -> str:
    if settings.DEBUG:
        return ""
    if key.startswith(("development-only", "django-insecure-")):
        return "it is a development key, known to everybody"
    if len(key) < _SHORTEST_KEY or len(set(key)) < _FEWEST_SIGNS:
        return f"it is too weak: {len(key)} characters, {len(set(key))} different ones"
    return ""


def schema() -> Check:
    """Every migration of this code has run, and the tables are as the models say."""
    connection = connections[DEFAULT_DB_ALIAS]
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    found = [
        Finding("migration", str(migration), "it has not run", "manage.py migrate")
        for migration, _ in plan
    ]
    if not plan:
        found = list(_missing_columns(connection))
    return Check("the schema is this code's", tuple(found), tuple(_unknown(executor)))


def _unknown(executor: MigrationExecutor) -> Iterator[Finding]:
    ours = {config.label for config in apps.get_app_configs()}
    for app, name in executor.loader.applied_migrations:
        if app in ours and (app, name) not in executor.loader.disk_migrations:
            what = "the database has run it, and this code does not know it"
            yield Finding("migration-unknown", f"{app}.{name}", what, "deploy the newer code")


def _missing_columns(connection: Any) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        present = set(cursor.fetchall())
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy:
            continue
        table = model._meta.db_table
        for column in (field.column for field in model._meta.local_concrete_fields):
            if column and (table, column) not in present:
                mend = "restore the column; the migrations say that it is there"
                yield Finding("column", f"{table}.{column}", "it is missing", mend)
