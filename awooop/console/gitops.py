"""Contracts from a folder: compared with what holds, applied, and written back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from awooop.errors import Code, Invalid, NotFound
from awooop.kit.db import tenant_tx
from awooop.tenants import keys, projects
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode
from contracts import comparison, folder, lifecycle
from contracts.comparison import Change
from contracts.folder import Document
from contracts.models import ContractRevision, Family, Lifecycle


@dataclass(frozen=True, slots=True)
class Difference:
    """How a document differs from the active revision of its contract, if there is one."""

    document: Document
    is_new: bool
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a folder did. ``api_key`` is a new project's first, shown once."""

    project_id: str
    revisions: list[ContractRevision]
    api_key: str | None

    @property
    def waiting(self) -> list[ContractRevision]:
        """Those that wait for signatures."""
        return [each for each in self.revisions if each.lifecycle_status != Lifecycle.ACTIVE]


def documents(home: Path) -> list[Document]:
    """Return the documents of a folder.

    :raises Invalid: anything is wrong with any; the fact ``faults`` has all of it, a line each.
    """
    found, faults = folder.read(home)
    if faults:
        raise Invalid(
            Code.CONTRACT_INVALID,
            f"{len(faults)} faults" if len(faults) > 1 else "1 fault",
            faults=[str(fault) for fault in faults],
        )
    return found


def project_of(found: list[Document], asked: str | None) -> str:
    """Return whose documents these are: the project asked for, or the one that they name.

    :raises Invalid: neither names one, or they name two.
    """
    named = {each.body["project_id"] for each in found if each.family == Family.PROJECT}
    named |= {asked} if asked else set()
    if len(named) != 1:
        what = "name one project: --project, or one contract under project/"
        raise Invalid(Code.TENANT_ID_INVALID, what)
    (project_id,) = named
    projects.check_id(project_id)
    return str(project_id)


def differences(project_id: str, found: list[Document]) -> Iterator[Difference]:
    """Yield the documents that are not what holds; opens its own transaction."""
    with tenant_tx(project_id):
        rows = ContractRevision.objects.filter(
            project_id=project_id, lifecycle_status=Lifecycle.ACTIVE
        )
        active = {(row.contract_family, row.contract_id): row.body for row in rows}
    for document in found:
        before = active.get((document.family, document.contract_id))
        changes = list(comparison.changes(before or {}, document.body))
        if before is None or changes:
            yield Difference(document, before is None, changes)


def apply(project_id: str, found: list[Document], *, actor: str, at: datetime) -> Applied:
    """Make a folder hold, all of it or none: a new project is brought on in shadow mode first.

    Opens and commits its own transaction.

    :raises Invalid: a body does not fit the project's other contracts.
    """
    with tenant_tx(project_id):
        api_key = None
        if not Project.objects.filter(project_id=project_id).exists():
            projects.create(
                project_id,
                display_name=_display_name(found) or project_id,
                mode=Mode.SHADOW,
                actor=actor,
                at=at,
            )
            _, api_key = keys.issue(project_id, name="first key", actor=actor, at=at)
        made = [
            lifecycle.install(
                project_id,
                document.family,
                document.contract_id,
                document.body,
                actor=actor,
                at=at,
            )
            for document in found
        ]
    return Applied(project_id, made, api_key)


def export(project_id: str, home: Path) -> int:
    """Write a project's active contracts into a folder; return how many.

    :raises NotFound: there is no such project.
    """
    with tenant_tx(project_id):
        projects.get(project_id)
        rows = list(
            ContractRevision.objects.filter(
                project_id=project_id, lifecycle_status=Lifecycle.ACTIVE
            )
        )
    kept = [
        Document(home, Family(row.contract_family), row.contract_id, dict[str, Any](row.body))
        for row in rows
    ]
    if not kept:
        raise NotFound(Code.CONTRACT_UNKNOWN, f"{project_id} has no active contract")
    folder.write(home, kept)
    return len(kept)


def _display_name(found: list[Document]) -> str:
    named = (each.body.get("display_name", "") for each in found if each.family == Family.PROJECT)
    return next(named, "")
