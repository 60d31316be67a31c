"""Effects: what may have changed the world, and saying what became of those nobody knows of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

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

from awooop.console import accounts, answers, lists, projects
from awooop.console.gateway import places, reading, spelled, words
from awooop.console.gateway.reading import Row
from awooop.console.wording import Badge
from awooop.errors import Conflict, Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb, Moment
from awooop.kit.db import Scope, pipe, tenant_tx
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Role
from gateway import effects, inquiry
from gateway.models import Outcome

OPEN = [Outcome.CLAIMED.value, Outcome.UNKNOWN.value]
SOURCE = reading.Source(
    table="awooop_tool_effect",
    key="effect_id",
    columns=(
        "effect_id",
        "project_id",
        "agent_id",
        "gateway_id",
        "tool_name",
        "environment",
        "outcome",
        "error_code",
        "note",
        "actor",
        "run_id",
        "resolved_by",
        "claimed_at",
        "expires_at",
        "resolved_at",
    ),
)
_MORE = ("trace_id", "arguments", "args_sha256", "action_sha256", "key", "ticket_id", "probe::text")
_VIEWS = {
    "open": (gettext_lazy("Outcome not known"), OPEN),
    "executed": (gettext_lazy("Executed"), [Outcome.EXECUTED.value]),
    "error": (gettext_lazy("Not executed"), [Outcome.ERROR.value]),
    "all": (gettext_lazy("All"), Outcome.values),
}
_LONGEST_NOTE = 500


class Asked(lists.Query[UUID]):
    """The query of the list."""

    view: Literal["open", "executed", "error", "all"] = "open"

    def reading(self, scope: Scope) -> reading.Asked:
        """Return what to read, within what the person may see."""
        return reading.Asked(
            scope=access.narrowed(scope, self.project),
            wanted={"outcome": _VIEWS[self.view][1]},
            older_than=self.older_than,
            newer_than=self.newer_than,
        )


class NoteForm(forms.Form):
    """What became of an effect, and how a person knows."""

    outcome = forms.ChoiceField(
        choices=(
            (Outcome.EXECUTED.value, gettext_lazy("It was executed")),
            (Outcome.ERROR.value, gettext_lazy("It was not executed")),
        ),
        label=gettext_lazy("What happened"),
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=gettext_lazy("How you know"),
        max_length=_LONGEST_NOTE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True)
class EffectRow:
    """An effect as the console shows it."""

    effect_id: str
    href: str
    tool: str
    gateway: str
    project: str
    agent: str
    environment: str
    outcome: Badge
    is_unknown: bool
    actor: str
    code: words.Coded | None
    run_id: str
    run_href: str
    claimed: Moment
    expires: Moment
    resolved: Moment | None
    resolved_by: str
    note: str


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the effects of the projects a person may see; those without an outcome at first."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong = lists.read(Asked, request)
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        found = reading.Page() if wrong else reading.page(p, SOURCE, asked.reading(scope))
    now = timezone.now()
    views = {name: str(label) for name, (label, _wanted) in _VIEWS.items()}
    frame = lists.Frame(
        asked,
        [lists.by_project(asked, seen)],
        _nothing(asked.view),
        wrong,
        pills=lists.one_of(asked, "view", _("Outcome"), views, every=None),
        pinned=["view"],
    )
    context = {
        "rows": [_row(row, now) for row in found.rows],
        **frame.context(older=found.older, newer=found.newer),
    }
    return admin.page(
        site,
        request,
        "console/gateway/effects.html",
        context,
        title=_("Effects"),
        status=frame.status,
    )


def detail(site: AdminSite, request: HttpRequest, project_id: str, effect_id: str) -> HttpResponse:
    """Show what is known of an effect."""
    found = _found(request, project_id, effect_id)
    may = _decides(request, found) and found["outcome"] == Outcome.UNKNOWN
    args = [project_id, found["effect_id"]]
    probe = found["probe::text"]
    context = {
        "effect": _row(found, timezone.now()),
        "arguments": spelled.parts(found["arguments"]),
        "facts": {name: found[name] for name in _MORE if name != "probe::text"},
        "probe": spelled.parts(probe) if probe else [],
        "gateway_href": places.gateway(found),
        "call_href": reverse("admin:call", args=args),
        "resolve_href": reverse("admin:effect-resolve", args=args) if may else "",
        "probe_href": reverse("admin:effect-probe", args=args) if may and probe else "",
    }
    return admin.page(
        site,
        request,
        "console/gateway/effect.html",
        context,
        title=_title(found),
        crumbs=_crumbs(),
    )


def resolve(site: AdminSite, request: HttpRequest, project_id: str, effect_id: str) -> HttpResponse:
    """Ask what became of an effect, ask whether that is meant, and write it down."""
    found = _found(request, project_id, effect_id)
    if not _decides(request, found):
        raise PermissionDenied
    here = reverse("admin:effect", args=[project_id, found["effect_id"]])
    form = NoteForm(request.POST if request.method == "POST" else None)
    is_told = form.is_valid()
    if is_told and request.POST.get("confirmed") == form.cleaned_data["outcome"]:
        with tenant_tx(project_id):
            effects.resolve(
                project_id,
                found["effect_id"],
                Outcome(form.cleaned_data["outcome"]),
                note=form.cleaned_data["note"],
                actor=actor_name(accounts.person_of(request)),
                at=timezone.now(),
            )
        messages.success(
            request, _("The outcome is written down; the same call may be made again.")
        )
        return redirect(here)
    context = {
        "effect": _row(found, timezone.now()),
        "form": form,
        "is_told": is_told,
        "told": words.outcome(form.cleaned_data["outcome"]) if is_told else None,
        "was_executed": is_told and form.cleaned_data["outcome"] == Outcome.EXECUTED,
        "back": here,
    }
    return admin.page(
        site,
        request,
        "console/gateway/resolve.html",
        context,
        title=_("Resolve"),
        crumbs=[*_crumbs(), Crumb(_title(found), here)],
        status=422 if request.method == "POST" and not is_told else 200,
    )


def probe(site: AdminSite, request: HttpRequest, project_id: str, effect_id: str) -> HttpResponse:
    """Ask the probe that the contract names what became of an effect."""
    found = _found(request, project_id, effect_id)
    if not _decides(request, found):
        raise PermissionDenied
    actor = actor_name(accounts.person_of(request))
    try:
        told = inquiry.ask(project_id, found["effect_id"], actor=actor, at=timezone.now())
    except Conflict as reason:
        told_so = _("The probe could not tell: the outcome is still unknown.")
        messages.warning(request, f"{told_so} {spelled.plain(reason.detail)}")
    else:
        name = words.outcome(told).text
        messages.success(request, _("The probe has answered: %(outcome)s") % {"outcome": name})
    return redirect("admin:effect", project_id, found["effect_id"])


def _nothing(view: str) -> lists.Empty:
    if view == "open":
        return lists.Empty(
            _("Every outcome is known"),
            _(
                "A call that may have changed something, and whose answer never came, waits here "
                "for a probe or for you."
            ),
            "check",
        )
    return lists.Empty(
        _("No effects here"),
        _("Every call that may change something is listed, from before it is sent."),
    )


def _found(request: HttpRequest, project_id: str, effect_id: str) -> Row:
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    try:
        identity = rest.read_uuid(effect_id)
    except Invalid:
        raise Http404 from None
    with pipe() as p, p.operator_tx(scope):
        found = reading.one(p, SOURCE, project_id, identity, *_MORE)
    if found is None:
        raise Http404
    return found


def _decides(request: HttpRequest, found: Row) -> bool:
    mine = access.scope_of(accounts.person_of(request), Role.APPROVER)
    return access.holds(mine, found["project_id"])


def _row(row: Row, now: datetime) -> EffectRow:
    run_id = str(row["run_id"]) if row["run_id"] else ""
    return EffectRow(
        effect_id=str(row["effect_id"]),
        href=reverse("admin:effect", args=[row["project_id"], row["effect_id"]]),
        tool=spelled.plain(row["tool_name"]),
        gateway=row["gateway_id"],
        project=row["project_id"],
        agent=spelled.plain(row["agent_id"]),
        environment=row["environment"],
        outcome=words.outcome(row["outcome"]),
        is_unknown=row["outcome"] == Outcome.UNKNOWN,
        actor=row["actor"],
        code=words.coded(row["error_code"]),
        run_id=run_id,
        run_href=reverse("admin:run", args=[run_id]) if run_id else "",
        claimed=Moment.of(row["claimed_at"], now),
        expires=Moment.of(row["expires_at"], now),
        resolved=Moment.of(row["resolved_at"], now) if row["resolved_at"] else None,
        resolved_by=row["resolved_by"] or "",
        note=spelled.plain(row["note"]),
    )


def _title(found: Row) -> str:
    return _("Effect …%(end)s") % {"end": str(found["effect_id"])[-8:]}


def _crumbs() -> list[Crumb]:
    return [Crumb(_("Effects"), reverse("admin:effects"))]
