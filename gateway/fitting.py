"""How much of an answer is shown, when it is more than there is room for.

Structured content and binary data are shown whole or only told of, since half of them is neither;
texts are cut, the longest first. Texts can count on half of the room, so that no table silences the
message beside it.
"""

import json
from collections.abc import Sequence

from gateway import blocks, digests
from gateway.blocks import Block, Piece, Twin
from gateway.cleaning import Cleaner

MOST = 16_384  # characters of an answer
CUT = "cut"
ONCE = "the text and the structured content are the same, shown once"

_KEPT_BACK = 64  # for saying that there were more blocks
_SLACK = 32_768  # read beyond what is kept, of all texts together
_MARK = "…[cut: {} characters]"


def fit(
    structured: Block | None, pieces: list[Piece], cleaner: Cleaner, *, is_promised: bool
) -> tuple[list[Block], Block | None]:
    """Return the blocks and the structured content to show, :data:`MOST` characters at most.

    :param structured: cleaned.
    :param is_promised: agents are told that there will be structured content.
    """
    if structured is not None:
        structured = _beside_its_twins(structured, pieces, cleaner, is_promised=is_promised)
    _clean(pieces, cleaner)
    fixed = _KEPT_BACK + sum(piece.fixed for piece in pieces)
    room = MOST - max(fixed, min(fixed + _length(pieces), MOST // 2))
    if structured is not None:
        spelled = digests.text(structured)
        if len(spelled) <= room:
            room, fixed = room - len(spelled), fixed + len(spelled)
        else:
            structured = None
            pieces[:] = [piece for piece in pieces if piece.twin is None]
            pieces.append(Piece(spelled, blocks.text, shown=spelled))
            cleaner.notes.add(CUT)
    for piece in pieces:
        if piece.whole is not None and (size := blocks.size(piece.whole)) <= room:
            room, fixed = room - size, fixed + size
            piece.shown = ""
        else:
            piece.whole = None
    return _cut_to(pieces, MOST - fixed, cleaner), structured


def cut(text: str, most: int, unread: int = 0) -> str:
    """Return a text that has at most ``most`` characters, a mark included if any are missing."""
    if len(text) <= most and not unread:
        return text
    kept = max(0, min(len(text), most - len(_MARK.format(len(text) + unread))))
    return (text[:kept] + _MARK.format(len(text) - kept + unread))[:most]


def shares(sizes: Sequence[int], room: int) -> list[int]:
    """Return how much of a room each gets: short ones all they need, long ones the same."""
    found = [0] * len(sizes)
    for taken, index in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        found[index] = min(sizes[index], room // (len(sizes) - taken))
        room -= found[index]
    return found


def _beside_its_twins(
    structured: Block, pieces: list[Piece], cleaner: Cleaner, *, is_promised: bool
) -> Block | None:
    """Spell texts that repeat the structured content from it, and say it once if twice is too long.

    Then an agent that was promised structured content gets that, and any other the text, which
    every client shows to its model.
    """
    twins = [piece for piece in pieces if piece.twin is not None]
    for piece in twins:
        said = structured if piece.twin is Twin.ALL else structured.get("result")
        if piece.twin is Twin.WORDS and isinstance(said, str):
            piece.shown = said
        else:
            indent = 2 if "\n" in piece.text else None
            piece.shown = json.dumps(said, ensure_ascii=False, indent=indent)
    others = sum(
        len(piece.text) + piece.fixed for piece in pieces if piece.twin is None and not piece.whole
    )
    told = _length(twins) + len(digests.text(structured))
    if not twins or told + min(others, MOST // 2) <= MOST - _KEPT_BACK:
        return structured
    cleaner.notes.add(ONCE)
    if not is_promised:
        return None
    for piece in twins:
        piece.shown = "[the structured content says the same]"
    return structured


def _clean(pieces: list[Piece], cleaner: Cleaner) -> None:
    """Read the texts as far as they may be shown."""
    slack = min(4_096, max(512, _SLACK // (2 * max(1, len(pieces)))))
    most = shares([len(piece.text) for piece in pieces], MOST)
    for piece, share in zip(pieces, most, strict=True):
        if piece.shown is None:
            piece.shown, piece.unread = cleaner.beginning(piece.text, share, slack)


def _length(pieces: list[Piece]) -> int:
    return sum(len(piece.shown or "") for piece in pieces)


def _cut_to(pieces: list[Piece], room: int, cleaner: Cleaner) -> list[Block]:
    made = []
    most = shares([len(piece.shown or "") + 40 * bool(piece.unread) for piece in pieces], room)
    for piece, share in zip(pieces, most, strict=True):
        if piece.whole is not None:
            made.append(piece.whole)
            continue
        words = cut(piece.shown or "", share, piece.unread)
        if words != piece.shown:
            cleaner.notes.add(CUT)
        made.append(piece.make(words))
    return made
