"""Other readings of a text: without invisible characters and colours, with escapes undone."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from awooop.kit.redaction import values

# One full-width, circled or mathematical character for one of ASCII: positions stay (UAX #15).
_BLOCKS = (
    (0xA0, 0x2FFF),
    (0x3000, 0x3001),
    (0xFE00, 0x10000),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F190),
    (0x1FBF0, 0x1FBFA),
)
_FOLDS = {
    code: form
    for first, beyond in _BLOCKS
    for code in range(first, beyond)
    if len(form := unicodedata.normalize("NFKC", chr(code))) == 1 and " " <= form <= "~"
}
# Apart, since one class that reaches beyond the basic plane is searched a hundred times slower.
_FOLDED, _FOLDED_BEYOND = (
    re.compile("[" + "".join(re.escape(chr(code)) for code in sorted(_FOLDS) if fits(code)) + "]")
    for fits in (lambda code: code <= 0xFFFF, lambda code: code > 0xFFFF)
)
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_NOISE = re.compile(
    "\x1b(?:\\[[0-?]{0,32}[ -/]{0,4}[@-~]|\\][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\\\)|[@-Z\\\\^_])"
    "|\\\\(?:x1b|u001b|033|e)\\[[0-9;]{0,16}m"
    "|[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff\x00-\x08\x0e-\x1a]"
)
_ESCAPE = re.compile(
    r"%(?:25)?[0-9A-Fa-f]{2}|\\{1,4}u(?:00[0-9A-Fa-f]{2}|\{00[0-9A-Fa-f]{2}\})|\\{1,4}x[0-9A-Fa-f]{2}"
    r"|&#(?:[xX][0-9A-Fa-f]{2}|[0-9]{2,3});"
)
_QUERY = re.compile(_ESCAPE.pattern + r"|(?<=[\w.-])\+(?=[\d%])")  # there, a plus is a space
_HEX = re.compile(r"[0-9A-Fa-f]{2,3}(?=[};]?\Z)")
_LONG = re.compile(r"[A-Za-z0-9_+/.-]{14,}+(?:={1,2}|(?:%3[Dd]){1,2})?")
_LINES = re.compile(
    r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{60,76}(?:\r?\n[ \t]{0,16}|\\n)){1,2000}"
    r"[A-Za-z0-9+/]{2,76}={0,2}"
)
_NEWLINE = re.compile(r"\s+|\\n")
_HEXED = re.compile(r"(?:[2-7][0-9a-fA-F]){10,}")
_PART = re.compile(r"[A-Za-z0-9_+/-]{14,}={0,2}")


@dataclass(frozen=True, slots=True)
class View:
    """Another reading of a text, and where each of its stretches comes from."""

    text: str
    starts: list[int]  # in the view
    origins: list[tuple[int, int]]  # where a stretch begins in the source; its length if escaped

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the source of a stretch of the view."""
        return self._at(start, 0), self._at(end - 1, 1)

    def _at(self, at: int, beyond: int) -> int:
        index = bisect_right(self.starts, at) - 1
        origin, size = self.origins[index]
        return origin + (size * beyond if size else at - self.starts[index] + beyond)


def folded(text: str) -> str:
    """Return the text with compatibility forms of ASCII as ASCII, character by character."""
    if text.isascii():
        return text
    text = _FOLDED.sub(_fold, text)
    return _FOLDED_BEYOND.sub(_fold, text) if _BEYOND.search(text) else text


def _fold(match: re.Match[str]) -> str:
    return _FOLDS[ord(match.group())]


def quiet(text: str) -> tuple[str, View] | None:
    """Return the text with its noise blanked, and a view without it; None if there is none."""
    if not _NOISE.search(text):
        return None
    pieces, starts, origins, at, size = [], [0], [(0, 0)], 0, 0
    for match in _NOISE.finditer(text):
        pieces.append(text[at : match.start()])
        size += match.start() - at
        at = match.end()
        starts.append(size)
        origins.append((at, 0))
    pieces.append(text[at:])
    blank = _NOISE.sub(lambda match: " " * len(match.group()), text)
    return blank, View("".join(pieces), starts, origins)


def unescaped(text: str) -> View | None:
    """Return a view of the lines that hold escapes, with those of printable ASCII undone."""
    query = "+" in text and "=" in text and ("?" in text or "&" in text)
    if not query and "%" not in text and "\\" not in text and "&#" not in text:
        return None
    pieces: list[str] = []
    starts: list[int] = []
    origins: list[tuple[int, int]] = []
    size, at, line_end, telling = 0, -1, -1, False
    for match in (_QUERY if query else _ESCAPE).finditer(text):
        character = _character(match.group())
        if character is None:
            continue
        # A space is escaped everywhere and hides nothing, but for the word its last digit touches.
        telling = telling or character != " " or text[match.end() : match.end() + 1].isalnum()
        if match.start() >= line_end:
            if line_end >= 0:
                size = _append(pieces, starts, origins, size, text[at:line_end] + "\n", at)
            at = text.rfind("\n", max(line_end, 0), match.start()) + 1
            at = max(at, 0, line_end)
            line_end = text.find("\n", match.end())
            line_end = len(text) if line_end < 0 else line_end
        size = _append(pieces, starts, origins, size, text[at : match.start()], at)
        starts.append(size)
        origins.append((match.start(), match.end() - match.start()))
        pieces.append(character)
        size, at = size + 1, match.end()
    if not telling:
        return None
    _append(pieces, starts, origins, size, text[at:line_end], at)
    return View("".join(pieces), starts, origins)


def _append(
    pieces: list[str],
    starts: list[int],
    origins: list[tuple[int, int]],
    size: int,
    piece: str,
    origin: int,
) -> int:
    if piece:
        pieces.append(piece)
        starts.append(size)
        origins.append((origin, 0))
    return size + len(piece)


def _character(escape: str) -> str | None:
    if escape.startswith("&#") and escape[2] not in "xX":
        code = int(escape[2:-1])
    elif escape[0] == "%":
        code = int(escape[-2:], 16)
    elif escape == "+":
        return " "
    else:
        match = _HEX.search(escape)
        code = int(match.group(), 16) if match else 0
    return chr(code) if 0x20 <= code <= 0x7E else None


def encoded(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a text holds base64, or hex, of another text, and that text."""
    for match in _LINES.finditer(text):
        if plain := values.decoded(_NEWLINE.sub("", match.group())):
            yield match.start(), match.end(), plain
    for match in _LONG.finditer(text):
        token = match.group()
        if _HEXED.fullmatch(token):
            yield match.start(), match.end(), bytes.fromhex(token).decode("ascii", "replace")
        plain = (
            values.decoded(token.replace("%3D", "=").replace("%3d", "="))
            if "." not in token
            else None
        )
        if plain:
            yield match.start(), match.end(), plain
        elif "/" in token or "." in token or "-" in token:
            yield from _parts(match.start(), token)


def _parts(at: int, token: str) -> Iterator[tuple[int, int, str]]:
    for separator in "./-":
        offset = 0
        for part in token.split(separator) if separator in token else ():
            if len(part) >= 14 and (plain := values.decoded(part)):
                yield at + offset, at + offset + len(part), plain
            offset += len(part) + 1
