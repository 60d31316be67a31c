"""Kill switches in the console: what is stopped, stopping more, and letting it go on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from awooop.console import accounts, answers
from awooop.console.gateway import banner, spelled, stops, words
from awooop.console.gateway.reading import Row
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import EVERYONE, Scope, pipe
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import PROJECT_ID, Role
from gateway import switches
from gateway.models import Level

_KEYED = (Level.AGENT.value, Level.TOOL.value)


class ThrowForm(forms.Form):
    """What to stop, and why."""

    level = forms.ChoiceField(
        label=gettext_lazy("What to stop"), choices=Level.choices, widget=forms.RadioSelect
    )
    project = forms.RegexField(
        label=gettext_lazy("Project"), regex=rf"^{PROJECT_ID.pattern}$", required=False
    )
    key = forms.CharField(
        label=gettext_lazy("Agent or tool"),
        max_length=301,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "known"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a level without its project or its name, and names that a level has not."""
        told = super().clean() or {}
        level = told.get("level")
        if level == Level.PLATFORM:
            told["project"] = PLATFORM
        elif level and not told.get("project") and "project" not in self.errors:
            self.add_error("project", _("Choose the project."))
        if level in _KEYED and not told.get("key"):
            self.add_error("key", _("Name the agent or the tool."))
        elif level and level not in _KEYED:
            told["key"] = ""
        return told


@dataclass(frozen=True, slots=True)
class SwitchRow:
    """A kill switch as the console shows it."""

    what: str
    level: str
    project: str
    key: str
    reason: str
    thrown_by: str
    armed: Moment
    is_thrown: bool
    lifted_by: str
    lifted: Moment | None
    lift_href: str


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show what is stopped now and what was."""
    person = accounts.person_of(request)
    scope = access.scope_of(person)
    if not scope:
        return answers.nothing(site, request)
    may_lift = access.scope_of(person, Role.ADMIN)
    with pipe() as p, p.operator_tx(scope):
        found, past = stops.standing(p)
    now = timezone.now()
    context = {
        "open": [_row(row, now, may_lift) for row in found],
        "past": [_row(row, now, ()) for row in past],
        "is_cut": len(past) == stops.MOST_PAST,
        "may_throw": bool(access.scope_of(person, Role.APPROVER)),
    }
    return admin.page(
        site, request, "console/gateway/switches.html", context, title=_("Kill switches")
    )


def throw(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask what to stop, say what that means, and stop it once that is confirmed."""
    mine = access.scope_of(accounts.person_of(request), Role.APPROVER)
    if not mine:
        raise PermissionDenied
    posted = request.method == "POST"
    form = ThrowForm(request.POST) if posted else ThrowForm(initial=_given(request))
    is_told = posted and form.is_valid()
    if is_told:
        _refuse_others(mine, form.cleaned_data["project"])
    if is_told and request.POST.get("confirmed") == _seal(form.cleaned_data):
        return _thrown(request, form.cleaned_data)
    context: dict[str, Any] = {"form": form, "seal": _seal(form.cleaned_data) if is_told else ""}
    if is_told:
        level, project, key = (form.cleaned_data[name] for name in ("level", "project", "key"))
        row = {"level": level, "project_id": project, "key": key}
        context |= {"what": banner.told(row), "is_known": _is_known(level, project, key)}
    else:
        context |= _choices(mine, form)
    template = "confirm_throw" if is_told else "throw"
    return admin.page(
        site,
        request,
        f"console/gateway/{template}.html",
        context,
        title=_("Throw this kill switch?") if is_told else _("Throw a kill switch"),
        crumbs=_crumbs(),
        status=422 if posted and not is_told else 200,
    )


