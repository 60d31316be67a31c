"""What goes out to a tool and what comes back: without secrets, and no longer than is of use.

An answer counts as a whole: its texts, structured content, resources and errors together have
:data:`gateway.fitting.MOST` characters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from awooop.kit import redaction
from awooop.kit.redaction import policy as policies
from gateway import blocks, digests, fitting, schemas
from gateway.blocks import Piece
from gateway.cleaning import Cleaner
from gateway.fitting import CUT, MOST
from gateway.providers.base import Answer, Secret

MOST_BLOCKS = 32
UNFIT = "does not fit its output schema"
UNJUDGED = "its output schema cannot be used"

_JOURNALLED = 2_000  # characters
_MOST_PLACES = 5


@dataclass(frozen=True, slots=True)
class Shaped:
    """An answer fit for an agent and for a journal.

    :param structured: redacted; None when there was none, it does not fit its schema or the room.
    :param sha256: keyed hash of the answer as it came; see :mod:`gateway.digests`.
    :param size: of the answer as it came, in bytes of JSON.
    :param notes: what was done to it, for people.
    """

    content: tuple[Mapping[str, Any], ...]
    structured: Mapping[str, Any] | None
    is_error: bool
    sha256: str
    size: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Arguments as they leave.

    :param changed: where secrets were replaced: JSON Pointers, at most five.
    """

    arguments: Mapping[str, Any] = field(repr=False)
    changed: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Return what a row says of it; nothing when nothing was changed."""
        return f"redacted before it left: {', '.join(self.changed)}" if self.changed else ""


def shape(
    answer: Answer,
    *,
    definition: Mapping[str, Any] | None,
    policy: redaction.Policy | Mapping[str, Any] | None = None,
    secrets: Iterable[Secret] = (),
) -> Shaped:
    """Return an answer redacted, judged by its output schema and cut; raises for no JSON.

    An answer that does not fit its schema keeps its text, and loses its structured content: clients
    trust that without looking. Whether it is an error stays as the tool said; the tool has run, and
    an error would have a write repeated.

    :param definition: of the tool, as released.
    :param policy: ``redaction`` of the project's policy contract.
    :param secrets: what the tool's server was shown; hidden in each of their usual spellings.
    :raises PolicyRefused: the policy is unknown or unsafe.
    """
    cleaner = Cleaner(policies.of(policy), secrets)
    spelled = digests.spelled(
        {
            "content": list(answer.content),
            "structuredContent": answer.structured,
            "isError": answer.is_error,
        }
    )
    structured, pieces = _taken_apart(answer, definition, cleaner)
    content, structured = fitting.fit(
        structured, pieces, cleaner, is_promised=bool(definition and definition.get("outputSchema"))
    )
    if (left := len(answer.content) - MOST_BLOCKS) > 0:
        cleaner.notes.add(CUT)
        content.append(blocks.text(f"…[cut: {left} blocks]"))
    return Shaped(
        tuple(content),
        structured,
        answer.is_error,
        digests.of_bytes(spelled),
        len(spelled),
        tuple(sorted(cleaner.notes)),
    )


def outgoing(
    arguments: Mapping[str, Any], policy: redaction.Policy | Mapping[str, Any] | None = None
) -> Outgoing:
    """Return arguments as they may leave: each secret replaced by its tag, and where that was.

    :raises PolicyRefused: the policy is unknown or unsafe.
    """
    sent: Any = redaction.redact(dict(arguments), policies.of(policy))
    if not isinstance(sent, dict):
        sent = {"unread": sent}
    return Outgoing(sent, tuple(_differences(arguments, sent)))


def journal_text(
    arguments: Mapping[str, Any], policy: redaction.Policy | Mapping[str, Any] | None = None
) -> str:
    """Return arguments as rows keep them: JSON without secrets, cut.

    :raises PolicyRefused: the policy is unknown or unsafe.
    """
    cleaner = Cleaner(policies.of(policy), ())
    spelled = digests.text(dict(arguments))
    if len(spelled) <= MOST:
        return fitting.cut(digests.text(cleaner.value(dict(arguments))), _JOURNALLED)
    read, unread = cleaner.beginning(spelled, _JOURNALLED, 4_096)
    return fitting.cut(read, _JOURNALLED, unread)


def summary(
    content: Sequence[Mapping[str, Any]],
    structured: Mapping[str, Any] | None = None,
    most: int = _JOURNALLED,
) -> str:
    """Return a shaped answer as journals tell it: its texts, and of binary data the digests."""
    said = "\n".join(filter(None, (_said(block) for block in content)))
    if not said and structured is not None:
        said = digests.text(structured)
    return fitting.cut(said, most)


def told(text: str, most: int = 300, secrets: Iterable[Secret] = ()) -> str:
    """Return the beginning of what a server said outside of answers, such as an error's words."""
    cleaner = Cleaner(policies.NONE, secrets)
    read, unread = cleaner.beginning(text, most, 1_024)
    return fitting.cut(read, most, unread)


