"""Setting and clearing a limit in the console: a form, what it would change, and the change."""

from dataclasses import dataclass
from decimal import Decimal
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

from awooop.console import accounts
from awooop.console.budgets import figures
from awooop.kit import admin
from awooop.kit.admin import Crumb
from awooop.kit.db import pipe, tenant_tx
from awooop.ledger import limits, queries
from awooop.ledger.limits import Limit, Place
from awooop.ledger.models import Level, Period
from awooop.tenants import access
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import PROJECT_ID, Role

PLACES = (
    ("project:day", gettext_lazy("Project, per day")),
    ("project:month", gettext_lazy("Project, per month")),
    ("agent:day", gettext_lazy("Agent, per day")),
    ("agent:month", gettext_lazy("Agent, per month")),
    ("run:total", gettext_lazy("Run, in total")),
)
SET, CLEAR = "set", "clear"


class LimitForm(forms.Form):
    """Where a limit stands and how much it allows; ``act`` says whether to set or to clear it."""

    place = forms.ChoiceField(label=gettext_lazy("Whose, and how long"), choices=PLACES)
    agent = forms.RegexField(
        label=gettext_lazy("Agent"),
        regex=rf"^{limits.AGENT.pattern}$",
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty: each agent by itself."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    usd = forms.DecimalField(
        label="USD",
        required=False,
        min_value=Decimal(0),
        max_value=limits.MOST_USD,
        max_digits=20,
        decimal_places=10,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )
    tokens = forms.IntegerField(
        label=gettext_lazy("Tokens"), required=False, min_value=0, max_value=limits.MOST_TOKENS
    )
    act = forms.ChoiceField(choices=((SET, SET), (CLEAR, CLEAR)), widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Refuse an agent on a project's limit, and a limit of nothing."""
        told = super().clean() or {}
        if told.get("place", "").startswith(Level.PROJECT) and told.get("agent"):
            self.add_error("agent", _("A limit of the whole project names no agent."))
        wants_some = told.get("act") == SET and not {"usd", "tokens"} & self.errors.keys()
        if wants_some and told.get("usd") is None and told.get("tokens") is None:
            self.add_error("usd", _("Name USD, tokens or both, or clear the limit."))
        return told

    def wanted(self) -> tuple[Place, Limit | None]:
        """Return where the limit stands, and how much it is to allow; None clears it."""
        told = self.cleaned_data
        scope, _colon, period = told["place"].partition(":")
        place = Place(scope=Level(scope), period=Period(period), agent_id=told["agent"])
        if told["act"] == CLEAR:
            return place, None
        return place, limits.checked(place, Limit(told["usd"], told["tokens"]))


@dataclass(frozen=True, slots=True)
class Change:
    """What a person is asked to confirm."""

    place: str
    was: str
    now: str
    seen: str
    warnings: list[str]


def change(site: AdminSite, request: HttpRequest, project_id: str) -> HttpResponse:
    """Ask for a limit, show what it would change, and change it once that is confirmed."""
    _refuse_others(request, project_id)
    form = (
        LimitForm(request.POST) if request.method == "POST" else LimitForm(initial=_given(request))
    )
    if not form.is_valid():
        return _page(site, request, project_id, "change", {"form": form}, _("Set a limit"))
    place, limit = form.wanted()
    actor = actor_name(accounts.person_of(request))
    with tenant_tx(project_id):
        was = limits.standing(project_id, place)
        is_confirmed = request.POST.get("seen") == _seen(was)
        if is_confirmed and limit is None:
            limits.clear(project_id, place, actor=actor)
        elif is_confirmed and limit is not None:
            limits.put(project_id, place, limit, actor=actor, at=timezone.now())
    if is_confirmed or was == limit:
        return _done(request, project_id, was, limit)
    context = {
        "form": form,
        "change": _change(project_id, place, was, limit),
        "is_stale": "seen" in request.POST,
        "is_clearing": limit is None,
    }
    title = _("Set this limit?") if limit else _("Clear this limit?")
    return _page(site, request, project_id, "confirm", context, title)


def _refuse_others(request: HttpRequest, project_id: str) -> None:
    person = accounts.person_of(request)
    known = PROJECT_ID.fullmatch(project_id) and access.holds(access.scope_of(person), project_id)
    if not known:
        raise Http404
    with pipe() as p, p.operator_tx({project_id}):
        pairs, _more = queries.standings(p, project_id=project_id)
    if not pairs:
        raise Http404
    if not access.holds(access.scope_of(person, Role.ADMIN), project_id):
        raise PermissionDenied


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "") for name in ("place", "agent", "usd", "tokens")}


def _done(
    request: HttpRequest, project_id: str, was: Limit | None, limit: Limit | None
) -> HttpResponse:
    if was == limit:
        messages.info(request, _("Nothing changed: it was so already."))
    elif limit is None:
        messages.success(request, _("The limit is cleared."))
    else:
        messages.success(request, _("The limit is set and holds from now on."))
    return redirect("admin:budget", project_id)


def _change(project_id: str, place: Place, was: Limit | None, limit: Limit | None) -> Change:
    with pipe() as p, p.operator_tx({project_id}):
        rows = queries.levels(p, project_id, place.agent_id)
        (pair, *_rest), _more = queries.standings(p, project_id=project_id)
    counted = next(
        (row for row in rows if (row["level"], row["period"]) == (place.scope, place.period)), None
    )
    return Change(
        place=figures.place(place.scope, place.period, place.agent_id),
        was=_words(was),
        now=_words(limit),
        seen=_seen(was),
        warnings=[
            *_spent_already(counted, limit),
            *_under_ceiling(place, limit, pair[0]["ceiling_usd"]),
        ],
    )


def _spent_already(counted: dict[str, Any] | None, limit: Limit | None) -> list[str]:
    if counted is None or limit is None:
        return []
    then = {**counted, "limit_usd": limit.usd, "limit_tokens": limit.tokens}
    if not any(figures.left(then, unit) == 0 for unit in ("usd", "tokens")):
        return []
    return [_("That much is spent or reserved already: calls are refused until the period ends.")]


def _under_ceiling(place: Place, limit: Limit | None, ceiling: Decimal | None) -> list[str]:
    is_month = (place.scope, place.period) == (Level.PROJECT, Period.MONTH)
    usd = limit.usd if limit else None
    if not is_month or ceiling is None or (usd is not None and usd <= ceiling):
        return []
    amount = figures.exactly(ceiling)
    return [
        _("The platform's ceiling of %(amount)s USD a month holds all the same.")
        % {"amount": amount}
    ]


def _words(limit: Limit | None) -> str:
    return figures.limit(limit.usd, limit.tokens) if limit else _("No limit")


def _seen(limit: Limit | None) -> str:
    return f"{figures.plain(limit.usd)}/{limit.tokens}" if limit else "none"


def _page(
    site: AdminSite,
    request: HttpRequest,
    project_id: str,
    template: str,
    context: dict[str, Any],
    title: str,
) -> HttpResponse:
    crumbs = [
        Crumb(_("Budgets"), reverse("admin:budgets")),
        Crumb(project_id, reverse("admin:budget", args=[project_id])),
    ]
    context = {**context, "project_id": project_id}
    return admin.page(
        site, request, f"console/budgets/{template}.html", context, title=title, crumbs=crumbs
    )
