"""A project that tests are given ready-made is the project that was brought on."""

from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from awooop.console import onboarding
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode
from tests import tables


def onboard() -> str:
    at = timezone.now()
    return onboarding.onboard(
        "acme", display_name="acme", mode=Mode.SHADOW, actor="t", at=at
    ).api_key


def everything() -> dict[str, list[str]]:
    """Return every row of every table that is not the migrations' own."""
    found: dict[str, list[str]] = {}
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = [row for (row,) in cursor.fetchall()]
        transaction.set_rollback(True, using="owner")
    return {table: rows for table, rows in found.items() if table not in tables.KEPT}


class TestCast:
    def test_leaves_every_row_that_was_made_and_no_other(self, clean: None) -> None:
        key = tables.cast("acme", "house", onboard)
        before = everything()
        tables.wipe()
        assert not any(everything().values())
        assert tables.cast("acme", "house", onboard) == key
        assert everything() == before
        assert any(before.values())

    def test_is_made_anew_where_the_settings_are_others(self, clean: None, settings: Any) -> None:
        key = tables.cast("acme", "house", onboard)
        tables.wipe()
        settings.SECRET_KEY = "x" * 60
        assert tables.cast("acme", "house", onboard) != key

    def test_goes_on_with_a_project_that_has_rows(self, clean: None) -> None:
        def rename() -> None:
            with tenant_tx("acme"):
                Project.objects.update(display_name="renamed")

        onboard()
        tables.cast("acme", "renamed", rename)
        tables.wipe()
        onboard()
        tables.cast("acme", "renamed", rename)
        with tenant_tx("acme"):
            assert Project.objects.get().display_name == "renamed"
