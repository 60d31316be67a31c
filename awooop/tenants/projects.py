"""Projects: brought on, promoted, demoted."""

from datetime import datetime

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Conflict, Invalid, NotFound, Refused
from awooop.kit.db import in_tx
from awooop.tenants import modes
from awooop.tenants.models import PROJECT_ID, Project
from awooop.tenants.modes import Mode


def check_id(project_id: str) -> None:
    """Accept a well-formed project id.

    :raises Invalid: it is not one.
    """
    if PROJECT_ID.fullmatch(project_id) is None:
        raise Invalid(Code.TENANT_ID_INVALID, f"{project_id!r:.80} cannot be a project id")


@in_tx
def create(project_id: str, *, display_name: str, mode: Mode, actor: str, at: datetime) -> Project:
    """Bring a project on.

    :raises Invalid: the id is malformed.
    :raises Conflict: it exists.
    """
    check_id(project_id)
    project, is_new = Project.objects.get_or_create(
        project_id=project_id,
        defaults={"display_name": display_name, "migration_mode": mode, "created_at": at},
    )
    if not is_new:
        raise Conflict(Code.TENANT_EXISTS, f"{project_id} exists already")
    sink.record(
        project_id,
        Act.PROJECT_ONBOARDED,
        actor=actor,
        target=("project", project_id),
        facts={"display_name": display_name, "mode": mode.value},
    )
    return project


@in_tx
def get(project_id: str) -> Project:
    """Return the transaction's own project.

    :raises NotFound: there is none of that id.
    """
    project = Project.objects.filter(project_id=project_id).first()
    if project is None:
        raise NotFound(Code.TENANT_UNKNOWN, f"no project {project_id!r:.80}")
    return project


@in_tx
def set_mode(project_id: str, mode: Mode, *, actor: str) -> tuple[Mode, Mode]:
    """Promote by one step or demote by any; return where it was and where it is.

    :raises NotFound: no such project.
    :raises Conflict: more than one step up.
    """
    project = Project.objects.select_for_update().filter(project_id=project_id).first()
    if project is None:
        raise NotFound(Code.TENANT_UNKNOWN, f"no project {project_id!r:.80}")
    was = Mode(project.migration_mode)
    if was is mode:
        return was, mode
    if not modes.may_move(was, mode):
        raise Conflict(Code.TENANT_MODE_STEP, f"{was.value} cannot become {mode.value} in one step")
    project.migration_mode = mode
    project.save(update_fields=["migration_mode"])
    sink.record(
        project_id,
        Act.PROJECT_MODE_SET,
        actor=actor,
        target=("project", project_id),
        facts={"was": was.value, "now": mode.value},
    )
    return was, mode


def refuse_unready(*, mode: Mode, is_active: bool) -> None:
    """Let only an active, onboarded project do work.

    :raises Refused: it is legacy or switched off.
    """
    if mode is Mode.LEGACY:
        raise Refused(Code.TENANT_LEGACY)
    if not is_active:
        raise Refused(Code.TENANT_INACTIVE)
