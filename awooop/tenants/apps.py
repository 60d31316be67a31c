"""The tenants app: wires redaction, the role guard and the grants of what belongs to no tenant."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from awooop.kit import derive, log, redaction, roles

# Tables without a project belong to everyone who signs in; tenant tables get their grants from
# TenantWalls alone, so a forgotten wall is a closed door.
_GRANT_GLOBAL = """
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT c.relname, c.relkind FROM pg_class c
            WHERE c.relkind IN ('r', 'p', 'S') AND c.relnamespace = 'public'::regnamespace
              AND pg_has_role(current_user, c.relowner, 'MEMBER')
              AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                               AND a.attname = 'project_id' AND NOT a.attisdropped)
  LOOP
    IF r.relkind = 'S' THEN
      EXECUTE format('GRANT USAGE ON SEQUENCE %I TO awooop_app, awooop_operator', r.relname);
    ELSIF r.relname = 'django_migrations' THEN
      EXECUTE format('GRANT SELECT ON %I TO awooop_app, awooop_operator', r.relname);
    ELSE
      EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO awooop_app, awooop_operator', r.relname);
    END IF;
  END LOOP;
END $$;
"""


def grant_global_tables(*, using: str, **_: Any) -> None:
    """Let the application use the tables that belong to no tenant."""
    with connections[using].cursor() as cursor:
        cursor.execute(_GRANT_GLOBAL)


class TenantsConfig(AppConfig):
    """Connects what every process needs: the tagging key, the role guard and the grants."""

    name = "awooop.tenants"
    label = "tenants"

    def ready(self) -> None:
        """Connect what must be there before the first connection."""
        from awooop.tenants import openapi, sessions  # noqa: F401 - openapi registers itself

        # Django's own receiver would note a sign-in whose evidence cannot be written.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(sessions.record_sign_in, dispatch_uid="awooop.sign_in")

        redaction.set_key(derive.key(settings.REDACTION_KEY, "redaction"))
        log.guard()
        connection_created.connect(roles.refuse_unsafe, dispatch_uid="awooop.roles")
        post_migrate.connect(grant_global_tables, sender=self, dispatch_uid="awooop.grants")
