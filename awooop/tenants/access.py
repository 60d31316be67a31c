"""What a signed-in person may see and do, and in which projects."""

from datetime import datetime

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, NotFound, Refused, Unauthenticated
from awooop.kit import ids
from awooop.kit.db import EVERYONE, Scope, global_tx, in_tx, operator_tx
from awooop.kit.tenancy import PLATFORM
from awooop.tenants.models import Member, Operator, OperatorToken, Role

TOKEN_PREFIX = "awo."  # noqa: S105 - a prefix, not a secret


def scope_of(person: Operator, role: Role = Role.VIEWER) -> Scope:
    """Return the projects in which a person has at least this role.

    Opens its own read-only transaction as the operator role.
    """
    if not person.is_active:
        return ()
    if person.platform_role and Role(person.platform_role).rank >= role.rank:
        return EVERYONE
    enough = [r.value for r in Role if r.rank >= role.rank]
    with operator_tx(EVERYONE):
        mine = Member.objects.filter(operator=person, role__in=enough)
        return frozenset(mine.values_list("project_id", flat=True))


def narrowed(scope: Scope, project_id: str | None) -> Scope:
    """Return the scope cut to one project, when one is asked for.

    A project outside the scope leaves nothing, exactly as one that does not exist.
    """
    if project_id is None:
        return scope
    return frozenset({project_id}) if holds(scope, project_id) else frozenset()


def holds(scope: Scope, project_id: str) -> bool:
    """Tell whether a scope includes a project."""
    return scope == EVERYONE or project_id in scope


def refuse_below(
    person: Operator, project_id: str, role: Role, *, missing: Code = Code.RUN_UNKNOWN
) -> None:
    """Let only people with this role in this project go on.

    :param missing: what to answer to those who may not see it.
    :raises NotFound: they may not even see the project.
    :raises Refused: they may see it but not do this.
    """
    if holds(scope_of(person, role), project_id):
        return
    if not holds(scope_of(person), project_id):
        raise NotFound(missing)
    raise Refused(Code.AUTH_FORBIDDEN, f"this needs the role {role.value}", role=role.value)


@in_tx
def issue_token(
    person: Operator, *, name: str, actor: str, at: datetime, expires_at: datetime
) -> str:
    """Make a bearer token for a person and return its one clear-text spelling."""
    secret = ids.new_secret()
    OperatorToken.objects.create(
        operator=person,
        name=name,
        secret_sha256=ids.digest(secret),
        created_at=at,
        expires_at=expires_at,
    )
    sink.record(
        PLATFORM,
        Act.TOKEN_ISSUED,
        actor=actor,
        target=("operator", person.get_username()),
        facts={"name": name, "expires_at": expires_at},
    )
    return TOKEN_PREFIX + secret


def token_holder(credential: str, *, at: datetime) -> Operator:
    """Return whose token this is.

    :raises Unauthenticated: unknown, revoked or expired, all alike.
    """
    with global_tx():
        token = (
            OperatorToken.objects.select_related("operator")
            .filter(
                secret_sha256=ids.digest(credential.removeprefix(TOKEN_PREFIX)),
                revoked_at=None,
                expires_at__gt=at,
                operator__is_active=True,
            )
            .first()
        )
    if token is None:
        raise Unauthenticated(Code.AUTH_MISSING)
    return token.operator
