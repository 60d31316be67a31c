"""One tool: what was released beside what its server sends, and letting agents use it or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from awooop.console import accounts
from awooop.console.gateway import inventory, places, spelled, words
from awooop.console.gateway.reading import Row
from awooop.console.gateway.spelled import Part
from awooop.errors import Code, Conflict
from awooop.kit import admin
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import pipe, tenant_tx
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role
from contracts import queries as contracts
from gateway import registry
from gateway.models import Standing, Tool

_COMPARED = ("definition", "instructions", "seen", "seen_instructions")
_WAITING = (Standing.QUARANTINED, Standing.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Warned:
    """Something in a definition that a reader should know of."""

    where: str
    kind: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: ``in``, ``out``, ``at`` (which lines) or ``same``."""

    kind: str
    parts: list[Part]


def detail(
    site: AdminSite, request: HttpRequest, project_id: str, gateway_id: str, tool_name: str
) -> HttpResponse:
    """Show a tool."""
    return _page(site, request, _found(request, project_id, gateway_id, tool_name))


def release(
    site: AdminSite, request: HttpRequest, project_id: str, gateway_id: str, tool_name: str
) -> HttpResponse:
    """Let agents use a tool as the person has just seen it."""
    found = _found(request, project_id, gateway_id, tool_name)
    _refuse_but_admins(request, found)
    try:
        with tenant_tx(project_id):
            registry.release(
                project_id,
                gateway_id,
                tool_name,
                pin_sha256=request.POST.get("pin", ""),
                actor=actor_name(accounts.person_of(request)),
                at=timezone.now(),
            )
    except Conflict as reason:
        if reason.code is not Code.TOOL_CHANGED:
            raise
        changed = _found(request, project_id, gateway_id, tool_name)
        return _page(site, request, changed, is_stale=True)
    messages.success(request, _("The tool is released."))
    return redirect(places.tool(found))


def suspend(
    site: AdminSite, request: HttpRequest, project_id: str, gateway_id: str, tool_name: str
) -> HttpResponse:
    """Take a tool from agents until it is released again."""
    found = _found(request, project_id, gateway_id, tool_name)
    _refuse_but_admins(request, found)
    with tenant_tx(project_id):
        registry.suspend(
            project_id,
            gateway_id,
            tool_name,
            actor=actor_name(accounts.person_of(request)),
            at=timezone.now(),
        )
    messages.success(request, _("The tool is suspended: agents cannot call it."))
    return redirect(places.tool(found))


def _found(request: HttpRequest, *place: str) -> Row:
    project_id, gateway_id, tool_name = place
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    with pipe() as p, p.operator_tx(scope):
        found = inventory.tool(p, (project_id, gateway_id, tool_name))
    if found is None:
        raise Http404
    return found


def _decides(request: HttpRequest, found: Row) -> bool:
    mine = access.scope_of(accounts.person_of(request), Role.ADMIN)
    return access.holds(mine, found["project_id"])


def _refuse_but_admins(request: HttpRequest, found: Row) -> None:
    if not _decides(request, found):
        raise PermissionDenied


def _page(
    site: AdminSite, request: HttpRequest, found: Row, *, is_stale: bool = False
) -> HttpResponse:
    bodies = contracts.of_project(found["project_id"])
    declared = inventory.contracted(bodies, found["gateway_id"]).get(found["tool_name"])
    name = spelled.plain(found["tool_name"])
    may = _decides(request, found)
    context = {
        **_facts(found, declared, timezone.now()),
        "name": name,
        "is_stale": is_stale,
        "warnings": [_warned(each) for each in found["warnings"]],
        "lines": _lines(found),
        "seen": spelled.parts(spelled.pretty(found["seen"])),
        "instructions": spelled.parts(found["seen_instructions"]),
        "is_waiting": found["standing"] in _WAITING,
        "may_release": may and found["standing"] in _WAITING,
        "may_suspend": may and found["standing"] == Standing.RELEASED,
        "release_href": places.tool(found, "release"),
        "suspend_href": places.tool(found, "suspend"),
    }
    return admin.page(
        site,
        request,
        "console/gateway/tool.html",
        context,
        title=_("Tool %(name)s") % {"name": name},
        crumbs=places.crumbs(Crumb(found["gateway_id"], places.gateway(found))),
        status=409 if is_stale else 200,
    )


def _facts(found: Row, declared: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    times = ("first_seen_at", "last_seen_at", "released_at")
    return {
        "project": found["project_id"],
        "gateway": found["gateway_id"],
        "gateway_href": places.gateway(found),
        "standing": words.standing(found["standing"]),
        "verdict": words.verdict(found["tool_name"], declared, found["annotations"]),
        "is_contracted": declared is not None,
        "pin": found["pin_sha256"],
        "seen_pin": found["seen_sha256"],
        "renamed_from": spelled.plain(found["renamed_from"] or ""),
        "released_by": found["released_by"],
        "suspended_by": found["suspended_by"],
        **{each: Moment.of(found[each], now) if found[each] else None for each in times},
    }


def _warned(warning: Mapping[str, Any]) -> Warned:
    return Warned(
        where=spelled.plain(str(warning.get("where", ""))),
        kind=words.warning(str(warning.get("kind", ""))),
        excerpt=spelled.plain(str(warning.get("excerpt", ""))),
    )


def _lines(found: Row) -> list[Line]:
    """Return how what is seen differs from what was released; nothing where nothing was."""
    if found["definition"] is None or found["pin_sha256"] == found["seen_sha256"]:
        return []
    text = registry.of_tool(Tool(**{name: found[name] for name in _COMPARED}))
    return [Line(_kind(line), spelled.parts(line)) for line in text.split("\n")[2:]]


def _kind(line: str) -> str:
    return {"+": "in", "-": "out", "@": "at"}.get(line[:1], "same")
