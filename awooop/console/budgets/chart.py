"""What each day cost, as a chart drawn here: shapes only, so that it needs no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from awooop.console.budgets import figures

_TALL, _STEP, _WIDE, _GAP = 100, 10, 7, Decimal("1.5")
_FAR = 3  # a limit this many times above the highest day would flatten the days


@dataclass(frozen=True, slots=True)
class Bar:
    """One day, in the chart's own measures."""

    x: str
    y: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and its words; ``limit_y`` is empty where the day's limit is beyond it."""

    bars: list[Bar]
    width: int
    wide: int
    limit_y: str
    top: str
    middle: str
    days: list[str]
    total: str
    most: str
    most_on: str


def of(days: Sequence[Mapping[str, Any]], limit: Decimal | None) -> Chart | None:
    """Return the chart of some days, oldest first; None when none of them cost anything."""
    highest = max(days, key=lambda day: day["spent_usd"], default=None)
    if highest is None or not highest["spent_usd"]:
        return None
    most = highest["spent_usd"]
    is_near = limit is not None and limit <= most * _FAR
    top = _round_above(max(most, limit) if is_near and limit is not None else most)
    bars = [_bar(at, day, top) for at, day in enumerate(days)]
    return Chart(
        bars=bars,
        width=_STEP * len(days),
        wide=_WIDE,
        limit_y=f"{_height(top - limit, top):.2f}" if is_near and limit is not None else "",
        top=figures.usd(top),
        middle=figures.usd(top / 2),
        days=[f"{days[at]['day']:%m-%d}" for at in _labelled(len(days))],
        total=figures.usd(sum((day["spent_usd"] for day in days), Decimal(0))),
        most=figures.usd(most),
        most_on=str(highest["day"]),
    )


def _bar(at: int, day: Mapping[str, Any], top: Decimal) -> Bar:
    height = _height(day["spent_usd"], top)
    if day["spent_usd"]:
        height = max(height, Decimal(1))  # a little is not nothing
    title = f"{day['day']}: {figures.usd(day['spent_usd'])} USD"
    return Bar(f"{at * _STEP + _GAP}", f"{_TALL - height:.2f}", f"{height:.2f}", title)


def _height(amount: Decimal, top: Decimal) -> Decimal:
    return amount * _TALL / top


def _round_above(amount: Decimal) -> Decimal:
    """Return the least of 1, 2, 5, 10, 20 … and their tenths that is not below an amount."""
    unit = Decimal(1).scaleb(amount.adjusted())
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= amount)


def _labelled(count: int) -> list[int]:
    """Return which days are named: the first, the last, and some in even steps between."""
    return sorted({round(step * (count - 1) / 4) for step in range(5)})
