"""Who calls tools: a key of the project, and the agent it speaks for."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from django.conf import settings

from awooop.errors import AwoooPError, Code, Invalid, NotFound, Refused, Unauthenticated
from awooop.kit import ids, redaction, throttle
from awooop.tenants import keys
from awooop.tenants.keys import KeyHolder
from awooop.tenants.models import KeyScope
from contracts import queries
from contracts.models import Family
from gateway.holding import LONGEST_SECONDS
from gateway.standings import Look, Standing

AGENT_HEADER = "awooop-agent"
ENVIRONMENT_HEADER = "awooop-environment"
HOLD_HEADER = "awooop-hold"
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?")
_MOST_NAMED = 10
_MOST_KNOWN = 10_000
_SPARE_SECONDS = 0.12  # of a permit, that judging and sending may take


@dataclass(frozen=True)
class Knock:
    """Somebody at a project's MCP endpoint, before anything of it is believed."""

    project_id: str
    headers: Mapping[str, str] = field(repr=False)
    address: str

    @cached_property
    def key_sha256(self) -> str:
        """Return what stands for the credential, which is kept nowhere."""
        return ids.digest(self.headers.get("authorization", ""))

    @property
    def agent(self) -> str:
        return self.headers.get(AGENT_HEADER, "")

    def hold(self) -> float:
        """Return for how many seconds the client waits for a human.

        :raises Invalid: it asks for something else than 0 to 50.
        """
        asked = self.headers.get(HOLD_HEADER, "0")
        if not _SECONDS.fullmatch(asked) or float(asked) > LONGEST_SECONDS:
            raise Invalid(Code.BODY_INVALID, "Awooop-Hold takes 0 to 50 seconds")
        return float(asked)

    @property
    def client(self) -> tuple[str, str]:
        """Return what tells one client of a key from another, as far as that can be told."""
        return (self.address, self.headers.get("user-agent", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever was let in.

    :param agent_id: whom the key speaks for; empty when ``fault`` says why nobody knows.
    :param look: how the project stood at that moment; asked in the same round trip.
    """

    holder: KeyHolder
    agent_id: str = ""
    environment: str = ""
    traceparent: str | None = None
    fault: AwoooPError | None = None
    look: Callable[[], Standing] | None = field(default=None, repr=False)

    def agent(self) -> str:
        """Return whom the key speaks for.

        :raises AwoooPError: see :func:`agent_of`.
        """
        if self.fault is not None:
            raise self.fault
        return self.agent_id


_known: dict[tuple[str, str], tuple[str, str]] = {}
_looked: dict[str, tuple[KeyHolder, Callable[[], Standing], float]] = {}
_lock = Lock()


def known(knock: Knock) -> tuple[str, str] | None:
    """Return for which project and agent this key spoke when it was last let in.

    Never a reason to let it in again.
    """
    return _known.get((knock.key_sha256, knock.agent))


def let_in(knock: Knock) -> Caller:
    """Return who asks. Opens its own transaction.

    :raises Unauthenticated: nobody we know.
    :raises Exhausted: too often.
    :raises NotFound: a project other than the key's, whether there is one or not.
    :raises Refused: the key is not for calling tools.
    """
    headers = knock.headers
    try:
        holder, look = _seen(knock)
    except Unauthenticated:
        count_stranger(knock)
        raise
    throttle.spend("door", str(holder.key_id), limit=settings.THROTTLE_KEY_PER_MINUTE)
    if holder.project_id != knock.project_id:
        raise NotFound(Code.TENANT_UNKNOWN)
    if KeyScope.GATEWAY not in holder.scopes:
        raise Refused(Code.AUTH_FORBIDDEN, "this key lacks the scope gateway", scope="gateway")
    agent_id, fault = "", None
    try:
        agent_id = agent_of(holder, knock.agent)
        _remember(knock, holder.project_id, agent_id)
    except (Invalid, Refused) as reason:
        fault = reason
    return Caller(
        holder=holder,
        agent_id=agent_id,
        environment=headers.get(ENVIRONMENT_HEADER, ""),
        traceparent=headers.get("traceparent"),
        fault=fault,
        look=look,
    )


def forget() -> None:
    """Drop what this process remembers."""
    with _lock:
        _known.clear()
        _looked.clear()


def _seen(knock: Knock) -> tuple[KeyHolder, Callable[[], Standing]]:
    """Return whose key it is and how the project stands: as seen while that look's permit lasts.

    A key that was revoked opens nothing :data:`gateway.switches.PERMIT_SECONDS` later, as with
    switches (ADR 0017).
    """
    looked = _looked.get(knock.key_sha256)
    if looked is not None and time.monotonic() < looked[2] - _SPARE_SECONDS:
        return looked[0], looked[1]
    looks: list[Look] = []
    holder = keys.holder(
        credential(knock.headers), beside=lambda p, claimed: looks.append(Look(p, claimed))
    )
    (look,) = looks
    look.fetch()  # two threads that did would leave one of them with nothing
    with _lock:
        if len(_looked) >= _MOST_KNOWN:
            _looked.clear()
        _looked[knock.key_sha256] = (holder, look.seen, look.until)
    return holder, look.seen


def count_stranger(knock: Knock) -> None:
    """Count a request that showed no key of ours.

    :raises Exhausted: too many came from there.
    """
    throttle.spend("anon", knock.address, limit=settings.THROTTLE_ANONYMOUS_PER_MINUTE)


def _remember(knock: Knock, project_id: str, agent_id: str) -> None:
    with _lock:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[knock.key_sha256, knock.agent] = (project_id, agent_id)


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


def credential(headers: Mapping[str, str]) -> str:
    """Return the API key that a request spells.

    :raises Unauthenticated: there is none, or it does not look like one.
    """
    kind, _, spelled = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated(Code.AUTH_MISSING)
    keys.read(spelled.strip())
    return spelled.strip()
