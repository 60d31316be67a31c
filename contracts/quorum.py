"""How many people must sign before a contract of a project holds: as its active policies say."""

from typing import cast

from awooop.errors import Code, Corrupt
from awooop.kit.db import in_tx
from contracts import bodies, seals
from contracts.bodies.policy import Policy
from contracts.models import ContractRevision, Family, Lifecycle


@in_tx
def needed(project_id: str) -> int:
    """Return how many distinct signers an activation needs; 1 where no policy says otherwise.

    :raises Corrupt: a policy is not what was published, so nobody knows.
    """
    policies = ContractRevision.objects.filter(
        project_id=project_id, contract_family=Family.POLICY, lifecycle_status=Lifecycle.ACTIVE
    )
    return max(map(_asked, policies), default=1)


def _asked(policy: ContractRevision) -> int:
    if not seals.is_sound(policy):
        what = f"the policy {policy.contract_id} was changed after it was published"
        raise Corrupt(Code.CONTRACT_UNSOUND, what)
    body = cast(Policy, bodies.read(Family.POLICY, policy.body))
    return body.quorum.activation
