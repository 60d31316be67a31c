"""Writing down what servers list: what is new waits, what changed stops, what returns goes on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Invalid, NotFound
from awooop.kit import redaction
from awooop.kit.db import in_tx, tenant_tx
from contracts import queries
from contracts.models import Family
from gateway.models import Provider, Standing, Tool
from gateway.providers.base import Failed, Listing
from gateway.registry import asking, listing, locks, renames, standings
from gateway.registry.asking import Asked
from gateway.registry.listing import Offered, Sorted
from gateway.registry.standings import After, Before

BUILT_IN = frozenset({"kubernetes", "ssh"})
_LONGEST_DETAIL = 500
_LARGE = ("definition", "instructions", "seen", "seen_instructions", "warnings")


@dataclass(slots=True)
class Refreshed:
    """What a refresh found.

    :param error: why the server could not be listed.
    :param is_late: a later refresh was faster: nothing was written.
    """

    gateway_id: str
    error: Code | None = None
    is_late: bool = False
    tools: int = 0
    faults: tuple[str, ...] = ()
    released: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    suspended: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def refresh(project_id: str, gateway_id: str, *, actor: str, at: datetime) -> Refreshed:
    """Ask a gateway's server for its tools and write down what it says. Opens transactions.

    A server that cannot be listed leaves its tools as they were, and the reason on its row.

    :raises NotFound: the project has no such active gateway contract.
    :raises Invalid: the contract names no transport: there is no server.
    """
    gateway = queries.of_project(project_id).get((Family.MCP_GATEWAY.value, gateway_id))
    if gateway is None:
        raise NotFound(Code.TOOL_UNKNOWN, "there is no such active gateway contract")
    if gateway.body.get("transport") is None:
        raise Invalid(Code.TOOL_UNFIT, "its gateway contract names no transport")
    asked = Asked(project_id, gateway_id, gateway)
    return write(asked, asking.ask(asked), actor=actor, at=at)


def write(asked: Asked, answer: Listing | Failed, *, actor: str, at: datetime) -> Refreshed:
    """Write down what a server answered, in a transaction of its own.

    :param at: when it was asked: an answer older than what is known already changes nothing.
    """
    with tenant_tx(asked.project_id):
        locks.take(asked.project_id, asked.gateway_id)
        if _provider(asked).filter(listed_at__gt=at).exists():
            return Refreshed(asked.gateway_id, is_late=True)
        if isinstance(answer, Failed):
            return _note_failure(asked, answer, at)
        return _take(asked, answer, actor, at)


def _provider(asked: Asked) -> Any:
    return Provider.objects.filter(project_id=asked.project_id, gateway_id=asked.gateway_id)


def _tools(asked: Asked) -> Any:
    return Tool.objects.filter(project_id=asked.project_id, gateway_id=asked.gateway_id)


@in_tx
def _note_failure(asked: Asked, reason: Failed, at: datetime) -> Refreshed:
    detail = redaction.excerpt(reason.detail, _LONGEST_DETAIL)
    _save(asked, tried_at=at, error_code=reason.code.value, error_detail=detail)
    return Refreshed(asked.gateway_id, error=reason.code)


@in_tx
def _take(asked: Asked, answer: Listing, actor: str, at: datetime) -> Refreshed:
    rows = {row.tool_name: row for row in _tools(asked).defer(*_LARGE)}
    pinned = {
        each["tool_name"]: each.get("description_sha256") for each in asked.gateway.body["tools"]
    }
    listed = listing.sort(answer, contracted=pinned.keys(), known=rows.keys())
    moves = list(_moves(asked, listed, rows, pinned))
    former = _former(asked, listed, rows)
    for move in moves:
        _apply(asked, move, listed, former.get(move.name), at)
    gone = _lose(asked, listed, rows)
    faults = (*_instructions_faults(asked), *listed.faults)
    facts = _facts(asked, answer, listed)
    _save(asked, **facts, faults=list(faults), tried_at=at, listed_at=at)
    told = Refreshed(asked.gateway_id, tools=len(listed.tools), faults=faults, gone=gone)
    for move in moves:
        if move.is_news:
            getattr(told, move.after.standing.value).append(move.name)
            _record(asked, move, actor)
    return told


@dataclass(frozen=True, slots=True)
class _Move:
    """What becomes of one tool that is offered."""

    name: str
    row: Tool | None
    offered: Offered
    after: After

    @property
    def is_seen_anew(self) -> bool:
        return self.row is None or self.row.seen_sha256 != self.offered.sha256

    @property
    def is_news(self) -> bool:
        """Whether agents may do more or less than before."""
        is_same = self.row is not None and self.row.standing == self.after.standing
        return not is_same or self.after.released_by is not None


def _moves(
    asked: Asked, listed: Sorted, rows: Mapping[str, Tool], pinned: Mapping[str, str | None]
) -> Iterator[_Move]:
    is_built_in = asked.gateway.body["transport"]["kind"] in BUILT_IN
    for name, offered in listed.tools.items():
        row = rows.get(name)
        before = Before(row.pin_sha256, is_held=row.suspended_by is not None) if row else None
        after = standings.after(
            before, offered.sha256, pinned=pinned.get(name), is_built_in=is_built_in
        )
        move = _Move(name, row, offered, after)
        if move.is_seen_anew or move.is_news:
            yield move


def _apply(asked: Asked, move: _Move, listed: Sorted, former: str | None, at: datetime) -> None:
    fields: dict[str, Any] = {"standing": move.after.standing, "last_seen_at": at}
    if move.is_seen_anew:
        fields |= {
            "seen": move.offered.definition,
            "seen_sha256": move.offered.sha256,
            "seen_instructions": listed.instructions,
            "warnings": listing.warnings(move.offered, listed),
        }
    if move.after.released_by is not None:
        fields |= {
            "definition": move.offered.definition,
            "instructions": listed.instructions,
            "pin_sha256": move.offered.sha256,
            "released_by": move.after.released_by,
            "released_at": at,
        }
    if move.row is not None:
        _tools(asked).filter(tool_name=move.name).update(**fields)
        return
    Tool.objects.create(
        project_id=asked.project_id,
        gateway_id=asked.gateway_id,
        tool_name=move.name,
        first_seen_at=at,
        renamed_from=former,
        **fields,
    )


def _lose(asked: Asked, listed: Sorted, rows: Mapping[str, Tool]) -> list[str]:
    """Mark what is offered no longer; a listing with holes says nothing of what is missing."""
    if not listed.is_whole:
        return []
    gone = [
        name
        for name, row in rows.items()
        if name not in listed.tools and row.standing != Standing.GONE
    ]
    if gone:
        _tools(asked).filter(tool_name__in=gone).update(standing=Standing.GONE)
    return gone


def _instructions_faults(asked: Asked) -> list[str]:
    """Say that a server's instructions changed, for as long as tools are suspended for it."""
    waiting = _tools(asked).filter(standing=Standing.SUSPENDED).exclude(pin_sha256=None)
    if not waiting.exclude(instructions=F("seen_instructions")).exists():
        return []
    return ["its instructions changed after its tools were released"]


