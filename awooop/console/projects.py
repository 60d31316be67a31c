"""The projects a person may see, as the console lists them."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from awooop.console import accounts, answers
from awooop.console.wording import Badge
from awooop.kit import admin
from awooop.kit.db import Pipe, pipe
from awooop.tenants import access
from awooop.tenants.modes import Mode

MOST = 500
_COLUMNS = (
    "project_id, display_name, migration_mode, is_active, max_concurrent_runs, budget_limit_usd"
)
_SEEN = f"SELECT {_COLUMNS} FROM awooop_projects ORDER BY project_id LIMIT {MOST}"
_ONE = f"SELECT {_COLUMNS} FROM awooop_projects WHERE project_id = %s"
_TONES = {Mode.LEGACY: "quiet", Mode.SHADOW: "ghost", Mode.SUGGEST: "info", Mode.CANARY: "warn"}


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as the console shows it."""

    project_id: str
    display_name: str
    migration_mode: str
    is_active: bool
    max_concurrent_runs: int
    budget_limit_usd: Decimal | None

    @property
    def mode(self) -> Badge:
        """The mode's name in its colour."""
        return badge(Mode(self.migration_mode))

    @property
    def mode_means(self) -> str:
        """What the mode allows, in a sentence."""
        return str(Mode(self.migration_mode).label)

    @property
    def runs_href(self) -> str:
        """Where the project's runs are listed."""
        return reverse("admin:run-list") + admin.href({"project": self.project_id})

    @property
    def href(self) -> str:
        """The project's own page: its mode, and how often people agreed with its agents."""
        return reverse("admin:tenant", args=[self.project_id])


def badge(mode: Mode) -> Badge:
    """Return a mode's name in its colour."""
    name = str(mode.label).partition(":")[0].partition("：")[0]
    return Badge(capfirst(name), _TONES.get(mode, "live"), "tune")


def listing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List the projects a person may see."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    with pipe() as p, p.operator_tx(scope):
        found = seen(p)
    context = {"projects": found, "is_cut": len(found) == MOST}
    return admin.page(site, request, "console/tenants.html", context, title=_("Tenants"))


def one(p: Pipe, project_id: str) -> ProjectRow | None:
    """Return a project that the open transaction may see, or None."""
    row = p.send(_ONE, [project_id]).fetchone()
    return ProjectRow(*row) if row else None


def seen(p: Pipe) -> list[ProjectRow]:
    """Return the projects of the open transaction, by name."""
    return [ProjectRow(*row) for row in p.send(_SEEN).fetchall()]
