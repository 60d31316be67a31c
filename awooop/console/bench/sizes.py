"""How much a bench does."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_SECONDS = 1.5
_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of a bench.

    :param seconds: about how long one measurement of a round takes.
    :param rows: how many runs the lists hold.
    :param pace: how fast this machine is just now, beside the one the rates were written for.
    """

    seconds: float = _SECONDS
    rows: int = _ROWS
    pace: float = 1.0

    @property
    def rounds(self) -> int:
        """How often a noisy comparison is repeated."""
        return 3 if self.seconds >= 1 else 1

    def of_rate(self, per_second: float, *, least: int = 10) -> int:
        """Return how many operations fill one measurement at about that rate.

        Counts, not times, because waiting runs are laid out before; ``pace`` keeps a slow disk from
        making it a matter of minutes.
        """
        return max(least, int(self.seconds * per_second * self.pace))


def median(values: Sequence[float]) -> float:
    """Return the middle of the rounds, which one disturbed round does not move."""
    return statistics.median(values)