def _former(asked: Asked, listed: Sorted, rows: Mapping[str, Tool]) -> dict[str, str]:
    appeared = {
        name: offered.definition for name, offered in listed.tools.items() if name not in rows
    }
    if not appeared or not listed.is_whole:
        return {}
    missing = sorted(
        (row for name, row in rows.items() if name not in listed.tools),
        key=lambda row: row.last_seen_at,
        reverse=True,
    )
    names = [row.tool_name for row in missing[: renames.MOST]]
    vanished = _tools(asked).filter(tool_name__in=names).values_list("tool_name", "seen")
    return renames.found(appeared, dict(vanished))


def _facts(asked: Asked, answer: Listing, listed: Sorted) -> dict[str, Any]:
    return {
        "server_name": listing.storable(answer.server_name)[:200],
        "server_version": listing.storable(answer.server_version)[:100],
        "instructions": listed.instructions,
        "logs": answer.logs,
        "tool_count": len(listed.tools),
        "body_hash": asked.gateway.body_hash,
        "error_code": None,
        "error_detail": None,
    }


def _save(asked: Asked, **facts: Any) -> None:
    if not _provider(asked).update(**facts):
        Provider.objects.create(project_id=asked.project_id, gateway_id=asked.gateway_id, **facts)


def _record(asked: Asked, move: _Move, actor: str) -> None:
    """Leave evidence of what agents may use from now on, or no longer."""
    act = {
        Standing.RELEASED: Act.TOOL_RELEASED,
        Standing.SUSPENDED: Act.TOOL_SUSPENDED,
    }.get(move.after.standing)
    if act is not None:
        sink.record(
            asked.project_id,
            act,
            actor=actor,
            target=("tool", f"{asked.gateway_id}/{move.name}"),
            facts={
                "definition_sha256": move.offered.sha256,
                "by": move.after.released_by or "its server",
                "contract_revision": asked.gateway.revision_id,
            },
        )
