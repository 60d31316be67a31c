"""The providers of the projects a person may see, one of them, and listing it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import Field

from awooop.console import accounts, answers, lists, projects
from awooop.console.gateway import inventory, places, spelled, words
from awooop.console.gateway.reading import Row
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.admin import Moment
from awooop.kit.db import Pipe, pipe
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role
from contracts import queries as contracts
from gateway import registry


class Asked(lists.Query[UUID]):
    """The query of the list, whose pages go by project and name."""

    after: Annotated[str, Field(pattern=r"^[^\x00/]{1,64}/[^\x00/]{1,100}$")] = ""

    def page(self, p: Pipe) -> tuple[list[Row], tuple[str, str] | None]:
        """Return a page, and where the next one begins, if there is one."""
        project_id, _slash, name = self.after.partition("/")
        return inventory.providers(
            p, project_id=self.project, after=(project_id, name), per_page=inventory.PER_PAGE
        )


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider as the console shows it."""

    name: str
    project: str
    href: str
    server: str
    transport: str
    tools: int
    released: int
    waiting: int
    warnings: int
    state: Badge
    fault: words.Coded | None
    detail: str
    tried: Moment | None
    listed: Moment | None


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool as a provider's page shows it."""

    name: str
    href: str
    standing: Badge
    verdict: Badge | None
    is_contracted: bool
    warnings: int
    last_seen: Moment


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List the providers of every project that a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(Asked, request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        rows, more = ([], None) if wrong else asked.page(p)
    now = timezone.now()
    nothing = lists.Empty(
        _("No providers yet"), _("A provider appears here with its gateway contract."), "hub"
    )
    frame = lists.Frame(asked, [lists.by_project(asked, seen)], nothing, wrong)
    context = {
        "rows": [_row(row, now) for row in rows],
        **frame.context(older="", newer=""),
        "newest": admin.href(asked.kept()) if asked.after else "",
        "next": admin.href(asked.kept(), after="/".join(more)) if more else "",
    }
    return admin.page(
        site,
        request,
        "console/gateway/providers.html",
        context,
        title=_("Tool gateways"),
        status=frame.status,
    )


def detail(site: AdminSite, request: HttpRequest, project_id: str, gateway_id: str) -> HttpResponse:
    """Show a provider: its server, its tools, what its server says of itself."""
    found, rows = _found(request, project_id, gateway_id)
    declared = inventory.contracted(contracts.of_project(project_id), gateway_id)
    now = timezone.now()
    seen = {row["tool_name"] for row in rows}
    context = {
        "provider": _row(found, now),
        "faults": [spelled.plain(fault) for fault in found["faults"]],
        "instructions": spelled.parts(found["instructions"]),
        "tools": [_tool(row, declared, now) for row in rows],
        "unseen": sorted(declared.keys() - seen),
        "project_href": reverse("admin:gateways") + admin.href({"project": project_id}),
        "calls_href": reverse("admin:calls")
        + admin.href({"project": project_id, "gateway": gateway_id}),
        "refresh_href": reverse("admin:gateway-refresh", args=[project_id, gateway_id])
        if found["transport"] and _may_refresh(request, found)
        else "",
    }
    return admin.page(
        site,
        request,
        "console/gateway/provider.html",
        context,
        title=_("Provider %(name)s") % {"name": gateway_id},
        crumbs=places.crumbs(),
    )


def refresh(
    site: AdminSite, request: HttpRequest, project_id: str, gateway_id: str
) -> HttpResponse:
    """Ask a provider's server for its tools now."""
    found, _rows = _found(request, project_id, gateway_id)
    if not _may_refresh(request, found):
        raise PermissionDenied
    registry.refresh(
        project_id,
        gateway_id,
        actor=actor_name(accounts.person_of(request)),
        at=timezone.now(),
    )
    after, _rows = _found(request, project_id, gateway_id)
    if code := words.coded(after["error_code"]):
        messages.error(request, _("The server could not be listed: %(why)s") % {"why": code.title})
    else:
        messages.success(request, _("The server was listed again."))
    return redirect("admin:gateway", project_id, gateway_id)


def _found(request: HttpRequest, project_id: str, gateway_id: str) -> tuple[Row, list[Row]]:
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    with pipe() as p, p.operator_tx(scope):
        found = inventory.provider(p, project_id, gateway_id)
        rows, _more = inventory.tools(p, project_id=project_id, gateway_id=gateway_id)
    if found is None:
        raise Http404
    return found, rows


def _may_refresh(request: HttpRequest, found: Row) -> bool:
    mine = access.scope_of(accounts.person_of(request), Role.ADMIN)
    return bool(found["is_active"]) and access.holds(mine, found["project_id"])


def _row(row: Row, now: datetime) -> ProviderRow:
    version = f"{row['server_name'] or ''} {row['server_version'] or ''}".strip()
    return ProviderRow(
        name=row["gateway_id"],
        project=row["project_id"],
        href=reverse("admin:gateway", args=[row["project_id"], row["gateway_id"]]),
        server=spelled.plain(version),
        transport=row["transport"] or "",
        tools=row["tools"],
        released=row["released"],
        waiting=row["waiting"],
        warnings=row["warnings"],
        state=_state(row),
        fault=words.coded(row["error_code"]),
        detail=spelled.plain(row["error_detail"] or ""),
        tried=Moment.of(row["tried_at"], now) if row["tried_at"] else None,
        listed=Moment.of(row["listed_at"], now) if row["listed_at"] else None,
    )


def _state(row: Row) -> Badge:
    if not row["is_active"]:
        return Badge(_("No active contract"), "quiet", "history")
    if row["error_code"]:
        return Badge(_("Cannot be listed"), "bad", "error")
    if row["listed_at"] is None:
        return Badge(_("Never listed"), "quiet", "schedule")
    if row["faults"]:
        return Badge(_("Listed with faults"), "warn", "warning")
    return Badge(_("Listed"), "good", "check")


def _tool(row: Row, declared: Any, now: datetime) -> ToolRow:
    name = row["tool_name"]
    return ToolRow(
        name=spelled.plain(name),
        href=places.tool(row),
        standing=words.standing(row["standing"]),
        verdict=words.verdict(name, declared.get(name), row["annotations"]),
        is_contracted=name in declared,
        warnings=len(row["warnings"]),
        last_seen=Moment.of(row["last_seen_at"], now),
    )
