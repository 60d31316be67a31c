"""``bench doors``: orders placed over HTTP, beside a bare view on the same kind of server."""

import contextlib
from dataclasses import dataclass, field
from typing import Any

from awooop.console.bench import bare_urls, chores, fill, processes, raw
from awooop.console.bench.processes import Helper, helpers, say
from awooop.console.bench.report import Bar, Figure, Report
from awooop.console.bench.sizes import Sizes, median
from runs import orders

_PROJECT = "bench0"
_LINES = 8
_EVENTS = 50
_FRESH, _AGAIN = Bar(0.4, 0.5), Bar(1.2, 1.5)
_RUNS_PATH, _BARE_PATH = "/v1/platform/runs", "/bare"
_BARE_APP = "awooop.console.bench.bare:application"


def measure(sizes: Sizes) -> Report:
    """Measure the door that creates runs."""
    key = fill.onboard(_PROJECT)
    _build()
    with contextlib.ExitStack() as stack:
        (client,) = stack.enter_context(helpers(1))
        ports = {
            "ours": stack.enter_context(processes.web()),
            "bare": stack.enter_context(processes.web(_BARE_APP)),
            "lean": stack.enter_context(processes.web(_BARE_APP, AWOOOP_BENCH_LEAN="1")),
        }
        rounds = _Rounds(client, key, ports, max(0.3, sizes.seconds))
        for number in range(sizes.rounds):
            say(f"round {number + 1} of {sizes.rounds}: fresh, again, bare")
            rounds.play()
    notes = (
        f"one uvicorn process each, {_LINES} keep-alive connections from another process; medians "
        f"of {sizes.rounds} rounds with their anchors beside them",
        "bare view: no credential, one row, one commit; without row level security",
    )
    return Report("doors", rounds.figures(), notes)


@dataclass
class _Rounds:
    """The same doors, asked in turns."""

    client: Helper
    key: str
    ports: dict[str, int]
    seconds: float
    seen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def play(self) -> None:
        """Ask every door once."""
        known = [_known() for _ in range(_EVENTS)]
        for web, path in (("ours", _RUNS_PATH), ("bare", _BARE_PATH), ("lean", _BARE_PATH)):
            self._ask(f"warm {web}", web, path, {201}, seconds=0.2)
        self._ask("bare", "bare", _BARE_PATH, {201})
        self._ask("fresh", "ours", _RUNS_PATH, {201})
        self._ask("again", "ours", _RUNS_PATH, {200}, events=known)
        self._ask("lean", "lean", _BARE_PATH, {201})

    def _ask(
        self, name: str, web: str, path: str, allowed: set[int], *, seconds: float = 0, **more: Any
    ) -> None:
        given = {"port": self.ports[web], "path": path, "key": self.key, "lines": _LINES, **more}
        found = self.client.do("post", seconds=seconds or self.seconds, **given)
        if not found["statuses"].keys() <= {str(status) for status in allowed}:
            raise RuntimeError(f"{path} answered {found['statuses']}")
        self.seen.setdefault(name, []).append(found)

    def figures(self) -> list[Figure]:
        """Return what the rounds found."""
        return [
            self._line("POST runs, fresh", "fresh", "bare view", "bare", _FRESH),
            self._line("POST runs, duplicate", "again", "fresh", "fresh", _AGAIN),
            self._line("POST runs, fresh", "fresh", "bare, no middleware", "lean"),
            Figure("POST runs, fresh, p50", self._middle("fresh", "p50_ms"), "ms"),
            Figure("POST runs, duplicate, p50", self._middle("again", "p50_ms"), "ms"),
            Figure("bare view, p50", self._middle("bare", "p50_ms"), "ms"),
        ]

    def _line(
        self, what: str, ours: str, beside: str, anchor: str, bar: Bar | None = None
    ) -> Figure:
        pairs = zip(self.seen[ours], self.seen[anchor], strict=True)
        ratio = median([one["rate"] / other["rate"] for one, other in pairs])
        rates = self._middle(ours, "rate"), self._middle(anchor, "rate")
        return Figure(what, rates[0], "/s", beside, rates[1], bar, ratio)

    def _middle(self, name: str, field_name: str) -> float:
        return median([found[field_name] for found in self.seen[name]])


def _known() -> str:
    """An event that has its run."""
    order = chores.order(_PROJECT)
    orders.place(order)
    assert order.provider_event_id is not None
    return order.provider_event_id


def _build() -> None:
    fill.as_owner(
        f"CREATE TABLE {bare_urls.TABLE} (LIKE {raw.OURS[raw.RUNS]} INCLUDING ALL)",
        f"GRANT SELECT, INSERT ON {bare_urls.TABLE} TO awooop_app",
    )
