"""Text in a tool's definition that people do not see, or that gives a model orders."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 50  # warnings of one tool
_AROUND = 24  # characters shown before and after what was found
_LONGEST = 160
_DEEPEST = 64

_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}|[\U000e0100-\U000e01ef]")
_ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f"
    "\u2800\u3164\ufeff\uffa0]+"
)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_ESCAPE = re.compile(
    "\x1b(?:\\[[0-9;?]*[ -/]*[@-~]?|\\][^\x07\x1b]*|.)?|\x9b[0-9;?]*[@-~]?", re.DOTALL
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9a\x9c-\x9f\u2028\u2029]+")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]+")
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{120,}={0,2}")
_COMMENT = re.compile(r"<!--.{1,400}?-->", re.DOTALL)
_GAP = r"[^.;:\n]"
_ORDERS = re.compile(
    rf"\b(?:ignore|disregard|forget|override)\b{_GAP}{{0,20}}\b(?:previous|prior|above|earlier|all)"
    rf"\b{_GAP}{{0,20}}\b(?:instruction|prompt|rule|message|guideline)s?\b"
    r"|\b(?:do not|don't|never)\s+(?:tell|inform|mention|reveal|show)\b"
    rf"{_GAP}{{0,30}}\b(?:user|human)"
    r"|<\s*/?\s*(?:important|system|secret|instructions?)\s*>"
    r"|\b(?:system|developer)\s+prompt\b"
    r"|\bbefore (?:using|calling) (?:this|any other) tool\b"
    rf"|\binstead of (?:the|using|calling)\b{_GAP}{{0,40}}\btool\b"
    r"|(?:~|/root|/home/\w+)/\.(?:ssh|aws|kube)\b|\bid_rsa\b",
    re.IGNORECASE,
)
# Without one of these no order is found: looking for them costs a tenth.
_CLUES = (
    *("ignore", "disregard", "forget", "override", "do not", "don't", "never", "<", "prompt"),
    *("before ", "instead of", "/.", "id_rsa"),
)
_SIGHTS = (
    ("tag", _TAGS),
    ("variation", _SELECTORS),
    ("zero_width", _ZERO_WIDTH),
    ("bidi", _BIDI),
    ("ansi", _ESCAPE),
    ("control", _CONTROL),
    ("private_use", _PRIVATE),
    ("base64", _BLOB),
    ("comment", _COMMENT),
    ("instruction", _ORDERS),
)


_OF_PLAIN = {"base64", "comment"}


def warnings(value: Any, where: str = "") -> list[dict[str, str]]:
    """Return what is hidden in a JSON value's texts: ``where``, ``kind``, ``excerpt``; bounded."""
    found: list[dict[str, str]] = []
    for place, text in _texts(value, where):
        for kind, sight in _sights(text):
            for match in sight.finditer(text):
                if _is_harmless(kind, text, match):
                    continue
                found.append({"where": place, "kind": kind, "excerpt": _excerpt(text, match)})
                break  # one of a kind in one text
            if len(found) >= MOST:
                return found
    return found


def visible(text: str) -> str:
    """Return a text in which every character can be seen: what cannot is spelled as ``⟨U+200B⟩``.

    Line feeds and tabs stay as they are.
    """
    if text.isascii() and "\r" not in text and _bare(text).isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(letter: str) -> str:
    if letter in "\n\t" or (letter.isprintable() and not _is_unseen(letter)):
        return letter
    return f"⟨U+{ord(letter):04X}⟩"


def _is_unseen(letter: str) -> bool:
    return not letter.isascii() and (
        unicodedata.category(letter) in ("Cf", "Co", "Cn", "Zl", "Zp")
        or _ZERO_WIDTH.match(letter) is not None
        or "\ufe00" <= letter <= "\ufe0f"
        or "\U000e0100" <= letter <= "\U000e01ef"
    )


def _sights(text: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield what could be found in a text at all."""
    is_plain = text.isascii() and _bare(text).isprintable()
    low = text.lower()
    has_clue = any(clue in low for clue in _CLUES)
    for kind, sight in _SIGHTS:
        if has_clue if kind == "instruction" else not is_plain or kind in _OF_PLAIN:
            yield kind, sight


def _bare(text: str) -> str:
    return text.replace("\n", "").replace("\t", "").replace("\r", "")


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    waiting = [(where, value, 0)]
    while waiting:
        place, each, depth = waiting.pop()
        if isinstance(each, str):
            yield place, each
        elif depth < _DEEPEST and isinstance(each, Mapping):
            for name, inner in each.items():
                step = f"{place}/{visible(str(name))[:60]}"
                yield f"{step} (its name)", str(name)
                waiting.append((step, inner, depth + 1))
        elif depth < _DEEPEST and isinstance(each, list | tuple):
            waiting += [(f"{place}/{i}", inner, depth + 1) for i, inner in enumerate(each)]


def _is_harmless(kind: str, text: str, match: re.Match[str]) -> bool:
    """Tell whether a joiner only joins: emoji to emoji, letters of scripts that need it."""
    if kind != "zero_width" or match[0] not in ("\u200c", "\u200d"):
        return False
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return bool(before and after) and not before.isascii() and not after.isascii()


def _excerpt(text: str, match: re.Match[str]) -> str:
    start, end = max(0, match.start() - _AROUND), min(match.end(), match.start() + 60) + _AROUND
    shown = visible(text[start:end]).replace("\n", " ")
    if said := "".join(chr(ord(each) - 0xE0000) for each in match[0] if _spells(each)):
        shown = f"{shown[:80]} — spells: {said}"
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _spells(letter: str) -> bool:
    return 0xE0020 <= ord(letter) <= 0xE007E
