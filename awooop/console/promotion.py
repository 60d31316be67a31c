"""A project's mode in the console: what people made of its agents' proposals, and moving it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals import agreement
from approvals.agreement import Agreement
from awooop.console import accounts, projects
from awooop.console.projects import ProjectRow
from awooop.console.wording import Badge
from awooop.errors import Code, Conflict
from awooop.kit import admin
from awooop.kit.admin import Crumb
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import access, modes
from awooop.tenants import projects as tenants
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role
from awooop.tenants.modes import Mode


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """How often people agreed with an agent about one tool, as the console shows it."""

    agent: str
    tool: str
    asked: int
    approved: int
    edited: int
    rejected: int
    expired: int
    share: str


@dataclass(frozen=True, slots=True)
class Move:
    """A mode the project may be moved to."""

    value: str
    badge: Badge
    means: str
    is_up: bool


def detail(site: AdminSite, request: HttpRequest, project_id: str) -> HttpResponse:
    """Show a project's mode, and how often people agreed with what its agents proposed."""
    project, rows = _found(request, project_id)
    context = {
        **_shown(project, rows),
        "moves": _moves(Mode(project.migration_mode)) if _decides(request, project_id) else [],
    }
    return admin.page(
        site, request, "console/tenant.html", context, title=project_id, crumbs=_crumbs()
    )


def change(site: AdminSite, request: HttpRequest, project_id: str) -> HttpResponse:
    """Ask whether a promotion or demotion is meant, and do it.

    :raises Conflict: the project has been moved meanwhile.
    """
    project, rows = _found(request, project_id)
    if not _decides(request, project_id):
        raise PermissionDenied
    was = Mode(project.migration_mode)
    asked = request.POST if request.method == "POST" else request.GET
    move = next((each for each in _moves(was) if each.value == asked.get("to")), None)
    if move is None or asked.get("was", was.value) != was.value:
        raise Conflict(Code.TENANT_MODE_STEP)
    if request.method == "POST":
        with tenant_tx(project_id):
            tenants.set_mode(
                project_id, Mode(move.value), actor=actor_name(accounts.person_of(request))
            )
        messages.success(request, _("Moved to: %(mode)s.") % {"mode": move.means})
        return redirect("admin:tenant", project_id)
    context = {**_shown(project, rows), "move": move, "was": was.value}
    title = _("Promote this project?") if move.is_up else _("Demote this project?")
    crumbs = [*_crumbs(), Crumb(project_id, project.href)]
    return admin.page(site, request, "console/mode.html", context, title=title, crumbs=crumbs)


def _found(request: HttpRequest, project_id: str) -> tuple[ProjectRow, list[Agreement]]:
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    with pipe() as p, p.operator_tx(scope):
        project = projects.one(p, project_id)
        if project is None:
            raise Http404
        return project, agreement.of(p, {project_id}, at=timezone.now())


def _decides(request: HttpRequest, project_id: str) -> bool:
    scope = access.scope_of(accounts.person_of(request), Role.ADMIN)
    return access.holds(scope, project_id)


def _shown(project: ProjectRow, rows: list[Agreement]) -> dict[str, Any]:
    return {
        "project": project,
        "agreement": [_row(each) for each in rows],
        "days": agreement.DAYS,
        "last": agreement.LAST,
    }


def _row(each: Agreement) -> AgreementRow:
    share = "–" if each.share is None else f"{int(each.share * 100)} %"  # never rounded up to all
    return AgreementRow(
        each.agent_id,
        each.tool_name,
        each.asked,
        each.approved,
        each.edited,
        each.rejected,
        each.expired,
        share,
    )


def _moves(was: Mode) -> list[Move]:
    return [
        Move(mode.value, projects.badge(mode), str(mode.label), mode.rank > was.rank)
        for mode in reversed(Mode)
        if modes.may_move(was, mode)
    ]


def _crumbs() -> list[Crumb]:
    return [Crumb(_("Tenants"), reverse("admin:tenants"))]
