"""The two demo tenants and their operator, for a newcomer's first minute."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from awooop.console import onboarding
from awooop.console.demo_server import tools
from awooop.console.demo_server.tools import Part
from awooop.console.onboarding import Upstream
from awooop.errors import Unauthenticated
from awooop.kit.db import global_tx, in_tx, tenant_tx
from awooop.tenants import keys
from awooop.tenants.models import KeyScope, Operator, Project, Role
from awooop.tenants.modes import Mode
from contracts import lifecycle
from contracts.models import ContractRevision, Family, Lifecycle
from gateway.registry import pins

OPERATOR = "operator"
PROJECTS = {
    "awoooi": ("AwoooI operations", tools.CLUSTER),
    "ewoooc": ("EwoooC shop", tools.SHOP),
}
_ACTOR = "demo"
_LOOPBACK = "127.0.0.1/32"


def seed(*, known: Mapping[str, str] | None = None, upstream: str | None = None) -> dict[str, str]:
    """Make the demo tenants and their operator, and return credentials that work.

    Credentials in ``known`` are kept when they still work, so that they stay the same from one
    start to the next; others are made anew.

    :param upstream: the address of the demo's servers; the tenants' contracts follow it.
    :returns: ``operator password key:awoooi key:ewoooc``.
    """
    known = known or {}
    settle(upstream)
    return {
        "operator": OPERATOR,
        "password": _operator(known.get("password")),
        **{f"key:{name}": _key(name, known.get(f"key:{name}")) for name in PROJECTS},
    }


def settle(upstream: str | None) -> None:
    """Make the demo tenants, or let their contracts follow the demo's servers."""
    for project_id, (display_name, part) in PROJECTS.items():
        _tenant(project_id, display_name, part, upstream)


def _tenant(project_id: str, display_name: str, part: Part, upstream: str | None) -> None:
    with tenant_tx(project_id):
        exists = Project.objects.filter(project_id=project_id).exists()
    server = _upstream(part, upstream)
    if not exists:
        onboarding.onboard(
            project_id,
            display_name=display_name,
            mode=Mode.SHADOW,
            actor=_ACTOR,
            at=timezone.now(),
            tools=_described(part, writes=False),
            destructive=_described(part, writes=True),
            upstream=server,
        )
    elif server.transport is not None:
        with tenant_tx(project_id):
            _follow(project_id, part, server)


@in_tx
def _follow(project_id: str, part: Part, server: Upstream) -> None:
    """Let the tenant's contracts name the server's present address.

    Whatever else somebody has put into them since stays.
    """
    at = timezone.now()
    mine = ContractRevision.objects.filter(
        project_id=project_id,
        contract_family=Family.MCP_GATEWAY,
        contract_id=part.gateway_id,
        lifecycle_status=Lifecycle.ACTIVE,
    )
    present = mine.first()
    if present is None or present.body.get("transport") is None:
        bodies = onboarding.contracts(
            _described(part, writes=False), _described(part, writes=True), server
        )
        for family, contract_id, body in bodies:
            lifecycle.install(project_id, family, contract_id, body, actor=_ACTOR, at=at)
    elif _is_ours(present.body["transport"], part):
        transport = {**present.body["transport"], "url": (server.transport or {})["url"]}
        body = {**present.body, "transport": transport}
        lifecycle.install(
            project_id, Family.MCP_GATEWAY, part.gateway_id, body, actor=_ACTOR, at=at
        )


def _is_ours(transport: Mapping[str, Any], part: Part) -> bool:
    url = urlsplit(transport.get("url", ""))
    return url.hostname == "127.0.0.1" and url.path == part.path


def _upstream(part: Part, address: str | None) -> Upstream:
    if address is None:
        return Upstream(gateway_id=part.gateway_id)
    return Upstream(
        gateway_id=part.gateway_id,
        transport={"kind": "streamable_http", "url": f"{address}{part.path}"},
        private_addresses=(_LOOPBACK,),
        pins={
            each["name"]: pins.of(each, part.instructions)
            for each in part.tools
            if each["name"] != tools.WAITING
        },
    )


def _described(part: Part, *, writes: bool) -> tuple[tuple[str, str], ...]:
    return tuple(
        (each["name"], each["description"])
        for each in part.tools
        if (each["name"] in part.writes) is writes
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
            if keys.holder(credential).scopes >= set(KeyScope.values):
                return credential
        except Unauthenticated:
            pass
    with tenant_tx(project_id):
        return keys.issue(project_id, name="demo", actor="demo", at=timezone.now())[1]