def lift(site: AdminSite, request: HttpRequest, project_id: str, switch_id: str) -> HttpResponse:
    """Ask whether calls may start again, and let them."""
    person = accounts.person_of(request)
    try:
        identity = rest.read_uuid(switch_id)
    except Invalid:
        raise Http404 from None
    with pipe() as p, p.operator_tx(access.scope_of(person)):
        rows, _past = stops.standing(p)
    place = (project_id, identity)
    found = next((row for row in rows if (row["project_id"], row["switch_id"]) == place), None)
    if found is None:
        raise Http404
    mine = access.scope_of(person, Role.ADMIN)
    _refuse_others(mine, project_id)
    now = timezone.now()
    if request.method == "POST":
        switches.lift(identity, project_id=project_id, actor=actor_name(person), at=now)
        messages.success(request, _("The kill switch is lifted: calls may start again."))
        return redirect("admin:switches")
    return admin.page(
        site,
        request,
        "console/gateway/lift.html",
        {"switch": _row(found, now, mine)},
        title=_("Lift this kill switch?"),
        crumbs=_crumbs(),
    )


def _thrown(request: HttpRequest, told: dict[str, Any]) -> HttpResponse:
    switches.throw(
        Level(told["level"]),
        project_id=told["project"],
        key=told["key"],
        reason=told["reason"],
        actor=actor_name(accounts.person_of(request)),
        at=timezone.now(),
    )
    messages.success(request, _("The kill switch is thrown: no such call starts any more."))
    return redirect("admin:switches")


def _refuse_others(mine: Scope, project_id: str) -> None:
    """Let go on whoever decides for the project, or platform-wide for the platform.

    :raises PermissionDenied: they do not.
    """
    if not (mine == EVERYONE if project_id == PLATFORM else access.holds(mine, project_id)):
        raise PermissionDenied


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "")[:301] for name in ("level", "project", "key")}


def _choices(mine: Scope, form: ThrowForm) -> dict[str, Any]:
    with pipe() as p, p.operator_tx(mine):
        ids = [row[0] for row in p.send(_PROJECTS).fetchall()]
        agents, tools = stops.suggested(p)
    chosen = form["project"].value() or (ids[0] if len(ids) == 1 else "")
    levels = {each.value: words.level(each) for each in Level}
    if mine != EVERYONE:
        del levels[Level.PLATFORM.value]
    level = form["level"].value() or Level.PROJECT.value
    return {
        "levels": [admin.Choice(value, text, value == level) for value, text in levels.items()],
        "projects": [admin.Choice(name, name, name == chosen) for name in ids],
        "agents": agents,
        "tools": tools,
    }


_PROJECTS = "SELECT project_id FROM awooop_projects ORDER BY project_id LIMIT 500"


def _is_known(level: str, project_id: str, key: str) -> bool:
    """Tell whether an active contract names what is to be stopped; a switch may be early."""
    if level not in _KEYED:
        return True
    with pipe() as p, p.operator_tx({project_id}):
        agents, tools = stops.suggested(p)
    return key in (agents if level == Level.AGENT else tools)


def _seal(told: dict[str, Any]) -> str:
    return ":".join((told["level"], told["project"], told["key"]))


def _row(row: Row, now: datetime, may_lift: Scope) -> SwitchRow:
    is_platform = row["project_id"] == PLATFORM
    may = may_lift == EVERYONE if is_platform else access.holds(may_lift, row["project_id"])
    return SwitchRow(
        what=banner.told(row),
        level=words.level(row["level"]),
        project="" if is_platform else row["project_id"],
        key=spelled.plain(row["key"]),
        reason=spelled.plain(row["reason"]),
        thrown_by=row["thrown_by"],
        armed=Moment.of(row["armed_at"], now),
        is_thrown=row["thrown_at"] is not None,
        lifted_by=row["lifted_by"] or "",
        lifted=Moment.of(row["lifted_at"], now) if row["lifted_at"] else None,
        lift_href=reverse("admin:switch-lift", args=[row["project_id"], row["switch_id"]])
        if may and row["lifted_at"] is None
        else "",
    )


def _crumbs() -> list[Crumb]:
    return [Crumb(_("Kill switches"), reverse("admin:switches"))]
