"""A chain as a file of JSON lines that proves itself, without the database.

The first line is a ``header``, then come events and the checkpoints that seal them, and at last a
signed ``end``. An export that was killed, or is old, goes on where it stopped.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from awooop.audit import lines, store
from awooop.audit.chain import microseconds
from awooop.errors import Code, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows an export added, and the last row of the file."""

    rows: int
    last: int


@dataclass(slots=True)
class _Place:
    """Where a file stopped: its last row and checkpoint, and the byte after them."""

    seq: int = 0
    hash: str = ""
    checkpoint: int = 0
    offset: int = 0


def write(project_id: str, path: Path, *, at: datetime) -> Exported:
    """Write a chain to a file, or go on where an earlier export of it stopped.

    What a killed export left half-written is cut off first.

    :raises NotFound: the project has no chain.
    :raises Invalid: the file is no export of this chain.
    """
    head = store.head(project_id)
    if head is None:
        raise NotFound(Code.TENANT_UNKNOWN, f"there is no audit chain of {project_id!r:.80}")
    with path.open("r+b" if path.exists() else "x+b") as file:
        place = _place(file, project_id)
        _refuse_another_past(project_id, place)
        file.seek(place.offset)
        file.truncate()
        file.writelines(_rows(project_id, head, place))
        told = lines.end(
            project_id,
            seq=head.seq,
            hash=head.hash,
            checkpoint=head.number,
            at_us=microseconds(at),
        )
        file.write(lines.spelled(told))
        file.flush()
        os.fsync(file.fileno())
    return Exported(rows=head.seq - place.seq, last=head.seq)


def _rows(project_id: str, head: store.Head, place: _Place) -> Iterator[bytes]:
    if not place.offset:
        yield lines.spelled(lines.header(project_id))
    sealed = store.checkpoints(project_id, after=place.checkpoint, upto=head.number)
    coming = next(sealed, None)
    at = place.seq
    links = store.links(project_id, after=place.seq, upto=head.seq)
    while True:
        while coming is not None and coming.seq <= at:
            yield lines.spelled(lines.of_checkpoint(coming))
            coming = next(sealed, None)
        link = next(links, None)
        if link is None:
            return
        at = link.seq
        yield lines.spelled(lines.of_link(link))


def _place(file: BinaryIO, project_id: str) -> _Place:
    """Return where a file stopped: after its last whole row or checkpoint."""
    place, offset = _Place(), 0
    for raw in file:
        offset += len(raw)
        line = _read(raw)
        if line is None or line.get("kind") == "end":
            return place
        if place.offset == 0 and line != lines.header(project_id):
            raise Invalid(Code.AUDIT_UNREADABLE, f"the file is not an export of {project_id}")
        if line["kind"] == "event":
            place.seq, place.hash = line["metadata"]["sequence"], line["unmapped"]["hash"]
        elif line["kind"] == "checkpoint":
            place.checkpoint = line["number"]
        place.offset = offset
    if offset and not place.offset:
        raise Invalid(Code.AUDIT_UNREADABLE, f"the file is not an export of {project_id}")
    return place


def _read(raw: bytes) -> dict | None:
    """Return a line, or None for one that was not written to its end."""
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if raw.endswith(b"\n") and isinstance(found, dict) else None


def _refuse_another_past(project_id: str, place: _Place) -> None:
    """Add to a file only what follows its last row."""
    if not place.seq:
        return
    found = next(store.links(project_id, after=place.seq - 1, upto=place.seq), None)
    if found is None or found.hash != place.hash:
        what = f"row {place.seq} of the file is not the database's; verify both"
        raise Invalid(Code.AUDIT_UNREADABLE, what)
