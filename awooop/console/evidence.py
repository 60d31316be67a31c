"""Walking over every chain there must be, for whoever asks whether they hold."""

from collections.abc import Iterable, Iterator

from django.utils import timezone

from awooop.audit import sealing, store
from awooop.audit.checkpoints import Checkpoint
from awooop.audit.verify import Report
from awooop.kit.db import EVERYONE, operator_tx, tenant_tx
from awooop.kit.tenancy import PLATFORM
from awooop.tenants.models import Project


def verified(
    project_id: str | None, *, anchors: Iterable[Checkpoint] = (), keys: Iterable[str] = ()
) -> Iterator[Report]:
    """Walk one chain, or each that exists or ought to, and keep what was found for the console.

    :param anchors: genuine checkpoints that were kept elsewhere.
    :param keys: public keys to believe, in hex, besides those of the settings.
    """
    names = expected()
    anchored = list(anchors)
    for name in [project_id] if project_id else names:
        mine = [anchor for anchor in anchored if anchor.project_id == name]
        report = sealing.verify(name, keys=keys, anchors=mine, others=names)
        with tenant_tx(name):
            sealing.note(report, at=timezone.now())
        yield report


def expected() -> list[str]:
    """Return whose chains must be there: the platform's, every project's, and any other found."""
    with operator_tx(EVERYONE):
        projects = set(Project.objects.values_list("project_id", flat=True))
    anchor = {PLATFORM} if store.head(PLATFORM) else set()
    return sorted(projects | anchor | set(store.names()))
