"""``bench audit``: evidence written by many threads, beside plain inserts into an equal table."""

from dataclasses import dataclass, field
from typing import Any

from awooop.console.bench import evidence, fill
from awooop.console.bench.processes import Helper, helpers, say
from awooop.console.bench.report import Bar, Figure, Report
from awooop.console.bench.sizes import Sizes, median

_PROCESSES, _THREADS = 2, 8
_ONE, _EIGHT = ("bench0",), tuple(f"bench{number}" for number in range(8))
_PLAIN_RATE = 3_000  # rows/s both processes write, about
_FLOORS = {"one": Bar(0.4, 0.6), "eight": Bar(0.7, 0.9)}


def measure(sizes: Sizes) -> Report:
    """Measure what the chain costs: the order of its rows, the sums, the redaction."""
    fill.as_owner(*evidence.PLAIN)
    with helpers(_PROCESSES) as writers:
        rounds = _Rounds(writers, sizes.of_rate(_PLAIN_RATE) // (_PROCESSES * _THREADS))
        for number in range(sizes.rounds):
            say(f"round {number + 1} of {sizes.rounds}: plain, one chain, eight chains")
            rounds.play()
    notes = (
        f"{_PROCESSES} processes of {_THREADS} threads, a commit a row; medians of {sizes.rounds} "
        "rounds with their anchors beside them",
        "plain insert: the same columns, indexes and walls; no redaction, no sums, no order",
    )
    return Report("audit", rounds.figures(), notes)


@dataclass
class _Rounds:
    """The same rows, written in turns."""

    writers: list[Helper]
    each: int
    seen: dict[str, list[float]] = field(default_factory=dict)

    def play(self) -> None:
        """Write them every way once."""
        for name, projects, chained in (
            ("plain one", _ONE, False),
            ("one", _ONE, True),
            ("plain eight", _EIGHT, False),
            ("eight", _EIGHT, True),
        ):
            self._write("warm", projects, chained, each=3)
            self._write(name, projects, chained, each=self.each)

    def _write(self, name: str, projects: tuple[str, ...], chained: bool, *, each: int) -> None:
        given: dict[str, Any] = {"projects": projects, "threads": _THREADS, "each": each}
        for writer in self.writers:
            writer.ask("evidence", chained=chained, **given)
        spans = [writer.answer() for writer in self.writers]
        began, ended = min(s["began"] for s in spans), max(s["ended"] for s in spans)
        self.seen.setdefault(name, []).append(sum(s["count"] for s in spans) / (ended - began))

    def figures(self) -> list[Figure]:
        """Return what the rounds found."""
        return [
            self._line("rows of one project", "one"),
            self._line("rows spread over eight", "eight"),
        ]

    def _line(self, what: str, name: str) -> Figure:
        ours, plain = self.seen[name], self.seen[f"plain {name}"]
        ratio = median([one / other for one, other in zip(ours, plain, strict=True)])
        bar = _FLOORS[name]
        return Figure(what, median(ours), "/s", "plain insert", median(plain), bar, ratio)
