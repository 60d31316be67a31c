"""The two demo tenants and their operator, for a newcomer's first minute."""

import secrets
from collections.abc import Mapping

from django.utils import timezone

from awooop.console import onboarding
from awooop.errors import Unauthenticated
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import keys
from awooop.tenants.models import Operator, Project, Role
from awooop.tenants.modes import Mode

OPERATOR = "operator"
_DESTRUCTIVE = (
    ("restart_deployment", "Restart every pod of a deployment, one by one."),
    ("scale_deployment", "Change the number of replicas of a deployment."),
)
_EWOOOC_TOOLS = (
    ("list_orders", "List recent orders."),
    ("get_order", "Read one order."),
    ("search_products", "Search the catalogue."),
    ("get_shop_metrics", "Read the shop's key figures."),
)


def seed(*, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the demo tenants and their operator, and return credentials that work.

    Credentials in ``known`` are kept when they still work, so that they stay the same from one
    start to the next; others are made anew.

    :returns: ``operator password key:awoooi key:ewoooc``.
    """
    known = known or {}
    _tenant("awoooi", "AwoooI operations", destructive=_DESTRUCTIVE)
    _tenant("ewoooc", "EwoooC shop", tools=_EWOOOC_TOOLS)
    return {
        "operator": OPERATOR,
        "password": _operator(known.get("password")),
        "key:awoooi": _key("awoooi", known.get("key:awoooi")),
        "key:ewoooc": _key("ewoooc", known.get("key:ewoooc")),
    }


def _tenant(
    project_id: str,
    display_name: str,
    *,
    tools: tuple[tuple[str, str], ...] = onboarding.READ_ONLY_TOOLS,
    destructive: tuple[tuple[str, str], ...] = (),
) -> None:
    with tenant_tx(project_id):
        if Project.objects.filter(project_id=project_id).exists():
            return
    onboarding.onboard(
        project_id,
        display_name=display_name,
        mode=Mode.SHADOW,
        actor="demo",
        at=timezone.now(),
        tools=tools,
        destructive=destructive,
    )


def _operator(password: str | None) -> str:
    with global_tx():
        person = Operator.objects.select_for_update().filter(username=OPERATOR).first()
        if person and password and person.check_password(password):
            return password
        person = person or Operator(username=OPERATOR)
        password = secrets.token_urlsafe(12)
        person.is_staff = True
        person.platform_role = Role.ADMIN
        person.set_password(password)
        person.save()
    return password


def _key(project_id: str, credential: str | None) -> str:
    if credential:
        try:
            keys.holder(credential)
        except Unauthenticated:
            pass
        else:
            return credential
    with tenant_tx(project_id):
        return keys.issue(project_id, name="demo", actor="demo", at=timezone.now())[1]
