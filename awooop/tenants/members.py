"""Who belongs to a project, and as what."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, NotFound
from awooop.kit import redaction
from awooop.kit.db import in_tx
from awooop.tenants.models import Member, Operator, Role


@in_tx
def admit(project_id: str, username: str, role: Role, *, actor: str, at: datetime) -> Member:
    """Give a person a role in the transaction's project, instead of any they had.

    :raises NotFound: no such person.
    """
    member, is_new = Member.objects.get_or_create(
        project_id=project_id,
        operator=_person(username),
        defaults={"role": role, "created_at": at},
    )
    was = "" if is_new else member.role
    if was == role:
        return member
    if was:
        member.role = role
        member.save(update_fields=["role"])
    sink.record(
        project_id,
        Act.MEMBER_ADMITTED,
        actor=actor,
        target=("operator", username),
        facts={"was": was, "now": role.value},
    )
    return member


@in_tx
def dismiss(project_id: str, username: str, *, actor: str) -> None:
    """Take a person out of the transaction's project.

    :raises NotFound: no such person, or not a member.
    """
    gone, _ = Member.objects.filter(project_id=project_id, operator=_person(username)).delete()
    if not gone:
        raise NotFound(Code.MEMBER_UNKNOWN, f"{username} is not a member of {project_id}")
    sink.record(project_id, Act.MEMBER_DISMISSED, actor=actor, target=("operator", username))


@in_tx
def holding(project_id: str, usernames: Collection[str], role: Role) -> set[str]:
    """Return those of some people who have at least this role in the transaction's project now."""
    enough = [r.value for r in Role if r.rank >= role.rank]
    mine = Member.objects.filter(project_id=project_id, role__in=enough)
    people = Operator.objects.filter(username__in=usernames, is_active=True).filter(
        Q(platform_role__in=enough) | Q(pk__in=mine.values("operator"))
    )
    return set(people.values_list("username", flat=True))


def _person(username: str) -> Operator:
    person = Operator.objects.filter(username=username).first()
    if person is None:
        raise NotFound(Code.MEMBER_UNKNOWN, f"nobody is called {redaction.excerpt(username, 80)!r}")
    return person
