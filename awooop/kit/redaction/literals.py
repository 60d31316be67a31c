"""Many literals looked for in one text: first the rarest character of each, then the literal."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

# What logs and prose hold least of comes first. A guess about speed only: any order is right.
_RAREST = (
    "\\^|!&V#<`~;?X>Y%JQZj$HKL[z'M]GUq+FBWNCO*I{}@D9PR()S,7AET8v3x64f=_5wy/b"
    '"g2-hm.k0ul1pc:idnroatse'
)
_RANK = {character: rank for rank, character in enumerate(_RAREST)}


class Index(Generic[T]):
    """Items, each under a literal that a text must hold."""

    def __init__(self, items: Iterable[tuple[str, T]]) -> None:
        """Sort the items by the character they need most seldom."""
        groups: dict[str, list[tuple[int, str, T]]] = defaultdict(list)
        for number, (literal, item) in enumerate(items):
            rarest = min(literal, key=lambda character: _RANK.get(character, -1))
            groups[rarest].append((number, literal, item))
        self._groups = tuple(groups.items())

    def present(self, text: str) -> Iterator[T]:
        """Yield the items whose literal is in the text, in the order they were given."""
        found = [
            (number, item)
            for character, group in self._groups
            if character in text
            for number, literal, item in group
            if literal in text
        ]
        if len(found) > 1:
            found.sort(key=lambda one: one[0])
        for _, item in found:
            yield item
