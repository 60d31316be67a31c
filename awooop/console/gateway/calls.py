"""The calls of tools: newest first, each with the gate that stopped it; and one of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from pydantic import Field

from awooop.console import accounts, answers, lists, projects, wording
from awooop.console.gateway import places, reading, spelled, words
from awooop.console.gateway.reading import Row
from awooop.console.projects import ProjectRow
from awooop.console.wording import Badge
from awooop.errors import Invalid
from awooop.kit import admin, ids, rest
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import Scope, pipe
from awooop.tenants import access
from gateway.models import Status

SOURCE = reading.Source(
    table="awooop_mcp_gateway_audit",
    key="call_id",
    columns=(
        "call_id",
        "project_id",
        "agent_id",
        "gateway_id",
        "tool_name",
        "environment",
        "is_shadow",
        "result_status",
        "block_gate",
        "block_reason",
        "error_code",
        "is_destructive",
        "latency_ms",
        "run_id",
        "created_at",
    ),
)
_MORE = ("actor", "trace_id", "arguments", "args_sha256", "result_sha256", "result_size")


class Asked(lists.Query[UUID]):
    """The query of the list."""

    agent: lists.Word | None = None
    gateway: lists.Word | None = None
    tool: lists.Word | None = None
    status: Status | None = None
    gate: Annotated[int, Field(ge=1, le=5)] | None = None
    since: lists.Since | None = None
    per_page: lists.Size | None = None

    def reading(self, scope: Scope, now: datetime) -> reading.Asked:
        """Return what to read, within what the person may see."""
        begin = lists.begin(self.since, now)
        return reading.Asked(
            scope=access.narrowed(scope, self.project),
            wanted={
                "agent_id": self.agent,
                "gateway_id": self.gateway,
                "tool_name": self.tool,
                "result_status": self.status.value if self.status else None,
                "block_gate": self.gate,
            },
            per_page=lists.size(self.per_page),
            older_than=self.older_than,
            newer_than=self.newer_than,
            not_before=ids.floor_id(begin) if begin else None,
        )


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call as the console shows it."""

    call_id: str
    href: str
    tool: str
    gateway: str
    project: str
    agent: str
    status: Badge
    gate: str
    code: words.Coded | None
    reason: str
    latency: str
    run_id: str
    run_href: str
    shadow: Badge
    is_destructive: bool
    at: Moment


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the calls of the projects a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(Asked, request)
    now = timezone.now()
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = reading.Page() if wrong else reading.page(p, SOURCE, asked.reading(scope, now))
    frame = _frame(asked, wrong, seen)
    context = {
        "rows": [_row(row, now) for row in found.rows],
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site,
        request,
        "console/gateway/calls.html",
        context,
        title=_("Tool calls"),
        status=frame.status,
    )


def detail(site: AdminSite, request: HttpRequest, project_id: str, call_id: str) -> HttpResponse:
    """Show one call: who asked for what, which gate stopped it, what came back in hashes."""
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    try:
        identity = rest.read_uuid(call_id)
    except Invalid:
        raise Http404 from None
    with pipe() as p, p.operator_tx(scope):
        found = reading.one(p, SOURCE, project_id, identity, *_MORE)
    if found is None:
        raise Http404
    context = {
        "call": _row(found, timezone.now()),
        "hint": _hint(found["error_code"]),
        "actor": found["actor"],
        "environment": found["environment"],
        "trace_id": found["trace_id"],
        "arguments": spelled.parts(found["arguments"]),
        "args_sha256": found["args_sha256"],
        "result_sha256": found["result_sha256"],
        "result_size": found["result_size"],
        "gates": _gates(found),
        "gateway_href": places.gateway(found) if found["gateway_id"] else "",
    }
    return admin.page(
        site,
        request,
        "console/gateway/call.html",
        context,
        title=_("Call …%(end)s") % {"end": call_id[-8:]},
        crumbs=[Crumb(_("Tool calls"), reverse("admin:calls"))],
    )


def _row(row: Row, now: datetime) -> CallRow:
    run_id = str(row["run_id"]) if row["run_id"] else ""
    return CallRow(
        call_id=str(row["call_id"]),
        href=reverse("admin:call", args=[row["project_id"], row["call_id"]]),
        tool=spelled.plain(row["tool_name"]),
        gateway=row["gateway_id"],
        project=row["project_id"],
        agent=spelled.plain(row["agent_id"]),
        status=words.status(row["result_status"]),
        gate=words.gate(row["block_gate"]),
        code=words.coded(row["error_code"]),
        reason=spelled.plain(row["block_reason"] or ""),
        latency=admin.duration(row["latency_ms"] / 1000),
        run_id=run_id,
        run_href=reverse("admin:run", args=[run_id]) if run_id else "",
        shadow=wording.shadow(row["is_shadow"]),
        is_destructive=row["is_destructive"],
        at=Moment.of(row["created_at"], now),
    )


def _gates(found: Row) -> list[tuple[str, str]]:
    """Return each gate with whether the call passed it, was stopped at it or never came to it."""
    stopped = found["block_gate"]
    last = stopped or (0 if found["result_status"] == Status.BLOCKED else 6)
    return [
        (
            words.gate(number),
            "stopped" if number == stopped else "passed" if number < last else "",
        )
        for number in words.GATES
    ]


def _hint(code: str | None) -> str:
    fault = wording.fault({"error_code": code, "error_detail": ""})
    return fault.hint if fault else ""


def _frame(asked: Asked, wrong: Collection[str], seen: Sequence[ProjectRow]) -> lists.Frame:
    statuses = {each.value: capfirst(str(each.label)) for each in Status}
    gates = {str(number): words.gate(number) for number in words.GATES}
    return lists.Frame(
        asked,
        [
            lists.by_project(asked, seen),
            lists.typed(asked, "agent", _("Agent")),
            lists.typed(asked, "tool", _("Tool")),
            lists.one_of(asked, "gate", _("Gate"), gates),
            lists.by_time(asked),
            lists.by_size(asked),
        ],
        lists.Empty(
            _("No calls yet"), _("Every call of a tool appears here, refused or not."), "hub"
        ),
        wrong,
        pills=lists.one_of(asked, "status", _("Status"), statuses),
    )
