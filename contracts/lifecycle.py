"""A revision's life: drafted, published, signed, activated, retired; and activated again.

Every verb joins its caller's transaction, leaves evidence in it, and takes the contract's own lock
first, so that of two who activate at once the second sees what the first did.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.errors import Code, Conflict, Corrupt, NotFound
from awooop.kit import canonical
from awooop.kit.db import in_tx
from awooop.tenants import members, projects
from awooop.tenants.models import Role
from contracts import bodies, fitness, quorum, seals, signing, versions
from contracts.models import ContractRevision, ContractSignature, Family, Lifecycle

_S = Lifecycle
EDGES = frozenset(
    {
        (_S.DRAFT, _S.PUBLISHED),
        (_S.PUBLISHED, _S.ACTIVE),
        (_S.PUBLISHED, _S.RETIRED),
        (_S.ACTIVE, _S.RETIRED),
        (_S.RETIRED, _S.ACTIVE),
    }
)
_PUBLISHED = [
    "version_major",
    "version_minor",
    "lifecycle_status",
    "published_at",
    "key_id",
    "signature",
]
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('awooop.contract'), hashtext(%s))"


@in_tx
def draft(
    project_id: str,
    family: Family,
    contract_id: str,
    body: dict[str, Any],
    *,
    actor: str,
    at: datetime,
) -> ContractRevision:
    """Write down a body that may become a revision.

    :raises Invalid: the body is none of its family; every fault is named.
    :raises NotFound: there is no such project.
    """
    bodies.read(family, body)
    projects.get(project_id)
    made = ContractRevision.objects.create(
        project_id=project_id,
        contract_family=family,
        contract_id=contract_id,
        body=body,
        body_hash=canonical.sha256_of(body),
        created_by=actor,
        created_at=at,
    )
    _record(Act.CONTRACT_DRAFTED, made, actor=actor)
    return made


@in_tx
def discard(project_id: str, revision_id: UUID, *, actor: str) -> None:
    """Throw a draft away.

    :raises NotFound: no such revision.
    :raises Conflict: it is published.
    """
    found = _held(project_id, revision_id)
    if found.lifecycle_status != Lifecycle.DRAFT:
        raise Conflict(Code.CONTRACT_STEP, "only a draft can be thrown away")
    _record(Act.CONTRACT_DISCARDED, found, actor=actor)
    found.delete()


@in_tx
def publish(project_id: str, revision_id: UUID, *, actor: str, at: datetime) -> ContractRevision:
    """Give a draft its version and the platform's signature; from now on it never changes.

    :raises NotFound: no such revision.
    :raises Conflict: it is no draft.
    :raises Invalid: it does not fit the project's other contracts.
    :raises Corrupt: it is not what was drafted.
    """
    found = _held(project_id, revision_id)
    if found.lifecycle_status != Lifecycle.DRAFT:
        raise Conflict(Code.CONTRACT_STEP, f"the revision is {found.lifecycle_status} already")
    family = Family(found.contract_family)
    bodies.read(family, found.body)
    if canonical.sha256_of(found.body) != found.body_hash:
        raise Corrupt(Code.CONTRACT_UNSOUND, "the draft was changed after it was written")
    fitness.refuse_unfit(project_id, family, found.body)
    before = _of_contract(found).exclude(version_major=None)
    newest = before.order_by("-version_major", "-version_minor").first()
    found.version_major, found.version_minor = versions.following(newest, found.body)
    found.lifecycle_status = Lifecycle.PUBLISHED
    found.published_at = at
    found.key_id, found.signature = signing.sign(seals.of_revision(found))
    found.save(update_fields=_PUBLISHED)
    _record(Act.CONTRACT_PUBLISHED, found, actor=actor)
    return found


@in_tx
def sign(project_id: str, revision_id: UUID, *, signer: str, at: datetime) -> ContractSignature:
    """Say yes to a published body, in one's own name; saying it again changes nothing.

    :raises NotFound: no such revision.
    :raises Conflict: it is a draft.
    :raises Corrupt: it is not what was published.
    """
    found = _held(project_id, revision_id)
    if found.lifecycle_status == Lifecycle.DRAFT:
        raise Conflict(Code.CONTRACT_STEP, "a draft is published before it is signed")
    _refuse_unsound(found)
    earlier = ContractSignature.objects.filter(revision_id=revision_id, signer=signer).first()
    if earlier is not None:
        return earlier
    made = ContractSignature(
        project_id=project_id,
        revision_id=revision_id,
        signer=signer,
        body_hash=found.body_hash,
        signed_at=at,
    )
    made.key_id, made.signature = signing.sign(seals.of_signature(made))
    made.save(force_insert=True)
    _record(Act.CONTRACT_SIGNED, found, actor=signer)
    return made


@in_tx
def activate(project_id: str, revision_id: UUID, *, actor: str, at: datetime) -> ContractRevision:
    """Let a published revision hold, or an earlier one hold again; the one before it retires.

    The signatures are counted now: whoever is no longer a member does not count.

    :raises NotFound: no such revision.
    :raises Conflict: it is a draft, or too few have signed it.
    :raises Corrupt: it is not what was published.
    """
    found = _held(project_id, revision_id)
    if found.lifecycle_status == Lifecycle.ACTIVE:
        return found
    if found.lifecycle_status == Lifecycle.DRAFT:
        raise Conflict(Code.CONTRACT_STEP, "a draft is published before it is activated")
    _refuse_unsound(found)
    needed = quorum.needed(project_id)
    counted = signers(found)
    if needed > 1 and len(counted) < needed:
        what = f"{len(counted)} of {needed} people have signed version {found.version}"
        raise Conflict(Code.CONTRACT_QUORUM, what, needed=needed, signed=sorted(counted))
    present = _of_contract(found).filter(lifecycle_status=Lifecycle.ACTIVE).first()
    if present is not None:
        present.lifecycle_status = Lifecycle.RETIRED
        present.save(update_fields=["lifecycle_status"])
    is_rollback = found.lifecycle_status == Lifecycle.RETIRED
    found.lifecycle_status = Lifecycle.ACTIVE
    found.activated_at = at
    found.save(update_fields=["lifecycle_status", "activated_at"])
    _record(
        Act.CONTRACT_ACTIVATED,
        found,
        actor=actor,
        signers=sorted(counted),
        replaces=str(present.revision_id) if present else None,
        is_rollback=is_rollback,
    )
    return found


@in_tx
def retire(project_id: str, revision_id: UUID, *, actor: str) -> ContractRevision:
    """Let a revision hold no longer, without another in its place.

    :raises NotFound: no such revision.
    :raises Conflict: it is a draft, or retired already.
    """
    found = _held(project_id, revision_id)
    if (Lifecycle(found.lifecycle_status), Lifecycle.RETIRED) not in EDGES:
        raise Conflict(Code.CONTRACT_STEP, f"the revision is {found.lifecycle_status}")
    found.lifecycle_status = Lifecycle.RETIRED
    found.save(update_fields=["lifecycle_status"])
    _record(Act.CONTRACT_RETIRED, found, actor=actor)
    return found


@in_tx
def install(
    project_id: str,
    family: Family,
    contract_id: str,
    body: dict[str, Any],
    *,
    actor: str,
    at: datetime,
) -> ContractRevision:
    """Bring a body as far as one actor may, and let it hold where one is enough.

    A body equal to the active one, or to one that waits for signatures, changes nothing.

    :raises Invalid: the body is none of its family, or does not fit the other contracts.
    """
    _lock(project_id, family, contract_id)
    mine = ContractRevision.objects.filter(
        project_id=project_id, contract_family=family, contract_id=contract_id
    )
    same = mine.filter(
        lifecycle_status__in=[Lifecycle.ACTIVE, Lifecycle.PUBLISHED],
        body_hash=canonical.sha256_of(body),
    )
    for present in same.order_by("lifecycle_status"):
        if seals.is_sound(present):
            return present
    made = draft(project_id, family, contract_id, body, actor=actor, at=at)
    made = publish(project_id, made.revision_id, actor=actor, at=at)
    sign(project_id, made.revision_id, signer=actor, at=at)
    if quorum.needed(project_id) > 1:
        return made
    return activate(project_id, made.revision_id, actor=actor, at=at)


@in_tx
def signers(revision: ContractRevision) -> set[str]:
    """Return whose signatures under a revision count now: genuine, and of present members."""
    genuine = {
        each.signer
        for each in ContractSignature.objects.filter(revision_id=revision.revision_id)
        if seals.counts(each, revision)
    }
    people = {name.removeprefix("operator:") for name in genuine if name.startswith("operator:")}
    present = members.holding(revision.project_id, people, Role.APPROVER)
    return {f"operator:{name}" for name in present}


def _held(project_id: str, revision_id: UUID) -> ContractRevision:
    """Return a revision, its contract locked for the rest of the transaction."""
    mine = ContractRevision.objects.filter(project_id=project_id, revision_id=revision_id)
    found = mine.first()
    if found is None:
        raise NotFound(Code.CONTRACT_UNKNOWN)
    _lock(project_id, found.contract_family, found.contract_id)
    found.refresh_from_db()
    return found


def _lock(project_id: str, family: str, contract_id: str) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_LOCK, [f"{project_id}\n{family}\n{contract_id}"])


def _of_contract(revision: ContractRevision) -> Any:
    return ContractRevision.objects.filter(
        project_id=revision.project_id,
        contract_family=revision.contract_family,
        contract_id=revision.contract_id,
    )


def _refuse_unsound(revision: ContractRevision) -> None:
    if not seals.is_sound(revision):
        raise Corrupt(
            Code.CONTRACT_UNSOUND,
            f"version {revision.version} of {revision.contract_id} is not what was published",
        )


def _record(act: Act, revision: ContractRevision, *, actor: str, **facts: Any) -> None:
    sink.record(
        revision.project_id,
        act,
        actor=actor,
        target=(f"{revision.contract_family} contract", revision.contract_id),
        facts={
            "revision_id": revision.revision_id,
            "version": revision.version,
            "body_hash": revision.body_hash,
            **facts,
        },
    )
