"""What was made of a very object, for as long as that object is in use."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class OfObject(Generic[K, V]):
    """Makes something of an object once; another object, however equal, is another matter.

    :param most: objects that are remembered; then all are forgotten.
    """

    def __init__(self, make: Callable[[K], V], most: int = 1_000) -> None:
        """Remember nothing yet."""
        self._make, self._most = make, most
        self._kept: dict[int, tuple[K, V]] = {}

    def __call__(self, of: K) -> V:
        """Return what was made, or make it; raises what the making raises."""
        kept = self._kept.get(id(of))
        if kept is not None and kept[0] is of:  # held, so that no other can have its id
            return kept[1]
        made = self._make(of)
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[id(of)] = (of, made)
        return made
