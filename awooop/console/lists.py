"""What the lists of the console share: a query in the address, filters, pages by key."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import AfterValidator, BaseModel, Field, model_validator

from awooop.console.projects import ProjectRow
from awooop.errors import Invalid
from awooop.kit import admin, rest
from awooop.kit.admin import Choice
from awooop.kit.redaction import redact
from awooop.tenants.models import PROJECT_ID

_SPANS: Mapping[str, tuple[timedelta, Promise]] = {
    "hour": (timedelta(hours=1), gettext_lazy("Last hour")),
    "day": (timedelta(days=1), gettext_lazy("Last day")),
    "week": (timedelta(days=7), gettext_lazy("Last week")),
}
_SIZES = ("50", "100", "200")
_PAGES = {"older_than", "newer_than", "after"}
_LONGEST = 301


def _harmless(value: str) -> str:
    if redact(value) != value:
        raise ValueError("nobody looks for a secret")  # the page repeats what it filters by
    return value


ProjectId = Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$"), AfterValidator(_harmless)]
Word = Annotated[
    str,
    Field(max_length=_LONGEST, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(_harmless),
]
Since = Literal["hour", "day", "week"]
Size = Literal["50", "100", "200"]

Key = TypeVar("Key")


class Query(BaseModel, Generic[Key]):
    """The query of a list, as it stands in the address; ``Key`` is what its pages go by."""

    project: ProjectId | None = None
    older_than: Key | None = None
    newer_than: Key | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.older_than is not None and self.newer_than is not None:
            raise ValueError("a page is either older or newer")
        return self

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {name: str(value) for name, value in values.items() if name not in _PAGES}

    def beside(self, *, older: object, newer: object) -> dict[str, str]:
        """Return the links to the pages beside the one that was asked for."""
        is_first = self.older_than is None and self.newer_than is None
        return admin.neighbours(self.kept(), older=older, newer=newer, is_first=is_first)


Asked = TypeVar("Asked", bound=Query[Any])


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a list: one of some choices, or what is typed in when there are none."""

    name: str
    label: str
    choices: Sequence[Choice] = ()
    value: str = ""
    hint: str = ""
    most: int = _LONGEST


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list says while there is nothing to list at all."""

    heading: str
    text: str
    icon: str = "inbox"
    href: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the rows of a list.

    :param wrong: the names of what was asked and cannot be.
    :param pills: the filter that is one click each.
    :param pinned: what stays when the filters are reset.
    """

    query: Query[Any]
    filters: Sequence[Filter]
    empty: Empty | None
    wrong: Collection[str] = ()
    pills: Filter | None = None
    pinned: Collection[str] = field(default_factory=tuple)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return 400 if self.wrong else 200

    def context(self, *, older: object, newer: object) -> dict[str, Any]:
        """Return what the template ``console/list.html`` shows around the rows."""
        kept, shown = self.query.kept(), {each.name for each in self.filters}
        pinned = {name: kept.get(name) for name in self.pinned}
        return {
            "faults": self._faults(),
            "pills": self.pills,
            "filters": self.filters,
            "hidden": [(name, value) for name, value in kept.items() if name not in shown],
            "is_filtered": bool(kept.keys() - {"per_page", *self.pinned}),
            "reset": admin.href({}, **pinned),
            "empty": self.empty,
            **self.query.beside(older=older, newer=newer),
        }

    def _faults(self) -> list[str]:
        every = [*self.filters, *([self.pills] if self.pills else [])]
        labels = {each.name: each.label for each in every}
        names = sorted({labels.get(name, _("Page")) for name in self.wrong})
        return [_("“%(name)s” has a value that cannot be used.") % {"name": name} for name in names]


def read(model: type[Asked], request: HttpRequest) -> tuple[Asked, frozenset[str]]:
    """Return what was asked, and the names of what cannot be; then only the project is kept."""
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    try:
        return rest.read(model, query), frozenset()
    except Invalid as reason:
        errors: Any = reason.facts["errors"]
        wrong = frozenset(error["field"] for error in errors)
        project = None if "project" in wrong else query.get("project")
        return model.model_validate({"project": project}), wrong


def one_of(
    query: Query[Any], name: str, label: str, labels: Mapping[str, str], *, every: str | None = ""
) -> Filter:
    """Return a filter by choice.

    :param labels: the values with their names.
    :param every: what no filter is called; None where one value must be chosen.
    """
    choices = admin.choices(query.kept(), name, every or _("All"), labels)
    return Filter(name, label, choices[1:] if every is None else choices)


def typed(query: Query[Any], name: str, label: str, hint: str = "") -> Filter:
    """Return a filter by a word typed in."""
    return Filter(name, label, value=query.kept().get(name, ""), hint=hint or _("exact name"))


def by_project(query: Query[Any], seen: Sequence[ProjectRow]) -> Filter:
    """Return the filter by project; one beyond those that are listed stays chosen."""
    known = [project.project_id for project in seen]
    if query.project and query.project not in known:
        known = sorted([*known, query.project])
    return one_of(query, "project", _("Project"), {name: name for name in known})


def by_time(query: Query[Any], label: str = "") -> Filter:
    """Return the filter by time."""
    spans = {value: str(name) for value, (_length, name) in _SPANS.items()}
    return one_of(query, "since", label or _("Time"), spans, every=_("Any time"))


def by_size(query: Query[Any]) -> Filter:
    """Return the choice of how many rows a page has."""
    chosen = query.kept().get("per_page", _SIZES[0])
    return Filter("per_page", _("Per page"), [Choice(n, n, n == chosen) for n in _SIZES])


def begin(since: Since | None, now: datetime) -> datetime | None:
    """Return when a span of time began."""
    return now - _SPANS[since][0] if since else None


def size(per_page: Size | None) -> int:
    """Return how many rows a page has."""
    return int(per_page or _SIZES[0])
