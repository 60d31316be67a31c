"""Money around a call: reserve before it, settle after it, release what never happened.

Each verb is one INSERT, of an entry into the ledger; what it does to accounts and holds, the
database works out. Each comes in two forms: for the caller's transaction, and as ``send_…`` for one
that is on its way through a pipe.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.errors import Code, Conflict
from awooop.kit import ids
from awooop.kit.db import Pipe, in_tx
from awooop.ledger import amounts
from awooop.ledger.models import Kind, Level, Period

_ENTRY = """
INSERT INTO awooop_budget_ledger
       (entry_id, project_id, kind, reservation_id, run_id, lease_epoch, agent_id, usd, tokens,
        purpose, actor)
VALUES (%(entry_id)s, %(project_id)s, %(kind)s, %(reservation_id)s, %(run_id)s, %(lease_epoch)s,
        %(agent_id)s, %(usd)s, %(tokens)s, %(purpose)s, %(actor)s)
RETURNING kind, reservation_id, refused_level, refused_period
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a call may cost at most, and for whom.

    :param purpose: what it is for, in short: ``model:gpt-4o``, ``tool:query``.
    :param epoch: of the run's lease, where there is a run.
    """

    project_id: str
    agent_id: str
    usd: Decimal
    tokens: int
    purpose: str
    actor: str
    run_id: UUID | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The entry that was written.

    :param level: with ``period``, the limit that a refused ask does not fit, or that a settlement
        went over; else None.
    """

    kind: Kind
    reservation_id: UUID
    level: Level | None
    period: Period | None


@dataclass(frozen=True, slots=True)
class Coming:
    """The answer to an entry sent into a pipe; asking for it waits."""

    cursor: Any

    def answer(self) -> Answer | None:
        """Return the entry that was written, or None when there was nothing to write."""
        row = self.cursor.fetchone()
        if row is None:
            return None
        kind, reservation_id, level, period = row
        return Answer(Kind(kind), reservation_id, level and Level(level), period and Period(period))


@in_tx
def reserve(ask: Ask) -> Answer | None:
    """Set money aside for a call, or say which limit it does not fit.

    A refusal is written too. None when the run is no longer held under the epoch of the ask.

    :raises Invalid: no amount.
    """
    return _here(_reservation(ask)).answer()


def send_reserve(p: Pipe, ask: Ask) -> Coming:
    """As :func:`reserve`, without waiting.

    :raises Invalid: no amount.
    """
    return Coming(p.send(_ENTRY, _reservation(ask)))


@in_tx
def settle(
    reservation_id: UUID, *, project_id: str, usd: Decimal, tokens: int, actor: str
) -> Answer:
    """Count what a call did cost, once, also after its reservation was released.

    :raises Invalid: no amount.
    :raises Conflict: there is no such reservation, or it was settled.
    """
    return _open(_here(_closing(Kind.SETTLE, project_id, reservation_id, actor, usd, tokens)))


def send_settle(
    p: Pipe, reservation_id: UUID, *, project_id: str, usd: Decimal, tokens: int, actor: str
) -> Coming:
    """As :func:`settle`, without waiting; a conflict is an answer of None.

    :raises Invalid: no amount.
    """
    params = _closing(Kind.SETTLE, project_id, reservation_id, actor, usd, tokens)
    return Coming(p.send(_ENTRY, params))


@in_tx
def release(reservation_id: UUID, *, project_id: str, actor: str) -> Answer:
    """Give back what was set aside for a call that never happened.

    :raises Conflict: nothing is set aside under this id.
    """
    return _open(_here(_closing(Kind.RELEASE, project_id, reservation_id, actor)))


def send_release(p: Pipe, reservation_id: UUID, *, project_id: str, actor: str) -> Coming:
    """As :func:`release`, without waiting; a conflict is an answer of None."""
    return Coming(p.send(_ENTRY, _closing(Kind.RELEASE, project_id, reservation_id, actor)))


def _reservation(ask: Ask) -> dict[str, Any]:
    return {
        "entry_id": ids.new_id(),
        "project_id": ask.project_id,
        "kind": Kind.RESERVE.value,
        "reservation_id": ids.new_id(),
        "run_id": ask.run_id,
        "lease_epoch": ask.epoch,
        "agent_id": ask.agent_id,
        "usd": amounts.usd(ask.usd),
        "tokens": amounts.tokens(ask.tokens),
        "purpose": ask.purpose[:200],
        "actor": ask.actor[:150],
    }


def _closing(
    kind: Kind,
    project_id: str,
    reservation_id: UUID,
    actor: str,
    usd: Decimal = Decimal(0),
    tokens: int = 0,
) -> dict[str, Any]:
    """Return an entry that ends a reservation; the database knows whose it was and what for."""
    return {
        "entry_id": ids.new_id(),
        "project_id": project_id,
        "kind": kind.value,
        "reservation_id": reservation_id,
        "run_id": None,
        "lease_epoch": None,
        "agent_id": "",
        "usd": amounts.usd(usd),
        "tokens": amounts.tokens(tokens),
        "purpose": "",
        "actor": actor[:150],
    }


def _here(params: dict[str, Any]) -> Coming:
    cursor = connections[DEFAULT_DB_ALIAS].cursor()
    cursor.execute(_ENTRY, params)
    return Coming(cursor)


def _open(coming: Coming) -> Answer:
    answer = coming.answer()
    if answer is None:
        raise Conflict(Code.RESERVATION_CLOSED)
    return answer
