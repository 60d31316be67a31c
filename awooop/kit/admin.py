"""What a page of an admin site is made of: its frame, links that keep the query, readable times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.timezone import localtime
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Crumb:
    """A page above this one."""

    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values a reader may choose by a link or in a list."""

    value: str
    label: str
    is_chosen: bool
    href: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: for machines, in full, and from now."""

    iso: str
    full: str
    clock: str
    relative: str

    @classmethod
    def of(cls, at: datetime, now: datetime) -> Self:
        """Return how ``at`` reads at ``now``."""
        here = localtime(at)
        return cls(
            iso=here.isoformat(),
            full=f"{here:%Y-%m-%d %H:%M:%S} {date_format(here, 'T')}",
            clock=f"{here:%H:%M:%S}.{here.microsecond // 1000:03d}",
            relative=_ago(at, now),
        )


def page(
    site: AdminSite,
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    crumbs: Sequence[Crumb] = (),
    status: int = 200,
) -> TemplateResponse:
    """Answer with a page in the frame of the site.

    :param context: plain values only. Pages are rendered after their transaction, where a tenant's
        rows can no longer be read.
    """
    request.current_app = site.name
    frame = site.each_context(request)
    return TemplateResponse(
        request,
        template,
        {**frame, "title": title, "crumbs": crumbs, **context},
        status=status,
    )


def href(query: Mapping[str, str], **changes: str | None) -> str:
    """Return a query string with some values changed; an empty one is left out."""
    return "?" + urlencode({name: value for name, value in {**query, **changes}.items() if value})


def choices(
    kept: Mapping[str, str], name: str, everything: str, labels: Mapping[str, str]
) -> list[Choice]:
    """Return what a filter may be set to, the first being no filter, each with its link.

    :param kept: the query as it is.
    :param everything: what no filter is called; ``labels`` are the values with their names.
    """
    return [
        Choice(value, label, kept.get(name, "") == value, href(kept, **{name: value}))
        for value, label in {"": everything, **labels}.items()
    ]


def neighbours(
    kept: Mapping[str, str], *, older: object, newer: object, is_first: bool
) -> dict[str, str]:
    """Return the links of a keyset page to those beside it; empty where there is none."""
    return {
        "older": href(kept, older_than=str(older)) if older else "",
        "newer": href(kept, newer_than=str(newer)) if newer else "",
        "newest": "" if is_first else href(kept),
    }


def duration(seconds: float) -> str:
    """Return a length of time as people say it, to two digits."""
    if seconds < 1:
        return _("%(n)d ms") % {"n": round(seconds * 1000)}
    if seconds < 60:
        return _("%(n).1f s") % {"n": seconds}
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return _("%(m)d min %(s)d s") % {"m": minutes, "s": rest}
    hours, rest = divmod(round(seconds / 60), 60)
    return _("%(h)d h %(m)d min") % {"h": hours, "m": rest}


def _ago(at: datetime, now: datetime) -> str:
    if at > now:
        return _("just now")
    if (now - at).total_seconds() < 60:
        return _("%(n)d s ago") % {"n": (now - at).seconds}
    return _("%(time)s ago") % {"time": timesince(at, now, depth=1)}
