"""What machines ask: alive, ready, and how much of everything."""

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from awooop.kit import redis, rest
from awooop.kit.db import pipe

_READY = "SELECT count(*) FROM django_migrations"

_schema_is_current = False


def livez(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process can answer at all."""
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and its schema is this code's; Valkey may be away."""
    try:
        with pipe() as p:
            p.send(_READY).fetchone()
        current = _schema_current()
    except Exception as reason:  # noqa: BLE001 - whatever it is, the answer is "not ready"
        return JsonResponse(
            {"status": "not ready", "database": rest.planned(reason).code.title},
            status=503,
        )
    if not current:
        return JsonResponse({"status": "not ready", "schema": "migrations are missing"}, status=503)
    valkey = redis.ask(lambda server: server.ping())
    return JsonResponse({"status": "ready", "valkey": "up" if valkey else "away"})


def metrics(request: HttpRequest) -> HttpResponse:
    """Tell Prometheus what this process counted."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _schema_current() -> bool:
    """Tell whether every migration of this code has run; asked until it is so."""
    global _schema_is_current
    if not _schema_is_current:
        executor = MigrationExecutor(connections["default"])
        _schema_is_current = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _schema_is_current
