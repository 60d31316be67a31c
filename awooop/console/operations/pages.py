"""The pages of incidents, operations, playbooks and knowledge: one list and one sheet for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from awooop.console import accounts, answers, lists, projects
from awooop.console.gateway import reading
from awooop.console.gateway.reading import Row
from awooop.console.operations import cells, deeds, sources, words
from awooop.console.operations.deeds import Deed
from awooop.console.operations.sources import SHELVES, Shelf, Wish
from awooop.console.projects import ProjectRow
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Crumb
from awooop.kit.db import Pipe, Scope, pipe
from awooop.tenants import access
from awooop.tenants.models import Role


@dataclass(frozen=True, slots=True)
class Wording:
    """What a list calls itself, and what it says when there is nothing."""

    title: Any
    name: Any
    none: Any
    why: Any


WORDINGS = {
    "incidents": Wording(
        gettext_lazy("Incidents"),
        gettext_lazy("Incident"),
        gettext_lazy("No incidents"),
        gettext_lazy("What goes wrong is listed here from the moment it is noticed."),
    ),
    "operations": Wording(
        gettext_lazy("Operation log"),
        gettext_lazy("Action"),
        gettext_lazy("No operations yet"),
        gettext_lazy("Every action is listed here before it is sent, with what came of it."),
    ),
    "playbooks": Wording(
        gettext_lazy("Playbooks"),
        gettext_lazy("Playbook"),
        gettext_lazy("No playbooks yet"),
        gettext_lazy("An action that was verified to help becomes a playbook for the next time."),
    ),
    "knowledge": Wording(
        gettext_lazy("Knowledge"),
        gettext_lazy("Entry"),
        gettext_lazy("Nothing was learned yet"),
        gettext_lazy("Each operation leaves an entry: what was done, and whether it worked."),
    ),
}
_FILTERS = {
    "status": (gettext_lazy("Status"), lambda value: words.status(value).text),
    "severity": (gettext_lazy("Severity"), lambda value: words.severity(value).text),
    "outcome": (gettext_lazy("Outcome"), lambda value: words.outcome(value).text),
    "verdict": (gettext_lazy("Verified"), lambda value: words.verdict(value).text),
    "standing": (gettext_lazy("Standing"), lambda value: words.standing(value).text),
    "worked": (gettext_lazy("Did it work?"), lambda value: words.worked(value == "no").text),
}


class Asked(lists.Query[UUID]):
    """The query of a list; which values its filters have, the shelf knows."""

    status: str | None = None
    severity: str | None = None
    outcome: str | None = None
    verdict: str | None = None
    standing: str | None = None
    worked: str | None = None
    words: lists.Word | None = None


def listing(site: AdminSite, request: HttpRequest, kind: str) -> HttpResponse:
    """Show a shelf, the newest first."""
    scope = access.scope_of(accounts.person_of(request))
    if not scope:
        return answers.nothing(site, request)
    asked, wrong, shelf = *lists.read(Asked, request), SHELVES[kind]
    kept = asked.kept()
    wanted = {name: kept[name] for name in shelf.filters if name in kept}
    unknown = frozenset(name for name in wanted if wanted[name] not in shelf.filters[name][1])
    if unknown:
        asked, wrong = Asked(project=asked.project), unknown
    wish = Wish(
        scope=access.narrowed(scope, asked.project),
        wanted=wanted,
        words=(asked.words or "") if shelf.has_words else "",
        older_than=asked.older_than,
        newer_than=asked.newer_than,
    )
    with pipe() as p, p.operator_tx(scope):
        seen = projects.seen(p)
        page = reading.Page() if wrong else sources.page(p, shelf, wish)
    now, wording = timezone.now(), WORDINGS[kind]
    lines = [cells.line(kind, row, now) for row in page.rows]
    empty = lists.Empty(str(wording.none), str(wording.why))
    frame = lists.Frame(asked, _filters(asked, shelf, seen), empty, wrong)
    context = {
        "rows": lines,
        "labels": [cell.label for cell in lines[0].cells] if lines else [],
        "name": wording.name,
        **frame.context(older=page.older, newer=page.newer),
    }
    return admin.page(
        site,
        request,
        "console/operations/list.html",
        context,
        title=str(wording.title),
        status=frame.status,
    )


def one(
    site: AdminSite, request: HttpRequest, project_id: str, identity: str, kind: str
) -> HttpResponse:
    """Show all that is known of a thing."""
    scope, known = _named(request, project_id, identity)
    with pipe() as p, p.operator_tx(scope):
        row = _read(p, project_id, known, kind)
        is_incident = kind == "incidents"
        done = sources.operations_of(p, project_id, known) if is_incident else []
        decided = sources.decided(p, project_id, known) if is_incident else []
    now, wording = timezone.now(), WORDINGS[kind]
    lines = [cells.line("operations", each, now) for each in done]
    sheet = cells.sheet(kind, row, now)
    context = {
        "sheet": sheet,
        "cells": [cell for cell in sheet.cells if cell.text or cell.badge or cell.at],
        "lines": lines,
        "labels": [cell.label for cell in lines[0].cells] if lines else [],
        "operation": WORDINGS["operations"].name,
        "decided": [(words.disposition(what), count) for what, count in decided],
        "acts": _acts(request, kind, row, known),
    }
    return admin.page(
        site,
        request,
        "console/operations/one.html",
        context,
        title=f"{wording.name} …{str(known)[-8:]}",
        crumbs=[Crumb(str(wording.title), reverse(f"admin:{kind}"))],
    )


def found(request: HttpRequest, project_id: str, identity: str, kind: str) -> tuple[UUID, Row]:
    """Return a thing that this person may see, and its id; anything else is missing."""
    scope, known = _named(request, project_id, identity)
    with pipe() as p, p.operator_tx(scope):
        return known, _read(p, project_id, known, kind)


def decides(request: HttpRequest, project_id: str) -> bool:
    """Tell whether this person may resolve, approve and retire things of a project."""
    mine = access.scope_of(accounts.person_of(request), Role.APPROVER)
    return access.holds(mine, project_id)


def _named(request: HttpRequest, project_id: str, identity: str) -> tuple[Scope, UUID]:
    scope = access.narrowed(access.scope_of(accounts.person_of(request)), project_id)
    try:
        return scope, rest.read_uuid(identity)
    except Invalid:
        raise Http404 from None


def _read(p: Pipe, project_id: str, known: UUID, kind: str) -> Row:
    row = sources.one(p, SHELVES[kind], project_id, known)
    if row is None:
        raise Http404
    return row


def _acts(request: HttpRequest, kind: str, row: Row, known: UUID) -> list[tuple[Deed, str]]:
    project_id = row["project_id"]
    possible = deeds.of(kind, row)
    if not possible or not decides(request, project_id):
        return []
    return [(deed, deed.href(project_id, known)) for deed in possible]


def _filters(asked: Asked, shelf: Shelf, seen: Sequence[ProjectRow]) -> list[lists.Filter]:
    shown = [lists.typed(asked, "words", _("Words"), _("all of them"))] if shelf.has_words else []
    for name, (_column, values) in shelf.filters.items():
        label, called = _FILTERS[name]
        labels = {value: str(called(value)) for value in values}
        shown.append(lists.one_of(asked, name, str(label), labels))
    return [*shown, lists.by_project(asked, seen)]
