"""Figures beside their anchors and bars, as a table for people and as JSON for machines."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

AIM, HOLDS, BELOW, UNJUDGED = "aim", "holds", "BELOW", "-"

_HEADS = ("what", "ours", "unit", "beside", "anchor", "ratio", "floor", "aim", "verdict")
_LEFT = {0, 2, 3, 8}


@dataclass(frozen=True, slots=True)
class Bar:
    """What goals.md asks of a figure: a floor that must hold and an aim.

    :param of_ratio: judges ours / anchor, not ours itself.
    :param at_most: less is better.
    """

    floor: float
    aim: float
    of_ratio: bool = True
    at_most: bool = False

    def verdict(self, judged: float) -> str:
        """Say whether a figure reaches the aim, holds the floor or stays below it."""
        sign = -1 if self.at_most else 1
        if sign * judged >= sign * self.aim:
            return AIM
        return HOLDS if sign * judged >= sign * self.floor else BELOW


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a report.

    :param ratio: ours / anchor as the rounds gave it; worked out from the two when not given.
    """

    what: str
    ours: float
    unit: str
    beside: str = ""
    anchor: float | None = None
    bar: Bar | None = None
    ratio: float | None = None

    def told(self) -> dict[str, Any]:
        """Return the figure as JSON tells it."""
        return {
            "what": self.what,
            "ours": _rounded(self.ours),
            "unit": self.unit,
            "beside": self.beside or None,
            "anchor": _rounded(self.anchor),
            "ratio": _rounded(self._ratio()),
            "bar": asdict(self.bar) if self.bar else None,
            "verdict": self.verdict(),
        }

    def verdict(self) -> str:
        """Say how the figure stands to its bar."""
        if self.bar is None:
            return UNJUDGED
        judged = self._ratio() if self.bar.of_ratio else self.ours
        return UNJUDGED if judged is None else self.bar.verdict(judged)

    def cells(self) -> tuple[str, ...]:
        """Return the figure as one row of the table."""
        ratio, bar = self._ratio(), self.bar
        limit = "" if bar is None else "≤ " if bar.at_most else "≥ "
        return (
            self.what,
            _text(self.ours),
            self.unit,
            self.beside,
            _text(self.anchor),
            _text(ratio),
            f"{limit}{bar.floor:g}" if bar else "",
            f"{limit}{bar.aim:g}" if bar else "",
            self.verdict(),
        )

    def _ratio(self) -> float | None:
        if self.ratio is not None or not self.anchor:
            return self.ratio
        return self.ours / self.anchor


@dataclass(frozen=True, slots=True)
class Report:
    """What one measurement found, and how it was done."""

    name: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()

    def told(self) -> dict[str, Any]:
        """Return the report as JSON tells it."""
        return {"figures": [figure.told() for figure in self.figures], "notes": list(self.notes)}


def table(name: str, told: dict[str, Any]) -> str:
    """Return a report, as :meth:`Report.told` gave it, as a table a person can read."""
    rows = [_HEADS, *(_figure(line).cells() for line in told["figures"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [_line(row, widths) for row in rows]
    ruled = [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]
    notes = [f"  · {note}" for note in told["notes"]]
    return "\n".join(["", name, *ruled, *notes])


def _figure(line: dict[str, Any]) -> Figure:
    kept = {name: line[name] for name in ("what", "ours", "unit", "anchor", "ratio")}
    bar = Bar(**line["bar"]) if line["bar"] else None
    return Figure(**kept, beside=line["beside"] or "", bar=bar)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if column in _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return (
        f"{value:,.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 10
        else f"{value:.2f}"
    )
