"""The lines of an export: canonical JSON, one object each.

Events carry the fields of OCSF 1.4 (https://schema.ocsf.io, class 3004 Entity Management); what
OCSF has no place for stands under ``unmapped``. docs/audit-export.md names each field.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from awooop.audit import signatures
from awooop.audit.chain import Event, Link, microseconds, moment
from awooop.audit.checkpoints import Checkpoint
from awooop.audit.signatures import Trusted
from awooop.kit import canonical

FORMAT = "awooop-audit-1"
_STATUS = {"success": ("Success", 1), "refused": ("Failure", 2), "error": ("Failure", 2)}


def spelled(fields: Mapping[str, Any]) -> bytes:
    """Return a line, newline and all."""
    return canonical.canonical(dict(fields)) + b"\n"


def header(project_id: str) -> dict[str, Any]:
    """Return the first line."""
    return {"kind": "header", "format": FORMAT, "project_id": project_id}


def end(project_id: str, *, seq: int, hash: str, checkpoint: int, at_us: int) -> dict[str, Any]:
    """Return the last line: signed, so that a file cut short cannot pass for a whole one.

    :raises Corrupt: the signing key cannot be used.
    """
    told = {
        "kind": "end",
        "project_id": project_id,
        "seq": seq,
        "hash": hash,
        "checkpoint": checkpoint,
        "at_us": at_us,
    }
    key_id, signature = signatures.sign(canonical.canonical(told))
    return {**told, "key_id": key_id, "signature": signature}


def is_end(line: Mapping[str, Any], keys: Trusted) -> bool:
    """Tell whether a believed key signed this last line."""
    told = {name: value for name, value in line.items() if name not in ("key_id", "signature")}
    signer, signature = str(line.get("key_id")), str(line.get("signature"))
    return signatures.holds(canonical.canonical(told), signer, signature, keys)


def of_link(link: Link) -> dict[str, Any]:
    """Return an event in its place as a line tells it."""
    event = link.event
    status, status_id = _STATUS.get(event.outcome, ("Unknown", 0))
    return {
        "kind": "event",
        "class_uid": 3004,
        "class_name": "Entity Management",
        "category_uid": 3,
        "time": microseconds(link.at) // 1000,
        "activity_name": event.act,
        "actor": {"user": {"name": event.actor}},
        "entity": {"type": event.target_type, "name": event.target},
        "status": status,
        "status_id": status_id,
        "status_code": event.code,
        "metadata": {
            "uid": str(event.event_id),
            "sequence": link.seq,
            "tenant_uid": event.project_id,
            "product": {"name": "AwoooP"},
            "version": "1.4.0",
        },
        "unmapped": {
            "outcome": event.outcome,
            "run_id": str(event.run_id) if event.run_id else None,
            "facts": event.facts,
            "at_us": microseconds(link.at),
            "content_sha256": link.content_sha256,
            "prev_hash": link.prev_hash,
            "hash": link.hash,
        },
    }


def link(line: Mapping[str, Any]) -> Link:
    """Return the link that a line tells."""
    entity, meta, more = line["entity"], line["metadata"], line["unmapped"]
    event = Event(
        project_id=str(meta["tenant_uid"]),
        event_id=UUID(meta["uid"]),
        act=str(line["activity_name"]),
        actor=str(line["actor"]["user"]["name"]),
        target_type=str(entity["type"]),
        target=str(entity["name"]),
        outcome=str(more["outcome"]),
        code=line["status_code"],
        run_id=UUID(more["run_id"]) if more["run_id"] else None,
        facts=more["facts"],
    )
    return Link(
        event,
        int(meta["sequence"]),
        moment(int(more["at_us"])),
        str(more["content_sha256"]),
        str(more["prev_hash"]),
        str(more["hash"]),
    )


def of_checkpoint(made: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as a line tells it."""
    return {
        "kind": "checkpoint",
        "project_id": made.project_id,
        "number": made.number,
        "seq": made.seq,
        "hash": made.hash,
        "previous": made.previous,
        "at_us": microseconds(made.at),
        "key_id": made.key_id,
        "signature": made.signature,
    }


def checkpoint(line: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint that a line tells."""
    return Checkpoint(
        str(line["project_id"]),
        int(line["number"]),
        int(line["seq"]),
        str(line["hash"]),
        str(line["previous"]),
        moment(int(line["at_us"])),
        str(line["key_id"]),
        str(line["signature"]),
    )
