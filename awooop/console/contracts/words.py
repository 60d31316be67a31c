"""How contracts are told to people: families, where a revision stands, and its name."""

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from awooop.console.wording import Badge
from awooop.kit.admin import Crumb
from contracts.models import ContractRevision, Family, Lifecycle

FAMILIES = {
    Family.PROJECT: gettext_lazy("Project"),
    Family.AGENT: gettext_lazy("Agent"),
    Family.POLICY: gettext_lazy("Policy"),
    Family.MCP_GATEWAY: gettext_lazy("Tool gateway"),
    Family.CHANNEL_EVENT: gettext_lazy("Channel event"),
    Family.RUNTIME_RUN_STATE: gettext_lazy("States of runs"),
}
_STATUSES = {
    Lifecycle.DRAFT: ("quiet", "edit"),
    Lifecycle.PUBLISHED: ("info", "publish"),
    Lifecycle.ACTIVE: ("good", "check"),
    Lifecycle.RETIRED: ("quiet", "history"),
}


def family(value: str) -> str:
    """Return the name of a family."""
    return str(FAMILIES[Family(value)])


def status(value: str) -> Badge:
    """Return the badge of where a revision stands."""
    return Badge(capfirst(str(Lifecycle(value).label)), *_STATUSES[Lifecycle(value)])


def title(revision: ContractRevision) -> str:
    """Return a revision's name: its contract, and its version once it has one."""
    facts = {"name": revision.contract_id, "version": revision.version}
    if revision.version:
        return _("Contract %(name)s, version %(version)s") % facts
    return _("Contract %(name)s, draft") % facts


def crumbs() -> list[Crumb]:
    """Return the pages above a revision."""
    return [Crumb(_("Contracts"), reverse("admin:contracts"))]
