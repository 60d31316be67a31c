"""What goes out to a tool and what comes back: without secrets, and no longer than is of use.

An answer counts as a whole: its texts, structured content, resources and errors together have
:data:`gateway.fitting.MOST` characters.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from awooop.kit import redaction, waiting
from awooop.kit.memo import OfObject
from contracts.bodies.policy import Policy
from gateway import blocks, digests, fitting, policies, schemas, visible
from gateway.blocks import Piece
from gateway.cleaning import Cleaner
from gateway.fitting import CUT, MOST
from gateway.providers.base import Answer, Progress, Secret

MOST_BLOCKS = 32
UNFIT = "does not fit its output schema"
UNJUDGED = "its output schema cannot be used"

_SMALL = 4_096  # characters that can be read while an event loop waits
_JOURNALLED = 2_000  # characters of arguments
_PLAIN = 400  # characters of a reason
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
class Kept:
    """Arguments as rows keep them.

    :param text: JSON without secrets, cut.
    :param sha256: keyed hash of what was asked; see :mod:`gateway.digests`.
    """

    text: str
    sha256: str


def shape(
    answer: Answer,
    *,
    definition: Mapping[str, Any] | None,
    policy: redaction.Policy | None = None,
    secrets: Iterable[Secret] = (),
) -> Shaped:
    """Return an answer redacted, judged by its output schema and cut; raises for no JSON.

    An answer that does not fit its schema keeps its text, and loses its structured content: clients
    trust that without looking. Whether it is an error stays as the tool said; the tool has run, and
    an error would have a write repeated.

    :param definition: of the tool, as released.
    :param policy: what the project hides in addition.
    :param secrets: what the tool's server was shown; hidden in each of their usual spellings.
    """
    if not _is_small([answer.content, answer.structured]):
        waiting.ahead()
    cleaner = Cleaner(policy, secrets)
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


def outgoing(arguments: Mapping[str, Any], asked: Iterable[Policy] = ()) -> dict[str, Any]:
    """Return arguments as they may leave: each secret replaced by its tag.

    What a tool needs to sign in it gets from its contract's references, not from an agent. See
    :func:`replaced`, so that nothing is replaced silently.

    :param asked: the project's policies.
    """
    sent: Any = redaction.redact(dict(arguments), policies.redaction(asked))
    return sent if isinstance(sent, dict) else {"unread": sent}


def replaced(arguments: Mapping[str, Any], sent: Mapping[str, Any]) -> str:
    """Say in which places what is sent is not what was asked; nothing where it is the same."""
    places = ", ".join(list(_differences(arguments, sent)))
    return f"secrets in the arguments were replaced: {visible.of(places)[:200]}" if places else ""


def kept(
    arguments: Mapping[str, Any],
    asked: Iterable[Policy] = (),
    sent: Mapping[str, Any] | None = None,
) -> Kept:
    """Return arguments as rows keep them; a long text is not read to its end.

    :param asked: the project's policies.
    :param sent: what :func:`outgoing` made of them, if that was asked.
    """
    cleaner = Cleaner(policies.redaction(asked), ())
    spelled = digests.spelled(dict(arguments))
    text = spelled.decode(errors="replace")
    if len(text) <= MOST:
        cleaned = cleaner.value(dict(arguments), dict(sent) if sent else None)
        text, unread = digests.text(cleaned), 0
    else:
        text, unread = cleaner.beginning(text, _JOURNALLED, 4_096)
    return Kept(fitting.cut(text, _JOURNALLED, unread), digests.of_bytes(spelled))


def plain(text: str, asked: Iterable[Policy] = (), secrets: Iterable[Secret] = ()) -> str:
    """Return the beginning of what was said outside of answers, such as why a call failed.

    :param asked: the project's policies.
    :param secrets: what the server was shown.
    """
    read, unread = Cleaner(policies.redaction(asked), secrets).beginning(text, _PLAIN, 1_024)
    return fitting.cut(read, _PLAIN, unread)


def spoken(
    progress: Progress | None, asked: Iterable[Policy], secrets: Iterable[Secret]
) -> Progress | None:
    """Return who is told of a tool's progress, and is told it without secrets."""
    if progress is None:
        return None
    told_by, shown, hear = tuple(asked), tuple(secrets), progress

    async def tell(done: float, total: float | None, words: str | None) -> None:
        await hear(done, total, words and plain(words, told_by, shown))

    return tell


def _is_small(value: Any) -> bool:
    left, room = [value], _SMALL
    while left and room > 0:
        each = left.pop()
        if isinstance(each, str):
            room -= len(each)
        elif isinstance(each, dict):
            room -= 8 * len(each)
            left += each.keys()
            left += each.values()
        elif isinstance(each, list | tuple):
            room -= len(each)
            left += each
    return room > 0


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


def _fits(raw: Any, definition: Mapping[str, Any] | None, cleaner: Cleaner) -> bool:
    schema = definition.get("outputSchema") if definition else None
    if definition is None or schema is None:
        return True
    judge = _judge(definition)
    if judge is None:
        cleaner.notes.add(UNJUDGED)
        return True
    try:
        fits = judge.is_valid(raw)
    except (ValueError, TypeError, RecursionError):  # numbers and texts that JSON does not know
        fits = False
    if not fits:
        cleaner.notes.add(UNFIT)
    return fits


def _made_judge(definition: Mapping[str, Any]) -> jsonschema_rs.Validator | None:
    try:
        return schemas.validator(definition, "outputSchema")
    except ValueError:
        return None


_judge = OfObject(_made_judge)
