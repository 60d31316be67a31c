"""Refuse to work on a database role that row level security does not bind."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

# SUPERUSER and BYPASSRLS ignore policies; an owner, or whoever may become one, can drop them.
_FACTS = """
SELECT r.rolname,
       r.rolsuper,
       r.rolbypassrls,
       (SELECT min(c.relname::text) FROM pg_class c
         JOIN pg_attribute a
           ON a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
          AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
  FROM pg_roles r WHERE r.rolname = session_user
"""

_verified: set[str] = set()


def fault(connection: BaseDatabaseWrapper) -> str | None:
    """Return what makes this connection's login role unsafe, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS)
        name, superuser, bypass, owned = cursor.fetchone()
    if superuser:
        return f"the role {name} is a superuser: row level security does not bind it"
    if bypass:
        return f"the role {name} has BYPASSRLS"
    if owned:
        return f"the role {name} owns tenant tables ({owned}) or may become their owner"
    return None


def refuse_unsafe(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Check each new connection of the application's alias, once a process and role.

    A receiver of Django's ``connection_created``: whatever the process is, its first connection
    is its last when the role is wrong.

    :raises ImproperlyConfigured: the role is superuser, has BYPASSRLS or owns a tenant table.
    """
    identity = f"{connection.settings_dict['NAME']}/{connection.settings_dict['USER']}"
    if connection.alias != DEFAULT_DB_ALIAS or identity in _verified:
        return
    _verified.add(identity)
    if reason := fault(connection):
        _verified.discard(identity)
        connection.close()
        raise ImproperlyConfigured(
            f"AwoooP does not start: {reason}. Point DATABASE_URL at the awooop_app role "
            "(deploy/roles.sql makes it)."
        )


def verify() -> None:
    """Connect now, so that a process on a wrong role ends before it serves anything.

    :raises ImproperlyConfigured: see :func:`refuse_unsafe`.
    """
    connections[DEFAULT_DB_ALIAS].ensure_connection()
