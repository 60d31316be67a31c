"""The console: an admin site for everyone who signs in, showing what their roles let them see."""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.sites import UnfoldAdminSite

from awooop.console import (
    accounts,
    addresses,
    answers,
    audit_list,
    home,
    projects,
    promotion,
    run_detail,
    run_list,
)
from awooop.console.approvals import deciding, history, inbox, sidebar
from awooop.console.budgets import detail as budget
from awooop.console.budgets import listing as budgets
from awooop.console.budgets import setting as budget_limit
from awooop.console.contracts import confirming as contract_acts
from awooop.console.contracts import detail as contract
from awooop.console.contracts import listing as contracts
from awooop.console.gateway import calls, effects, providers, switches, tools, waiting
from awooop.console.operations import acting
from awooop.console.operations import pages as operations
from awooop.errors import AwoooPError
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Operator

Page = Callable[..., HttpResponse]

_SHELVES = ("incidents", "operations", "playbooks", "knowledge")
_SHOWN_UNDER = {
    **{f"{kind}-one": f"admin:{kind}" for kind in _SHELVES},
    **{f"{kind}-act": f"admin:{kind}" for kind in _SHELVES},
    "run": "admin:run-list",
    "run-cancel": "admin:run-list",
    "approval": "admin:approvals",
    "approval-decide": "admin:approvals",
    "approval-history": "admin:approvals",
    "budget": "admin:budgets",
    "budget-limit": "admin:budgets",
    "tenant": "admin:tenants",
    "tenant-mode": "admin:tenants",
    "contract": "admin:contracts",
    "contract-act": "admin:contracts",
    "gateway": "admin:gateways",
    "gateway-waiting": "admin:gateways",
    "gateway-tool": "admin:gateways",
    "call": "admin:calls",
    "effect": "admin:effects",
    "effect-resolve": "admin:effects",
    "switch-throw": "admin:switches",
    "switch-lift": "admin:switches",
    "tenants_operator_add": "admin:tenants_operator_changelist",
    "tenants_operator_change": "admin:tenants_operator_changelist",
    "auth_user_password_change": "admin:tenants_operator_changelist",
}


