"""Verifying an export without the database: every byte of it, and who signed it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from awooop.audit import lines, signatures
from awooop.audit.chain import Link
from awooop.audit.checkpoints import Checkpoint
from awooop.audit.verify import Broken, Kind, Report, Walk
from awooop.errors import Code, Invalid

_LONGEST = 1_000_000  # bytes of a line; ours stay under a tenth of it


def verify(path: Path, *, keys: Iterable[str] = (), anchors: Iterable[Checkpoint] = ()) -> Report:
    """Walk an export from its first byte to its last.

    :param keys: public keys to believe, in hex, besides those of the settings.
    :param anchors: genuine checkpoints that were kept elsewhere.
    :raises Invalid: the file is no export at all.
    """
    project_id, trusted = _project(path), signatures.trusted(keys)
    walk = Walk(project_id, _checkpoints(path), trusted, anchors=anchors)
    end: dict[str, Any] = {}
    report = walk.over(_links(path, end), ends_at=None)
    if report.fault is not None:
        return report
    try:
        _judge_end(end, report, trusted)
    except Broken as broken:
        return replace(report, fault=broken.fault(project_id))
    return report


def anchors(path: Path | None, *, keys: Iterable[str] = ()) -> list[Checkpoint]:
    """Return the genuine checkpoints in a file of JSON lines: an export, or a worker's log.

    :raises Invalid: there is none in it.
    """
    if path is None:
        return []
    trusted = signatures.trusted(keys)
    objects = (_object(raw) or {} for raw in _raw(path))
    found = [
        lines.checkpoint(each)
        for each in objects
        if each.get("kind") == "checkpoint" or each.get("event") == "audit_checkpoint"
    ]
    genuine = [each for each in found if each.is_signed(trusted)]
    if not genuine:
        raise Invalid(Code.AUDIT_UNREADABLE, f"no genuine checkpoint in {path}")
    return genuine


def _project(path: Path) -> str:
    first = _object(next(_raw(path), b""))
    project_id = str((first or {}).get("project_id"))
    if first != lines.header(project_id):
        raise Invalid(Code.AUDIT_UNREADABLE, f"{path} does not begin as an export does")
    return project_id


def _links(path: Path, end: dict[str, Any]) -> Iterator[Link]:
    """Yield the events of a file; each line must be spelled as we spell it, in our order."""
    seq = 0
    for number, raw in enumerate(_raw(path)):
        if end:
            raise Broken(Kind.ALTERED, seq, "something stands after the signed end")
        line = _object(raw) or {}
        kind = line.get("kind")
        try:
            if raw != _respelled(line, is_first=number == 0):
                raise ValueError
            if kind == "event":
                link = lines.link(line)
                yield link
                seq = link.seq
            elif kind == "checkpoint" and line["seq"] != seq:
                raise ValueError
            elif kind == "end":
                end.update(line)
        except (ValueError, LookupError, TypeError, OverflowError):
            what = f"line {number + 1} is not as it was written"
            raise Broken(Kind.ALTERED, seq + (kind != "checkpoint"), what) from None


def _respelled(line: dict[str, Any], *, is_first: bool) -> bytes | None:
    """Return a line as we would write what it tells; None for one that has no place here."""
    match line.get("kind"):
        case "event":
            return lines.spelled(lines.of_link(lines.link(line)))
        case "checkpoint":
            return lines.spelled(lines.of_checkpoint(lines.checkpoint(line)))
        case "end":
            return lines.spelled(line)
        case "header" if is_first:
            return lines.spelled(lines.header(str(line.get("project_id"))))
    return None


def _checkpoints(path: Path) -> Iterator[Checkpoint]:
    for raw in _raw(path):
        line = _object(raw)
        if line is not None and line.get("kind") == "checkpoint":
            try:
                made = lines.checkpoint(line)
            except (ValueError, LookupError, TypeError, OverflowError):
                return  # the walk over the lines names it
            yield made


def _judge_end(end: dict[str, Any], report: Report, trusted: signatures.Trusted) -> None:
    last = report.last
    if not end:
        raise Broken(Kind.CUT, last.seq + 1, "the file has no signed end")
    if not lines.is_end(end, trusted):
        raise Broken(Kind.CHECKPOINT, last.seq, "the end is not signed by a key we believe")
    if (end["project_id"], end["seq"], end["hash"]) != (report.project_id, last.seq, last.hash):
        raise Broken(Kind.CUT, last.seq + 1, f"the file ended at row {end['seq']}")
    if end["checkpoint"] != last.checkpoint:
        what = f"the file had {end['checkpoint']} checkpoints"
        raise Broken(Kind.CHECKPOINT_MISSING, last.seq, what)


def _raw(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while raw := file.readline(_LONGEST):
            yield raw


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
