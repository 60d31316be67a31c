"""What people do with incidents and playbooks themselves: with a reason, kept as evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy

from approvals.operations import incidents, playbooks
from approvals.operations.models import Playbook, Status
from awooop.console.gateway.reading import Row
from awooop.kit.db import in_tx

Verb = Callable[[str, UUID, str, str, datetime], bool]


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that may be done, and its words.

    :param done: of the column that tells whether it is done, the value then.
    """

    kind: str
    name: str
    column: str
    done: str
    icon: str
    is_grave: bool
    button: Any
    question: Any
    means: Any
    yes: Any
    told: Any
    too_late: Any
    verb: Verb

    def is_open(self, row: Row) -> bool:
        """Tell whether there is anything left to do."""
        return bool(row[self.column] != self.done)

    def href(self, project_id: str, identity: object) -> str:
        """Return the address of the page that asks for it."""
        return reverse(f"admin:{self.kind}-act", args=[project_id, identity, self.name])


@in_tx
def _resolve(project_id: str, identity: UUID, actor: str, reason: str, at: datetime) -> bool:
    return incidents.resolve(project_id, identity, actor=actor, reason=reason, at=at)


@in_tx
def _approve(project_id: str, identity: UUID, actor: str, reason: str, at: datetime) -> bool:
    return playbooks.approve(project_id, identity, actor=actor, reason=reason)


@in_tx
def _retire(project_id: str, identity: UUID, actor: str, reason: str, at: datetime) -> bool:
    return playbooks.retire(project_id, identity, actor=actor, reason=reason)


RESOLVE = Deed(
    kind="incidents",
    name="resolve",
    column="status",
    done=Status.RESOLVED.value,
    icon="task_alt",
    is_grave=False,
    button=gettext_lazy("Mark as resolved"),
    question=gettext_lazy("Is this incident over?"),
    means=gettext_lazy(
        "It is marked as resolved by you, for good. What is still under way for it goes on."
    ),
    yes=gettext_lazy("Yes, it is over"),
    told=gettext_lazy("The incident is resolved."),
    too_late=gettext_lazy("It was resolved already."),
    verb=_resolve,
)
APPROVE = Deed(
    kind="playbooks",
    name="approve",
    column="standing",
    done=Playbook.Standing.APPROVED.value,
    icon="check",
    is_grave=False,
    button=gettext_lazy("Approve"),
    question=gettext_lazy("Offer this playbook?"),
    means=gettext_lazy(
        "It is offered for incidents like its own from now on. It executes nothing by itself."
    ),
    yes=gettext_lazy("Yes, offer it"),
    told=gettext_lazy("The playbook is approved."),
    too_late=gettext_lazy("It was approved already."),
    verb=_approve,
)
RETIRE = Deed(
    kind="playbooks",
    name="retire",
    column="standing",
    done=Playbook.Standing.RETIRED.value,
    icon="archive",
    is_grave=True,
    button=gettext_lazy("Retire"),
    question=gettext_lazy("Retire this playbook?"),
    means=gettext_lazy("It is offered no more, however well it helps, until a person approves it."),
    yes=gettext_lazy("Yes, retire it"),
    told=gettext_lazy("The playbook is retired."),
    too_late=gettext_lazy("It was retired already."),
    verb=_retire,
)
DEEDS: Mapping[tuple[str, str], Deed] = {
    (each.kind, each.name): each for each in (RESOLVE, APPROVE, RETIRE)
}


def of(kind: str, row: Row) -> list[Deed]:
    """Return what may still be done with a thing."""
    return [each for each in DEEDS.values() if each.kind == kind and each.is_open(row)]
