"""Which names people take for one another: the skeletons of UTS #39, with case folded."""

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from gateway import disguises

_DATA = Path(__file__).with_name("confusables.txt")


@lru_cache(maxsize=10_000)
def skeleton(text: str) -> str:
    """Return what two names have in common exactly when they can be taken for one another."""
    for _ in range(2):  # what case folding brings forth may pass for something again
        text = unicodedata.normalize("NFKD", text).translate(_prototypes())
        text = disguises.fold(text).casefold()
    return text


@cache
def _prototypes() -> dict[int, str]:
    table: dict[int, str] = {}
    for line in _DATA.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            prototype, others = line.split(" ")
            table |= dict.fromkeys(map(ord, others), prototype)
    return table
