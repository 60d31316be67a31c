"""How a project stands now: its mode, its switches, and whether its record can be written."""

import time
from dataclasses import dataclass
from typing import Any

from awooop.errors import Code, Unavailable
from awooop.kit.db import Pipe, pipe
from awooop.tenants.modes import Mode
from gateway import switches
from gateway.models import Level
from gateway.providers.base import Permit
from gateway.switches import Thrown

_STANDING = """
SELECT p.migration_mode, p.is_active, COALESCE(g.number, 0),
       has_table_privilege('awooop_mcp_gateway_audit', 'INSERT')
         AND has_any_column_privilege('awooop_audit_event', 'INSERT'),
       EXISTS (SELECT FROM awooop_platform_switch WHERE lifted_at IS NULL),
       (SELECT array_agg(s.level || ':' || s.key) FROM awooop_kill_switch s
         WHERE s.project_id = p.project_id AND s.lifted_at IS NULL)
  FROM awooop_projects p LEFT JOIN awooop_gateway_generation g ON g.project_id = p.project_id
 WHERE p.project_id = %(project_id)s
"""
_PLATFORM = Thrown(Level.PLATFORM, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a project stands, as of ``permit``.

    :param mode: None for a project that does not exist.
    :param number: of its tools' generation.
    """

    mode: Mode | None
    is_active: bool
    number: int
    thrown: tuple[Thrown, ...]
    permit: Permit


class Look:
    """A question on its way to the database; the answer is read once its pipe has closed."""

    def __init__(self, p: Pipe, project_id: str) -> None:
        """Ask in the pipe's open transaction of the project."""
        self._permit = Permit(time.monotonic() + switches.PERMIT_SECONDS)
        self._row: tuple[Any, ...] | None = None
        self._found: Any = p.send(_STANDING, {"project_id": project_id})

    @property
    def until(self) -> float:
        """Until when what is seen may be acted on, of ``time.monotonic``."""
        return self._permit.until

    def fetch(self) -> None:
        """Take the answer, once its pipe has closed: before others share this look."""
        self._row = self._found.fetchone()

    def seen(self) -> Standing:
        """Return what was seen.

        :raises Unavailable: what happens could not be recorded, so nothing may happen.
        """
        if self._row is None:
            self.fetch()
        row = self._row
        if row is None:
            return Standing(mode=None, is_active=False, number=0, thrown=(), permit=self._permit)
        mode, is_active, number, can_record, is_stopped, open_switches = row
        if not can_record:
            raise Unavailable(Code.AUDIT_UNWRITABLE, "the gateway's record cannot be written")
        thrown = [_PLATFORM] if is_stopped else []
        for spelled in open_switches or ():
            level, _, key = spelled.partition(":")
            thrown.append(Thrown(Level(level), key))
        return Standing(
            mode=Mode(mode),
            is_active=is_active,
            number=number,
            thrown=tuple(thrown),
            permit=self._permit,
        )


def now(project_id: str) -> Standing:
    """Ask how a project stands now. Opens its own transaction.

    :raises Unavailable: what happens could not be recorded, so nothing may happen.
    """
    with pipe() as p, p.tenant_tx(project_id):
        look = Look(p, project_id)
    return look.seen()