def _taken_apart(
    answer: Answer, definition: Mapping[str, Any] | None, cleaner: Cleaner
) -> tuple[dict[str, Any] | None, list[Piece]]:
    """Return the structured content if it can be shown at all, and the blocks as pieces."""
    pieces = [blocks.read(each, cleaner, MOST) for each in answer.content[:MOST_BLOCKS]]
    raw = answer.structured
    if raw is None:
        if definition and definition.get("outputSchema") and not answer.is_error:
            cleaner.notes.add(UNFIT)
        return None, pieces
    for piece in pieces[:2]:
        if piece.whole is None:
            piece.twin = blocks.twin(piece.text, raw)
    spelled = digests.text(raw)
    fits = len(spelled) <= MOST and (answer.is_error or _fits(raw, definition, cleaner))
    cleaned = cleaner.value(raw) if fits else None
    if isinstance(cleaned, dict):
        return cleaned, pieces
    if len(spelled) > MOST:
        cleaner.notes.add(CUT)
    _retold(pieces, spelled)
    return None, pieces


def _retold(pieces: list[Piece], spelled: str) -> None:
    """Tell structured content that cannot be shown as a text, unless a text tells it already."""
    if not any(piece.twin for piece in pieces):
        pieces.append(Piece(spelled, blocks.text))
    for piece in pieces:
        piece.twin = None


def _differences(was: Any, now: Any) -> Iterator[str]:
    """Yield where two values differ, as JSON Pointers, at most a few."""
    waiting, found = [("", was, now)], 0
    while waiting and found < _MOST_PLACES:
        place, old, new = waiting.pop()
        if isinstance(old, dict) and isinstance(new, dict):
            pairs = zip(old.items(), new.items(), strict=False)
            for (was_named, each), (named, other) in pairs:
                at = f"{place}/{named.replace('~', '~0').replace('/', '~1')}"
                if was_named != named:
                    found += 1
                    yield at
                waiting.append((at, each, other))
        elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
            waiting += [
                (f"{place}/{index}", *pair)
                for index, pair in enumerate(zip(old, new, strict=False))
            ]
        elif old is not new and (type(old) is not type(new) or old != new):
            found += 1
            yield place or "/"


def _said(block: Mapping[str, Any]) -> str:
    """Return what a journal says of a block that is fit for agents."""
    match block:
        case {"type": "text", "text": str(words)} | {"resource": {"text": str(words)}}:
            return words
        case {"data": str(data)} | {"resource": {"blob": str(data)}}:
            kind = block.get("mimeType") or block.get("resource", {}).get("mimeType")
            return blocks.told(kind or "application/octet-stream", data)
        case {"type": "resource_link", "uri": str(uri)}:
            return uri
    return ""


_judges: dict[int, tuple[Any, jsonschema_rs.Validator | None]] = {}


def _fits(raw: Any, definition: Mapping[str, Any] | None, cleaner: Cleaner) -> bool:
    schema = definition.get("outputSchema") if definition else None
    if definition is None or schema is None:
        return True
    kept = _judges.get(id(schema))
    if kept is None or kept[0] is not schema:
        try:
            kept = (schema, schemas.validator(definition, "outputSchema"))
        except ValueError:
            kept = (schema, None)
        if len(_judges) >= 1_000:
            _judges.clear()
        _judges[id(schema)] = kept
    if kept[1] is None:
        cleaner.notes.add(UNJUDGED)
        return True
    try:
        fits = kept[1].is_valid(raw)
    except (ValueError, TypeError, RecursionError):  # numbers and texts that JSON does not know
        fits = False
    if not fits:
        cleaner.notes.add(UNFIT)
    return fits