class ConsoleSite(UnfoldAdminSite):
    """The operators' site.

    Every active account may sign in. What it then sees of tenants is decided by its platform-wide
    role and its memberships alone: ``is_staff`` and ``is_superuser`` open no tenant. A person with
    neither role nor membership is told so.
    """

    login_form = accounts.SignInForm
    logout_template = "console/signed_out.html"
    password_change_template = "console/password_change.html"  # noqa: S105 - a file's name
    password_change_done_template = "console/password_changed.html"  # noqa: S105

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person may open the console at all."""
        return request.user.is_active

    def extra_urls(self) -> list[URLPattern]:
        """Return our own pages, before those of the models."""
        act = require_http_methods(["GET", "HEAD", "POST"])
        return [
            self._path("runs/", run_list.listing, "run-list"),
            self._path("runs/<str:run_id>/", run_detail.detail, "run"),
            self._path("runs/<str:run_id>/cancel/", run_detail.cancel, "run-cancel", act),
            self._path("budgets/", budgets.listing, "budgets"),
            self._path("budgets/<str:project_id>/", budget.detail, "budget"),
            self._path("budgets/<str:project_id>/limit/", budget_limit.change, "budget-limit", act),
            self._path("contracts/", contracts.listing, "contracts"),
            self._path("contracts/<str:revision_id>/", contract.detail, "contract"),
            self._path(
                "contracts/<str:revision_id>/<str:act>/", contract_acts.confirm, "contract-act", act
            ),
            self._path("audit/", audit_list.listing, "audit"),
            self._path("tenants/", projects.listing, "tenants"),
            *self._approval_urls(),
            *(url for kind in _SHELVES for url in self._shelf_urls(kind)),
            self._path("projects/<slug:project_id>/", promotion.detail, "tenant"),
            self._path("projects/<slug:project_id>/mode/", promotion.change, "tenant-mode", act),
            *self._gateway_urls(),
        ]

    def _approval_urls(self) -> list[URLPattern]:
        act, at = require_http_methods(["GET", "HEAD", "POST"]), "approvals/<str:project_id>/"
        one = f"{at}<str:approval_id>/"
        return [
            self._path("approvals/", inbox.listing, "approvals"),
            self._path("approvals/history/", history.listing, "approval-history"),
            self._path(one, deciding.detail, "approval"),
            self._path(f"{one}<str:decision>/", deciding.decide, "approval-decide", act),
        ]

    def _shelf_urls(self, kind: str) -> list[URLPattern]:
        one = f"{kind}/<str:project_id>/<str:identity>/"
        asks, act = partial(acting.act, kind=kind), require_http_methods(["GET", "HEAD", "POST"])
        return [
            self._path(f"{kind}/", partial(operations.listing, kind=kind), kind),
            self._path(one, partial(operations.one, kind=kind), f"{kind}-one"),
            self._path(f"{one}<str:deed>/", asks, f"{kind}-act", act),
        ]

    def _gateway_urls(self) -> list[URLPattern]:
        act, only = require_http_methods(["GET", "HEAD", "POST"]), require_POST
        at = "gateways/<str:project_id>/<str:gateway_id>/"
        effect, switch = "effects/<str:project_id>/<str:effect_id>/", "switches/"
        return [
            self._path("gateways/", providers.listing, "gateways"),
            self._path("quarantine/", waiting.listing, "gateway-waiting"),
            self._path(at, providers.detail, "gateway"),
            self._path(f"{at}refresh/", providers.refresh, "gateway-refresh", only),
            self._path(f"{at}tools/<path:tool_name>/", tools.detail, "gateway-tool"),
            self._path(f"{at}release/<path:tool_name>/", tools.release, "gateway-release", only),
            self._path(f"{at}suspend/<path:tool_name>/", tools.suspend, "gateway-suspend", only),
            self._path("calls/", calls.listing, "calls"),
            self._path("calls/<str:project_id>/<str:call_id>/", calls.detail, "call"),
            self._path("effects/", effects.listing, "effects"),
            self._path(effect, effects.detail, "effect"),
            self._path(f"{effect}resolve/", effects.resolve, "effect-resolve", act),
            self._path(f"{effect}probe/", effects.probe, "effect-probe", only),
            self._path(switch, switches.listing, "switches"),
            self._path(f"{switch}throw/", switches.throw, "switch-throw", act),
            self._path(
                f"{switch}<str:project_id>/<str:switch_id>/lift/", switches.lift, "switch-lift", act
            ),
        ]

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Let a person change their own password, in their own name."""
        accounts.person_of(request).changed_by = actor_name(request.user)
        return super().password_change(request, extra_context)

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the overview."""
        return home.overview(self, request)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Sign a person in, unless that leaves no evidence.

        Where they were going is forgotten if that address holds a secret.
        """
        going = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME, ""))
        if not addresses.may_be_shown(going):
            return redirect("admin:login")
        try:
            return super().login(request, extra_context)
        except AwoooPError as reason:
            return answers.coded(self, request, reason.code)

    def admin_view(self, view: Page, cacheable: bool = False) -> Page:
        """Answer what a page refuses with pages of our own."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                if "\x00" in request.path:
                    raise Http404
                return view(request, *args, **kwargs)
            except Http404:
                return answers.missing(self, request)
            except PermissionDenied:
                return answers.refused(self, request)
            except AwoooPError as reason:
                return answers.coded(self, request, reason.code)

        return super().admin_view(update_wrapper(guarded, view), cacheable)

    def _path(
        self, route: str, page: Page, name: str, methods: Callable[[Page], Page] = require_safe
    ) -> URLPattern:
        return path(route, self.admin_view(methods(partial(page, self))), name=name)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar's entries."""
    entries = [
        (_("Overview"), "dashboard", "admin:index"),
        (_("Approvals"), "how_to_reg", "admin:approvals"),
        (_("Incidents"), "crisis_alert", "admin:incidents"),
        (_("Operation log"), "receipt_long", "admin:operations"),
        (_("Runs"), "play_circle", "admin:run-list"),
        (_("Contracts"), "contract", "admin:contracts"),
        (_("Tool gateways"), "hub", "admin:gateways"),
        (_("Tool calls"), "swap_calls", "admin:calls"),
        (_("Effects"), "published_with_changes", "admin:effects"),
        (_("Kill switches"), "dangerous", "admin:switches"),
        (_("Playbooks"), "menu_book", "admin:playbooks"),
        (_("Knowledge"), "school", "admin:knowledge"),
        (_("Budgets"), "payments", "admin:budgets"),
        (_("Tenants"), "domain", "admin:tenants"),
        (_("Audit"), "verified_user", "admin:audit"),
    ]
    if accounts.may_manage(request):
        entries.append((_("Accounts"), "group", "admin:tenants_operator_changelist"))
    here = request.resolver_match.url_name or "" if request.resolver_match else ""
    counts = {"admin:approvals": sidebar.told(sidebar.waiting(request))}
    items = [
        {
            "title": title,
            "icon": icon,
            "link": reverse_lazy(name),
            "count": counts.get(name, ""),
            "active": _SHOWN_UNDER.get(here) == name or f"admin:{here}" == name,
        }
        for title, icon, name in entries
    ]
    return [{"title": "", "items": items}]


site = ConsoleSite(name="admin")
site.register(Operator, accounts.OperatorAdmin)
