"""One writer at a time for the tools of a gateway."""

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.kit.db import in_tx

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('awooop.gateway'), hashtext(%s))"


@in_tx
def take(project_id: str, gateway_id: str) -> None:
    """Wait until no other transaction changes the gateway's tools; for the rest of this one."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_LOCK, [f"{project_id}\n{gateway_id}"])
