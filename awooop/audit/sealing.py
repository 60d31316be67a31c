"""Looking a chain over and sealing what holds: the beat's rounds, and an operator's full walk."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime

import structlog
from django.db import DEFAULT_DB_ALIAS, connections

from awooop.audit import checkpoints, signatures, store
from awooop.audit.chain import microseconds
from awooop.audit.checkpoints import Checkpoint
from awooop.audit.signatures import Trusted
from awooop.audit.verify import Fault, Kind, Report, Start, Walk
from awooop.errors import Code
from awooop.kit.db import in_tx, tenant_tx

log = structlog.get_logger(__name__)

_CHAINS_A_ROUND = 500

_SEAL = """
WITH made AS (
  INSERT INTO awooop_audit_checkpoint
         (project_id, number, seq, hash, previous, at, key_id, signature)
  VALUES (%(project_id)s, %(number)s, %(seq)s, %(hash)s, %(previous)s, %(at)s, %(key_id)s,
          %(signature)s)
  ON CONFLICT DO NOTHING RETURNING seq
)
UPDATE awooop_audit_chain c SET sealed_seq = made.seq, checked_at = %(at)s FROM made
 WHERE c.project_id = %(project_id)s RETURNING c.seq
"""
_NOTE = "UPDATE awooop_audit_chain SET checked_at = %s, fault = %s WHERE project_id = %s"


def seal_all(*, at: datetime) -> int:
    """Seal every chain that has grown; return how many were sealed."""
    grown = store.unsealed(_CHAINS_A_ROUND)
    return sum(seal(project_id, at=at).fault is None for project_id in grown)


def seal(project_id: str, *, at: datetime) -> Report:
    """Walk what a chain has grown by, and sign a checkpoint when it holds.

    A broken chain is never sealed: it is marked, and stays so until a full walk finds it whole.
    Opens its own transactions.

    :raises Corrupt: the signing key cannot be used.
    """
    before, keys = store.last_checkpoint(project_id), signatures.trusted()
    if before is not None and not before.is_signed(keys):
        what = f"number {before.number}, key {before.key_id}: not signed by a key we believe"
        fault = Fault(project_id, before.seq, Kind.CHECKPOINT, what)
        report = Report(project_id, 0, 0, Start(), 0, fault)
    else:
        report = _walk(project_id, keys, before=before)
    with tenant_tx(project_id):
        if report.fault is not None:
            note(report, at=at)
        elif report.rows:
            made = checkpoints.signed(
                project_id, before, seq=report.last.seq, hash=report.last.hash, at=at
            )
            _keep(made)
    return report


def verify(
    project_id: str,
    *,
    keys: Iterable[str] = (),
    anchors: Iterable[Checkpoint] = (),
    others: Iterable[str] = (),
) -> Report:
    """Walk a whole chain of the database. Opens short transactions of its own; changes nothing.

    :param keys: public keys to believe, in hex, besides those of the settings.
    :param keys: public keys to believe, in hex, besides those of the settings.
    :param anchors: genuine checkpoints that were kept elsewhere.
    :param others: projects a row may have been moved from.
    """
    return _walk(project_id, signatures.trusted(keys), anchors=anchors, others=others)


@in_tx
def note(report: Report, *, at: datetime) -> None:
    """Keep what a walk found where the console shows it, and tell the log of a fault."""
    if report.fault is not None:
        log.error("audit_broken", code=Code.AUDIT_BROKEN.value, fault=str(report.fault))
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        told = str(report.fault)[:500] if report.fault else ""
        cursor.execute(_NOTE, [at, told, report.project_id])


def _walk(
    project_id: str,
    keys: Trusted,
    *,
    before: Checkpoint | None = None,
    anchors: Iterable[Checkpoint] = (),
    others: Iterable[str] = (),
) -> Report:
    start = Start(before.seq, before.hash, before.number, before.digest()) if before else Start()
    head = store.head(project_id)
    if head is None:
        fault = Fault(project_id, 1, Kind.NO_CHAIN, "every project has one from its first day")
        return Report(project_id, 0, 0, start, 0, fault)
    sealed = store.checkpoints(project_id, after=start.checkpoint, upto=head.number)
    walk = Walk(project_id, sealed, keys, start=start, anchors=anchors, others=others)
    report = walk.over(
        store.links(project_id, after=start.seq, upto=head.seq), ends_at=(head.seq, head.hash)
    )
    if report.fault is None and head.top > head.seq:
        beyond = Fault(project_id, head.seq + 1, Kind.MISPLACED, f"the chain ends at {head.seq}")
        return replace(report, fault=beyond)
    return report


def _keep(made: Checkpoint) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_SEAL, asdict(made))
        if cursor.fetchone() is None:
            return  # another process sealed the same rows first
    told = {**asdict(made), "at_us": microseconds(made.at)}
    del told["at"]
    log.info("audit_checkpoint", **told)
