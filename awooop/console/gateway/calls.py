"""The calls of tools: newest first, each with the gate that stopped it; and one of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, Field, field_validator, model_validator

from awooop.console import accounts, answers, projects, wording
from awooop.console.gateway import places, reading, spelled, words
from awooop.console.gateway.reading import Row
from awooop.console.wording import Badge
from awooop.errors import Invalid
from awooop.kit import admin, ids, rest
from awooop.kit.admin import Choice, Crumb, Moment
from awooop.kit.db import Scope, pipe
from awooop.kit.redaction import redact
from awooop.tenants import access
from gateway.models import Status

PER_PAGE = ("50", "100", "200")
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
_SINCE = {
    "hour": (timedelta(hours=1), gettext_lazy("Last hour")),
    "day": (timedelta(days=1), gettext_lazy("Last day")),
    "week": (timedelta(days=7), gettext_lazy("Last week")),
}
_NAMES = {
    "project": gettext_lazy("Project"),
    "agent": gettext_lazy("Agent"),
    "gateway": gettext_lazy("Provider"),
    "tool": gettext_lazy("Tool"),
    "status": gettext_lazy("Status"),
    "gate": gettext_lazy("Gate"),
    "since": gettext_lazy("Time"),
    "per_page": gettext_lazy("Per page"),
}


class Asked(BaseModel):
    """The query of the list, as it stands in the address."""

    project: places.ProjectId | None = None
    agent: places.Word | None = None
    gateway: places.Word | None = None
    tool: places.Word | None = None
    status: Status | None = None
    gate: Annotated[int, Field(ge=1, le=5)] | None = None
    since: Literal["hour", "day", "week"] | None = None
    per_page: Literal["50", "100", "200"] | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @field_validator("project", "agent", "gateway", "tool")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if redact(value) != value:
            raise ValueError("no name is a secret")  # the page repeats what it filters by
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "Asked":
        if self.older_than and self.newer_than:
            raise ValueError("a page is either older or newer")
        return self

    def reading(self, scope: Scope, now: datetime) -> reading.Asked:
        """Return what to read, within what the person may see."""
        return reading.Asked(
            scope=access.narrowed(scope, self.project),
            wanted={
                "agent_id": self.agent,
                "gateway_id": self.gateway,
                "tool_name": self.tool,
                "result_status": self.status.value if self.status else None,
                "block_gate": self.gate,
            },
            per_page=int(self.per_page or PER_PAGE[0]),
            older_than=self.older_than,
            newer_than=self.newer_than,
            not_before=ids.floor_id(now - _SINCE[self.since][0]) if self.since else None,
        )

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name: str(value) for name, value in values.items() if not name.endswith("_than")}


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
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    now = timezone.now()
    try:
        asked, faults = rest.read(Asked, query), []
    except Invalid as reason:
        asked, faults = Asked(), _faults(reason)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = reading.Page() if faults else reading.page(p, SOURCE, asked.reading(scope, now))
    context = {
        "rows": [_row(row, now) for row in found.rows],
        "faults": faults,
        **_filters(asked, [project.project_id for project in seen]),
        **_neighbours(asked, found),
    }
    return admin.page(
        site,
        request,
        "console/gateway/calls.html",
        context,
        title=_("Tool calls"),
        status=400 if faults else 200,
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


def _faults(reason: Invalid) -> list[str]:
    errors = cast(list[dict[str, str]], reason.facts["errors"])
    names = sorted({str(_NAMES.get(error["field"], _("Page"))) for error in errors})
    return [_("“%(name)s” has a value that cannot be used.") % {"name": name} for name in names]


def _filters(asked: Asked, seen: list[str]) -> dict[str, Any]:
    kept = asked.kept()
    known = seen if asked.project is None else sorted({*seen, asked.project})
    statuses = {each.value: capfirst(str(each.label)) for each in Status}
    gates = {str(number): words.gate(number) for number in words.GATES}
    since = {value: str(label) for value, (_length, label) in _SINCE.items()}
    return {
        "kept": kept,
        "agent": asked.agent or "",
        "tool": asked.tool or "",
        "statuses": admin.choices(kept, "status", _("All"), statuses),
        "gates": admin.choices(kept, "gate", _("All"), gates),
        "projects": admin.choices(kept, "project", _("All"), {name: name for name in known}),
        "sinces": admin.choices(kept, "since", _("Any time"), since),
        "per_pages": [Choice(n, n, n == (asked.per_page or PER_PAGE[0])) for n in PER_PAGE],
        "is_filtered": bool(kept.keys() - {"per_page"}),
    }


def _neighbours(asked: Asked, found: reading.Page) -> dict[str, str]:
    is_first = asked.older_than is None and asked.newer_than is None
    return admin.neighbours(asked.kept(), older=found.older, newer=found.newer, is_first=is_first)
