"""The pages that say there is nothing to see, nothing there, or nothing to be done."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from awooop.errors import Code
from awooop.kit import admin


def nothing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Explain to a person without any role why there is nothing to see."""
    return admin.page(site, request, "console/nothing.html", {}, title=_("No projects yet"))


def missing(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Answer alike for what is not there, what is another's and what cannot be an address."""
    return admin.page(
        site, request, "console/missing.html", {}, title=_("Nothing here"), status=404
    )


def refused(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Say that the person may see this but not do it."""
    return admin.page(site, request, "console/refused.html", {}, title=_("Not allowed"), status=403)


def coded(site: AdminSite, request: HttpRequest, code: Code) -> HttpResponse:
    """Say what stopped an act, in the words of its code."""
    context = {"code": code.value, "hint": _(code.hint)}
    return admin.page(
        site, request, "console/coded.html", context, title=_(code.title), status=code.http
    )
