"""Text as people would see it: without the characters that only a model reads."""

import re

_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
_HIDDEN = re.compile(
    # Colours, cursor moves and titles of terminals; the second line begins with C1's own letters.
    "\x1b(?:\\[[0-?]{0,32}[ -/]{0,4}[@-~]|[\\]PX^_][^\x07\x1b\n]{0,256}(?:\x07|\x1b\\\\)|[ -~])"
    "|\x9b[0-?]{0,32}[ -/]{0,4}[@-~]"
    # Controls but for tab and line ends; soft hyphens, fillers, marks of direction and of width.
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"
    "\ufe00-\ufe0d\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # What joins and colours emoji is hidden elsewhere.
    f"|(?<![\ufe0f{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])"
    f"|(?<![0-9#*\u00a9\u00ae\u203c-\u3299{_EMOJI}])[\ufe0e\ufe0f]"
)
_HALF = re.compile("[\ud800-\udfff]")


def of(text: str) -> str:
    """Return the text without hidden characters and terminal commands, and fit for UTF-8."""
    if text.isascii() and text.isprintable():
        return text
    return _HALF.sub("\ufffd", _HIDDEN.sub("", text))
