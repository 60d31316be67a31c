"""Where things of the gateway are in the console."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from awooop.kit.admin import Crumb


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
