"""Projects: brought on, promoted, demoted."""

from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Conflict, Invalid, NotFound, Refused
from awooop.kit import redaction
from awooop.kit.db import in_tx
from awooop.tenants import modes
from awooop.tenants.models import PROJECT_ID, Project, known_zone
from awooop.tenants.modes import Mode

MOST_USD = Decimal("99999999.999999")  # of a month; what the column holds


def check_id(project_id: str) -> None:
    """Accept a well-formed project id.

    :raises Invalid: it is not one.
    """
    if PROJECT_ID.fullmatch(project_id) is None:
        raise Invalid(
            Code.TENANT_ID_INVALID, f"{redaction.excerpt(project_id, 80)!r} cannot be a project id"
        )


@in_tx
def create(
    project_id: str,
    *,
    display_name: str,
    mode: Mode,
    actor: str,
    at: datetime,
    ceiling: Decimal | None = None,
) -> Project:
    """Bring a project on.

    :param ceiling: USD a month that no limit of its own goes beyond.
    :raises Invalid: the id is malformed, or the ceiling is no amount.
    :raises Conflict: it exists.
    """
    check_id(project_id)
    check_ceiling(ceiling)
    project, is_new = Project.objects.get_or_create(
        project_id=project_id,
        defaults={
            "display_name": redaction.excerpt(display_name, 200),
            "migration_mode": mode,
            "budget_limit_usd": ceiling,
            "created_at": at,
        },
    )
    if not is_new:
        raise Conflict(Code.TENANT_EXISTS, f"{project_id} exists already")
    sink.record(
        project_id,
        Act.PROJECT_ONBOARDED,
        actor=actor,
        target=("project", project_id),
        facts={"display_name": display_name, "mode": mode.value, "ceiling_usd": ceiling},
    )
    return project


@in_tx
def get(project_id: str) -> Project:
    """Return the transaction's own project.

    :raises NotFound: there is none of that id.
    """
    project = Project.objects.filter(project_id=project_id).first()
    if project is None:
        raise NotFound(Code.TENANT_UNKNOWN, f"no project {redaction.excerpt(project_id, 80)!r}")
    return project


@in_tx
def would_set(project_id: str, mode: Mode) -> tuple[Mode, Mode]:
    """Return where :func:`set_mode` would move a project from and to, and change nothing.

    :raises NotFound: no such project.
    :raises Conflict: more than one step up.
    """
    was = Mode(get(project_id).migration_mode)
    _require_step(was, mode)
    return was, mode


@in_tx
def set_mode(project_id: str, mode: Mode, *, actor: str) -> tuple[Mode, Mode]:
    """Promote by one step or demote by any; return where it was and where it is.

    :raises NotFound: no such project.
    :raises Conflict: more than one step up.
    """
    project = _locked(project_id)
    was = Mode(project.migration_mode)
    if was is mode:
        return was, mode
    _require_step(was, mode)
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


@in_tx
def set_zone(project_id: str, zone: str, *, actor: str) -> tuple[str, str]:
    """Say where a project's days begin; return where they did and where they do.

    What was counted stays on the day it was counted for.

    :raises NotFound: no such project.
    :raises Invalid: no zone of that name.
    """
    try:
        known_zone(zone)
    except ValidationError:
        raise Invalid(
            Code.TENANT_ZONE_UNKNOWN, f"{redaction.excerpt(zone, 80)!r} is no time zone"
        ) from None
    project = _locked(project_id)
    was, project.time_zone = project.time_zone, zone
    if was != zone:
        project.save(update_fields=["time_zone"])
        _record_change(Act.PROJECT_ZONE_SET, project_id, was, zone, actor=actor)
    return was, zone


@in_tx
def set_ceiling(
    project_id: str, usd: Decimal | None, *, actor: str
) -> tuple[Decimal | None, Decimal | None]:
    """Say what a project may spend a month whatever its own limits; return what was and is.

    :raises NotFound: no such project.
    :raises Invalid: no amount.
    """
    check_ceiling(usd)
    project = _locked(project_id)
    was, project.budget_limit_usd = project.budget_limit_usd, usd
    if was != usd:
        project.save(update_fields=["budget_limit_usd"])
        _record_change(Act.PROJECT_CEILING_SET, project_id, was, usd, actor=actor)
    return was, usd


def check_ceiling(usd: Decimal | None) -> None:
    """Accept an amount of USD to six places, or none.

    :raises Invalid: it is no such amount.
    """
    if usd is None:
        return
    fits = usd.is_finite() and 0 <= usd <= MOST_USD
    if not fits or usd != round(usd, 6):
        raise Invalid(Code.AMOUNT_INVALID, f"{usd!s:.60} is no amount of USD to six places")


def _require_step(was: Mode, mode: Mode) -> None:
    if was is not mode and not modes.may_move(was, mode):
        raise Conflict(Code.TENANT_MODE_STEP, f"{was.value} cannot become {mode.value} in one step")


def _locked(project_id: str) -> Project:
    found = Project.objects.select_for_update(no_key=True).filter(project_id=project_id).first()
    if found is None:
        raise NotFound(Code.TENANT_UNKNOWN, f"no project {redaction.excerpt(project_id, 80)!r}")
    return found


def _record_change(act: Act, project_id: str, was: object, now: object, *, actor: str) -> None:
    sink.record(
        project_id,
        act,
        actor=actor,
        target=("project", project_id),
        facts={"was": was, "now": now},
    )


def refuse_unready(*, mode: Mode, is_active: bool) -> None:
    """Let only an active, onboarded project do work.

    :raises Refused: it is legacy or switched off.
    """
    if mode is Mode.LEGACY:
        raise Refused(Code.TENANT_LEGACY)
    if not is_active:
        raise Refused(Code.TENANT_INACTIVE)
