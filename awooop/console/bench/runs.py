"""``bench runs``: the life of shadow runs beside the same rows in bare SQL, round by round."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from awooop.console.bench import counters, fill, latency, pgbench, raw
from awooop.console.bench.processes import Helper, helpers, say
from awooop.console.bench.raw import CLIENTS
from awooop.console.bench.report import Bar, Figure, Report
from awooop.console.bench.sizes import Sizes, median

_OURS = tuple(raw.OURS.values())
_RAW = tuple(raw.OURS)
_RUNS = "awooop_run_state"

# What stood beside the bare limit when the bars were set: 964 and 3,620 of 3,270 a second.
_DRAIN = Bar(0.6, 1.2)
_WHILE_WORKED = Bar(0.29, 0.44)
_LOG = Bar(2, 1.5, at_most=True)
_SLICES = 4
_PROBED = 25  # runs a client
_USUAL_PACE = 2_500.0


@dataclass
class _Rounds:
    """The same comparisons, a few times: ours and its anchors side by side in each."""

    sizes: Sizes
    projects: list[str]
    pool: Sequence[Helper]
    seen: dict[str, list[float]] = field(default_factory=dict)

    def play(self) -> None:
        """Play every round."""
        for number in range(self.sizes.rounds):
            say(
                f"round {number + 1} of {self.sizes.rounds}: create, claim, drain, create and drain"
            )
            self._creates()
            self._claims()
            self._drains()
            self._while_worked()

    def middle(self, name: str) -> float:
        """Return the median of what the rounds saw."""
        return median(self.seen[name])

    def ratio(self, ours: str, anchor: str) -> float:
        """Return the median of the rounds' ratios."""
        pairs = zip(self.seen[ours], self.seen[anchor], strict=True)
        return median([one / other for one, other in pairs])

    def _note(self, name: str, value: float) -> None:
        self.seen.setdefault(name, []).append(value)

    def _creates(self) -> None:
        fill.renew((*_OURS, *_RAW))
        self._note("raw create 1", self._bare(raw.CREATE, 1, self.sizes.of_rate(400)))
        self._note("create 1", self._create(self.pool[:1], threads=1, each=self.sizes.of_rate(500)))
        self._note("raw create 8", self._bare(raw.CREATE, CLIENTS, self.sizes.of_rate(250)))
        each = self.sizes.of_rate(125)
        self._note("create 8", self._create(self.pool[:2], threads=CLIENTS // 2, each=each))

    def _create(self, pool: Sequence[Helper], *, threads: int, each: int) -> float:
        given = {"projects": self.projects, "threads": threads, "each": each}
        return rate(together((helper, "create", given) for helper in pool))

    def _bare(self, script: raw.Script, clients: int, each: int) -> float:
        return pgbench.rate(script, clients=clients, each=each, helpers=self.pool)

    def _claims(self) -> None:
        each = self.sizes.of_rate(200)
        fill.renew(_RAW)
        fill.pending(raw.RUNS, self.projects, 2 * each)
        fill.settle(raw.RUNS)
        self._note("raw claim 1", self._bare(raw.CLAIM, 1, each))
        self._note("raw claim 8", self._bare(raw.CLAIM, CLIENTS, each))
        spans = [self._claim() for _ in range(3)]
        self._note("claim", sum(s["count"] for s in spans) / sum(map(_seconds, spans)))

    def _claim(self) -> dict[str, Any]:
        """As many as a project may have in hand: more would never be asked for at once."""
        fill.renew(_OURS)
        fill.pending(_RUNS, self.projects, 100)
        fill.settle(_RUNS)
        span: dict[str, Any] = self.pool[0].do("claim")
        return span

    def _drains(self) -> None:
        each = self.sizes.of_rate(200)
        self._note("raw drain 8 before", self._bare_drain(CLIENTS, each))
        self._note("drain 1", self._drain(self.pool[:1]))
        self._note("drain 2", self._drain(self.pool[:2]))
        self._note("raw drain 1", self._bare_drain(1, each))
        after = self._bare_drain(CLIENTS, each)
        self._note("raw drain 8", (self.seen["raw drain 8 before"][-1] + after) / 2)

    def _bare_drain(self, clients: int, each: int) -> float:
        fill.renew(_RAW)
        fill.pending(raw.RUNS, self.projects[:clients], each)
        fill.settle(raw.RUNS)
        return self._bare(raw.WORK, clients, each)

    def _drain(self, pool: Sequence[Helper]) -> float:
        fill.renew(_OURS)
        fill.pending(_RUNS, self.projects, self.sizes.of_rate(300))
        fill.settle(_RUNS)
        return rate(together((helper, "drain", {}) for helper in pool))

    def _while_worked(self) -> None:
        fill.renew(_OURS)
        seconds = max(self.sizes.seconds, 0.5)
        creator, *workers = self.pool[:3]
        given = {"projects": self.projects, "threads": 4, "seconds": seconds}
        asked = [(helper, "work", {"seconds": seconds}) for helper in workers]
        spans = together([(creator, "create", given), *asked])
        self._note("created while worked", rate(spans[:1]))
        self._note("worked while created", rate(spans[1:]))


def measure(sizes: Sizes) -> Report:
    """Measure the life of shadow runs."""
    projects = fill.projects(CLIENTS)
    raw.build()
    with helpers(4) as pool:
        sizes = replace(sizes, pace=_pace(projects, pool))
        rounds = _Rounds(sizes, projects, pool)
        rounds.play()
        figures = [*_speeds(rounds), *_counts(sizes, projects, pool)]
    fill.renew(_OURS)
    figures += latency.figures(projects[0], orders=min(200, int(sizes.seconds * 150)))
    notes = (
        f"anchors: bare SQL under the same row level security, one commit a step, {CLIENTS} "
        f"clients with a project each, tables emptied and vacuumed before; by {pgbench.driver()}",
        f"ratios are medians of {sizes.rounds} rounds, each with its anchors beside it; "
        f"claims take {settings.RUN_BATCH} at once; {len(fill.TOOLS)} steps a run",
        f"bytes of log: the least of {_SLICES} slices after a warm-up",
    )
    return Report("runs", figures, notes)


def _pace(projects: Sequence[str], pool: Sequence[Helper]) -> float:
    fill.pending(raw.RUNS, projects, _PROBED)
    found = pgbench.rate(raw.WORK, clients=CLIENTS, each=_PROBED, helpers=pool)
    return min(1.0, found / _USUAL_PACE)


def together(asked: Iterable[tuple[Helper, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Let helpers do their chores at the same time."""
    begun = []
    for helper, chore, given in asked:
        helper.ask(chore, **given)
        begun.append(helper)
    return [helper.answer() for helper in begun]


def rate(spans: Sequence[dict[str, Any]]) -> float:
    """Return what helpers did a second, from the first one's begin to the last one's end."""
    took = max(s["ended"] for s in spans) - min(s["began"] for s in spans)
    return float(sum(s["count"] for s in spans) / took)


def _seconds(span: dict[str, Any]) -> float:
    return float(span["ended"] - span["began"])


def _speeds(rounds: _Rounds) -> list[Figure]:
    def line(what: str, ours: str, beside: str, anchor: str, bar: Bar | None = None) -> Figure:
        ratio = rounds.ratio(ours, anchor)
        return Figure(what, rounds.middle(ours), "/s", beside, rounds.middle(anchor), bar, ratio)

    return [
        line("created, 1 client", "create 1", "bare, 1 client", "raw create 1"),
        line("created, 8 clients in 2 processes", "create 8", "bare, 8 clients", "raw create 8"),
        line("claimed, 1 worker", "claim", "bare, 8 clients", "raw claim 8"),
        line("claimed, 1 worker", "claim", "bare, 1 client", "raw claim 1"),
        line("drained, 1 worker", "drain 1", "bare, 8 clients", "raw drain 8", _DRAIN),
        line("drained, 2 workers", "drain 2", "bare, 8 clients", "raw drain 8"),
        line("drained, 1 worker", "drain 1", "bare, 1 client", "raw drain 1"),
        line(
            "created while worked, 2 workers",
            "created while worked",
            "bare drain, 8 clients",
            "raw drain 8",
            _WHILE_WORKED,
        ),
        line("drained meanwhile", "worked while created", "created", "created while worked"),
    ]


def _counts(sizes: Sizes, projects: list[str], pool: Sequence[Helper]) -> list[Figure]:
    say("counting commits, round trips and bytes of log")
    for helper in pool:
        helper.do("leave")
    count = sizes.of_rate(200, least=5 * CLIENTS) // CLIENTS * CLIENTS
    waits: list[int] = []

    def live() -> None:
        waits.append(pool[0].do("walk", projects=projects, count=count)["waits"])

    def live_bare() -> None:
        pgbench.rate(raw.CREATE, clients=CLIENTS, each=count // CLIENTS, helpers=pool)
        pgbench.rate(raw.WORK, clients=CLIENTS, each=count // CLIENTS, helpers=pool)

    fill.renew((*_OURS, *_RAW))
    commits, log = _cost(live, pool[0])
    bare_commits, bare_log = _cost(live_bare, pool[0])
    trips = min(waits) / count
    most = Bar(3, 2.1, of_ratio=False, at_most=True)
    return [
        Figure("commits a run", commits / count, "", "bare", bare_commits / count, most),
        Figure("round trips a run", trips, "", bar=Bar(6, 2.2, of_ratio=False, at_most=True)),
        Figure("log a run", log / count, "bytes", "bare", bare_log / count, _LOG),
        Figure(
            "heartbeats in place (HOT)",
            _hot_share(pool[0], projects, sizes),
            "of all",
            bar=Bar(0.9, 0.98, of_ratio=False),
        ),
    ]


def _cost(live: Callable[[], Any], worker: Helper) -> tuple[float, float]:
    """Return the commits of a slice, as their mean, and its bytes of log, as their least."""
    live()  # the first pages and plans
    worker.do("leave")
    before = counters.commits()
    log = min(counters.log_bytes(live) for _ in range(_SLICES))
    worker.do("leave")
    return (counters.commits() - before) / _SLICES, log


def _hot_share(worker: Helper, projects: list[str], sizes: Sizes) -> float:
    """Claims are never in place, because the state is indexed: what is, was a heartbeat."""
    fill.renew(_OURS)
    fill.pending(_RUNS, projects, 100)
    fill.settle(_RUNS)
    before = counters.updates_in_place(_RUNS)
    span = worker.do("heartbeat", beats=sizes.of_rate(100))
    worker.do("leave")
    after = counters.updates_in_place(_RUNS)
    return float((after - before) / span["count"])
