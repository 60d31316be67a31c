"""Where things of the gateway are in the console, and what their lists may be asked."""

from collections.abc import Mapping
from typing import Annotated, Any

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field

from awooop.errors import Invalid
from awooop.kit import rest
from awooop.kit.admin import Crumb
from awooop.tenants.models import PROJECT_ID

ProjectId = Annotated[str, Field(pattern=rf"^{PROJECT_ID.pattern}$")]
Word = Annotated[str, Field(max_length=301, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Asked(BaseModel):
    """The query of a list by name."""

    project: ProjectId | None = None
    after_text: Annotated[str, Field(pattern=r"^[^\x00/]{1,64}/[^\x00/]{1,100}$")] | None = Field(
        default=None, alias="after"
    )

    @property
    def after(self) -> tuple[str, str]:
        """The project and the name of the last one seen."""
        project_id, _slash, name = (self.after_text or "/").partition("/")
        return project_id, name

    def kept(self) -> dict[str, str]:
        """Return the filters as a query, without the page."""
        return {"project": self.project} if self.project else {}


def asked(request: HttpRequest) -> Asked:
    """Return what a list by name was asked.

    :raises Http404: that cannot be asked.
    """
    query = {name: value.strip() for name, value in request.GET.dict().items() if value.strip()}
    try:
        return rest.read(Asked, query)
    except Invalid:
        raise Http404 from None


def crumbs(*more: Crumb) -> list[Crumb]:
    """Return the pages above a provider's or a tool's."""
    return [Crumb(_("Tool gateways"), reverse("admin:gateways")), *more]


def gateway(row: Mapping[str, Any]) -> str:
    """Return the address of a provider's page."""
    return reverse("admin:gateway", args=[row["project_id"], row["gateway_id"]])


def tool(row: Mapping[str, Any], page: str = "tool") -> str:
    """Return the address of a tool's page, or of one of its acts: release, suspend."""
    args = [row["project_id"], row["gateway_id"], row["tool_name"]]
    return reverse(f"admin:gateway-{page}", args=args)
