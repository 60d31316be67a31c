"""What may be done with a revision: who may do it, when, and in which words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from awooop.tenants.models import Role
from contracts import lifecycle
from contracts.models import ContractRevision, Lifecycle

Verb = Callable[[ContractRevision, str, datetime], object]
_S = Lifecycle


@dataclass(frozen=True, slots=True)
class Told:
    """An act in words: on its button, as a question, what it means, and when it is done."""

    button: Promise
    question: Promise
    meaning: Promise
    done: Promise
    icon: str
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """One act: who may do it, with revisions that stand where."""

    role: Role
    of: frozenset[str]
    do: Verb
    told: Told


def _publish(found: ContractRevision, actor: str, at: datetime) -> object:
    return lifecycle.publish(found.project_id, found.revision_id, actor=actor, at=at)


def _sign(found: ContractRevision, actor: str, at: datetime) -> object:
    return lifecycle.sign(found.project_id, found.revision_id, signer=actor, at=at)


def _activate(found: ContractRevision, actor: str, at: datetime) -> object:
    return lifecycle.activate(found.project_id, found.revision_id, actor=actor, at=at)


def _retire(found: ContractRevision, actor: str, at: datetime) -> object:
    return lifecycle.retire(found.project_id, found.revision_id, actor=actor)


def _discard(found: ContractRevision, actor: str, at: datetime) -> object:
    return lifecycle.discard(found.project_id, found.revision_id, actor=actor)


ACTS = {
    "publish": Act(
        Role.ADMIN,
        frozenset({_S.DRAFT}),
        _publish,
        Told(
            gettext_lazy("Publish"),
            gettext_lazy("Publish this draft?"),
            gettext_lazy("It is given a version and the platform's seal, and never changes again."),
            gettext_lazy("The draft is published."),
            "publish",
        ),
    ),
    "sign": Act(
        Role.APPROVER,
        frozenset({_S.PUBLISHED, _S.ACTIVE, _S.RETIRED}),
        _sign,
        Told(
            gettext_lazy("Sign"),
            gettext_lazy("Sign this revision?"),
            gettext_lazy("You say yes, in your own name, to exactly the body with this hash."),
            gettext_lazy("You have signed the revision."),
            "draw",
        ),
    ),
    "activate": Act(
        Role.ADMIN,
        frozenset({_S.PUBLISHED, _S.RETIRED}),
        _activate,
        Told(
            gettext_lazy("Activate"),
            gettext_lazy("Activate this revision?"),
            gettext_lazy("It holds from that moment; the active revision before it retires."),
            gettext_lazy("The revision is active."),
            "check",
        ),
    ),
    "retire": Act(
        Role.ADMIN,
        frozenset({_S.PUBLISHED, _S.ACTIVE}),
        _retire,
        Told(
            gettext_lazy("Retire"),
            gettext_lazy("Retire this revision?"),
            gettext_lazy(
                "It holds no longer, and none takes its place. It can be activated again."
            ),
            gettext_lazy("The revision is retired."),
            "archive",
            is_grave=True,
        ),
    ),
    "discard": Act(
        Role.ADMIN,
        frozenset({_S.DRAFT}),
        _discard,
        Told(
            gettext_lazy("Throw away"),
            gettext_lazy("Throw this draft away?"),
            gettext_lazy("The draft is gone for good; the audit keeps that it was."),
            gettext_lazy("The draft is thrown away."),
            "delete",
            is_grave=True,
        ),
    ),
}
_ROLLBACK = Told(
    gettext_lazy("Roll back to this"),
    gettext_lazy("Roll back to this revision?"),
    gettext_lazy("It holds again from that moment; the active revision retires."),
    gettext_lazy("The revision is active again."),
    "history",
)


def told_of(name: str, revision: ContractRevision) -> Told:
    """Return the words of an act upon a revision."""
    if name == "activate" and revision.lifecycle_status == Lifecycle.RETIRED:
        return _ROLLBACK
    return ACTS[name].told
