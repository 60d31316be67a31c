"""A page per error code: where the ``type`` of each problem leads."""

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from awooop.console import handbook
from awooop.errors import Code

_RETRIED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_STATUSES = {status.value: status.phrase for status in HTTPStatus}


@require_safe
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Tell what a code means and what to do about it.

    :raises Http404: there is no such code.
    """
    known = next((one for one in Code if one.value == code), None)
    if known is None:
        raise Http404
    group = handbook.group_of(known)
    context = {
        "code": known.value,
        "title": known.title,
        "hint": known.hint,
        "status": f"{known.http} {_STATUSES.get(known.http, '')}".strip(),
        "group": handbook.GROUPS.get(group, group),
        "kin": [kin for kin in Code if handbook.group_of(kin) == group and kin is not known],
        "may_retry": known.http in _RETRIED,
    }
    return render(request, "console/error.html", context)
