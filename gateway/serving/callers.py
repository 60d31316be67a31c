"""Who calls tools: a key of the project, and the agent it speaks for."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from awooop.errors import AwoooPError, Code, Invalid, NotFound, Refused, Unauthenticated
from awooop.kit import redaction, throttle
from awooop.tenants import keys
from awooop.tenants.keys import KeyHolder
from awooop.tenants.models import KeyScope
from contracts import queries
from contracts.models import Family

AGENT_HEADER = "awooop-agent"
ENVIRONMENT_HEADER = "awooop-environment"
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever was let in.

    :param agent_id: whom the key speaks for; empty when ``fault`` says why nobody knows.
    :param origin: what tells one client of a key from another, as far as that can be told.
    """

    holder: KeyHolder
    agent_id: str = ""
    environment: str = ""
    traceparent: str | None = None
    origin: tuple[str, str] = ("", "")
    fault: AwoooPError | None = None


def let_in(headers: Mapping[str, str], *, address: str, project_id: str) -> Caller:
    """Return who asks at a project's MCP endpoint. Opens its own transaction.

    :raises Unauthenticated: nobody we know.
    :raises Exhausted: too often.
    :raises NotFound: a project other than the key's, whether there is one or not.
    :raises Refused: the key is not for calling tools.
    """
    try:
        holder = _holder(headers.get("authorization", ""))
    except Unauthenticated:
        throttle.spend("anon", address, limit=settings.THROTTLE_ANONYMOUS_PER_MINUTE)
        raise
    throttle.spend("door", str(holder.key_id), limit=settings.THROTTLE_KEY_PER_MINUTE)
    if holder.project_id != project_id:
        raise NotFound(Code.TENANT_UNKNOWN)
    if KeyScope.GATEWAY not in holder.scopes:
        raise Refused(Code.AUTH_FORBIDDEN, "this key lacks the scope gateway", scope="gateway")
    agent_id, fault = "", None
    try:
        agent_id = agent_of(holder, headers.get(AGENT_HEADER, ""))
    except (Invalid, Refused) as reason:
        fault = reason
    return Caller(
        holder=holder,
        agent_id=agent_id,
        environment=headers.get(ENVIRONMENT_HEADER, ""),
        traceparent=headers.get("traceparent"),
        origin=(address, headers.get("user-agent", "")),
        fault=fault,
    )


def agent_of(holder: KeyHolder, asked: str) -> str:
    """Return the agent a key speaks for: its own, the one it names, or the project's only one.

    :raises Refused: the key belongs to another agent.
    :raises Invalid: the key belongs to none, names none, and there is more than one, or none.
    """
    if holder.agent_id:
        if asked not in ("", holder.agent_id):
            raise Refused(Code.AUTH_FORBIDDEN, "this key belongs to another agent")
        return holder.agent_id
    if asked:
        return redaction.identity(asked, 100)
    agents = sorted(
        contract_id
        for family, contract_id in queries.of_project(holder.project_id)
        if family == Family.AGENT.value
    )
    if len(agents) == 1:
        return agents[0]
    named = ", ".join(agents[:_MOST_NAMED]) or "there is none yet"
    raise Invalid(
        Code.BODY_INVALID, f"say which agent calls, by the header Awooop-Agent or agent_id: {named}"
    )


def _holder(header: str) -> KeyHolder:
    kind, _, credential = header.partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated(Code.AUTH_MISSING)
    return keys.holder(credential.strip())
