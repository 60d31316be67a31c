"""How a revision comes to hold."""

from datetime import datetime
from typing import Any

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.kit import canonical
from awooop.kit.db import in_tx
from contracts.models import ContractRevision, Family, Lifecycle


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
    """Make ``body`` the active revision of a contract; the one before it retires.

    A body equal to the active one changes nothing.
    """
    body_hash = canonical.sha256_of(body)
    mine = ContractRevision.objects.select_for_update().filter(
        project_id=project_id, contract_family=family, contract_id=contract_id
    )
    newest = mine.order_by("-version_major", "-version_minor").first()
    active = mine.filter(lifecycle_status=Lifecycle.ACTIVE).first()
    if active is not None:
        if active.body_hash == body_hash:
            return active
        active.lifecycle_status = Lifecycle.RETIRED
        active.save(update_fields=["lifecycle_status"])
    made = ContractRevision.objects.create(
        project_id=project_id,
        contract_family=family,
        contract_id=contract_id,
        version_major=newest.version_major + 1 if newest else 1,
        version_minor=0,
        lifecycle_status=Lifecycle.ACTIVE,
        body=body,
        body_hash=body_hash,
        created_by=actor,
        created_at=at,
    )
    sink.record(
        project_id,
        Act.CONTRACT_ACTIVATED,
        actor=actor,
        target=(f"{family.value} contract", contract_id),
        facts={"revision_id": made.revision_id, "body_hash": body_hash},
    )
    return made
