"""``bench lists``: the run list at a million runs, page by page, and one long run whole."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from awooop.console import timeline
from awooop.console.bench import counters, fill, long_run
from awooop.console.bench.processes import say
from awooop.console.bench.report import Bar, Figure, Report
from awooop.console.bench.sizes import Sizes
from awooop.kit.db import EVERYONE, pipe, tenant_tx
from awooop.kit.rest import JSONRenderer
from runs import queries
from runs.fsm import State
from runs.queries import Filters, Page

_RUNS = "awooop_run_state"
_WITH_A_PAST = (_RUNS, "awooop_run_transition", "awooop_run_step_journal")
_PROJECTS = 20
_FEW = 1_000
_MONTH_MS = 30 * 86_400_000
_LOOKS = 40

_LAST = Bar(0.8, 0.95)
_GROWTH = Bar(0.8, 0.95)
_WHOLE = Bar(15, 6, of_ratio=False, at_most=True)
_NONE_DROPPED = Bar(1, 1)
_LINEAR = Bar(1.3, 1.1, at_most=True)

# Most runs are over; a few are in each other state, and those that timed out are the oldest: an
# even spread would hide a plan that reads the list until it has found a page's worth.
_STATES = """
CASE WHEN g < %(rows)s / 50 THEN 'timeout'
     ELSE CASE (g / %(projects)s) %% 100 WHEN 0 THEN 'pending' WHEN 1 THEN 'running'
               WHEN 2 THEN 'waiting_approval' WHEN 3 THEN 'waiting_tool' WHEN 4 THEN 'failed'
               WHEN 5 THEN 'cancelled' ELSE 'completed' END END
"""
_FILL = f"""
INSERT INTO awooop_run_state
       ({fill.COLUMNS}, started_at)
SELECT {fill.IDENTITY.format(step="g * %(apart)s::bigint")}, %(project)s,
       'agent-' || (g / %(projects)s) %% 7, {_STATES}, 3, g %% 3 > 0,
       '00-' || md5(g::text) || '-' || substr(md5(%(project)s), 1, 16) || '-01', 'api', '',
       %(input)s::jsonb, repeat('0', 64), 1, 3, 4, 0, 1, at, at + interval '10 minutes', at
  FROM generate_series(%(first)s::bigint, %(last)s::bigint, %(projects)s) g,
       to_timestamp((%(ms)s::bigint + g * %(apart)s::bigint) / 1000.0) at
"""


def measure(sizes: Sizes) -> Report:
    """Measure the run list and the run detail."""
    names = fill.projects(_PROJECTS)
    fill.as_owner(
        *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in _WITH_A_PAST),
        f"ALTER TABLE {_RUNS} DROP CONSTRAINT awooop_run_state_project_fk",
        f"ALTER TABLE {_RUNS} SET (autovacuum_enabled = off)",  # not in the middle of it
    )
    few = min(_FEW, sizes.rows)
    _fill(names, 0, few - 1, sizes.rows)
    first_of_few = _quickest_first_page()
    _fill(names, few, sizes.rows - 1, sizes.rows)
    figures = [*_pages(names, first_of_few, sizes.rows), *_details(names[0])]
    notes = (
        f"{sizes.rows:,} runs of {_PROJECTS} projects over 30 days; {queries.PER_PAGE} a page; "
        f"time of runs.queries.page, lower quartiles of {_LOOKS} looks taken in turns",
        "ratios of pages are speeds: 1 means as fast as the page it is compared with",
    )
    return Report("lists", figures, notes)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who looks at which page."""

    scope: Any
    tenant: str = ""
    state: str | None = None
    agent_id: str | None = None
    older_than: UUID | None = None

    def page(self) -> Page:
        """Read the page in a transaction of its own, as the doors do."""
        filters = Filters(scope=self.scope, state=self.state, agent_id=self.agent_id)
        with pipe() as p:
            room = p.tenant_tx(self.tenant) if self.tenant else p.operator_tx(self.scope)
            with room:
                return queries.page(p, filters, older_than=self.older_than)


def _fill(names: Sequence[str], first: int, last: int, rows: int) -> None:
    apart = max(1, _MONTH_MS // rows)
    began = int(time.time() * 1000) - rows * apart
    for number, name in enumerate(names):
        if number % 5 == 0:
            say(f"making runs {first:,} to {last:,}: {100 * number // len(names)} %")
        start = first + (number - first) % len(names)
        params: dict[str, str | int] = {
            "ms": began,
            "project": name,
            "projects": len(names),
            "apart": apart,
            "first": start,
            "last": last,
            "rows": rows,
            "input": fill.INPUT,
        }
        with tenant_tx(name), connection.cursor() as cursor:
            cursor.execute(_FILL, params)
    fill.settle(_RUNS)


def _quickest_first_page() -> float:
    """The least, not a quartile: what it is compared with was another moment's."""
    (times,) = _looks([_Reader(EVERYONE)])
    return min(times)


def _in_turns(readers: Sequence[_Reader]) -> list[float]:
    """Return each reader's milliseconds: the lower quartile, which other work moves least."""
    return [_quartile(times) for times in _looks(readers)]


def _looks(readers: Sequence[_Reader]) -> list[list[float]]:
    took: list[list[float]] = [[] for _ in readers]
    for turn in range(_LOOKS + 3):
        for reader, times in zip(readers, took, strict=True):
            milliseconds = _timed(reader.page)
            if turn >= 3:  # the first ones connect, prepare and read from the disk
                times.append(milliseconds)
    return took


def _quartile(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=4)[0]


def _timed(look: Callable[[], Any]) -> float:
    began = time.perf_counter()
    look()
    return (time.perf_counter() - began) * 1000


def _pages(names: Sequence[str], first_of_few: float, rows: int) -> list[Figure]:
    middle, oldest = _key(rows // 2), _key(rows - queries.PER_PAGE)
    one, whose = [names[3]], names[3]
    readers = {
        "first page, everyone": _Reader(EVERYONE),
        "middle page, everyone": _Reader(EVERYONE, older_than=middle),
        "last page, everyone": _Reader(EVERYONE, older_than=oldest),
        "first page, one project": _Reader(one),
        "last page, one project": _Reader(one, older_than=oldest),
        "first page, tenant": _Reader(one, whose),
        "last page, tenant": _Reader(one, whose, older_than=oldest),
        **{f"first page, {state.value}": _Reader(EVERYONE, state=state) for state in State},
        "last page, failed": _Reader(EVERYONE, state="failed", older_than=oldest),
        "first page, tenant, failed": _Reader(one, whose, state="failed"),
        "first page, one agent": _Reader(EVERYONE, agent_id="agent-3"),
        "first page, no such agent": _Reader(EVERYONE, agent_id="nobody"),
    }
    say("reading pages")
    times = dict(zip(readers, _in_turns(list(readers.values())), strict=True))
    first = times["first page, everyone"]
    figures = [Figure("first page, everyone", first, "ms"), _growth(first_of_few)]
    for name, took in list(times.items())[1:]:
        base = name.replace("last", "first").replace("middle", "first")
        if base == name:
            figures.append(Figure(name, took, "ms"))
        else:
            bar, ratio = (_LAST, times[base] / took)
            figures.append(Figure(name, took, "ms", "first page", times[base], bar, ratio))
    return [*figures, _statements()]


def _growth(first_of_few: float) -> Figure:
    first, beside = _quickest_first_page(), f"at {_FEW:,} runs"
    ratio = first_of_few / first
    return Figure("the same, quickest", first, "ms", beside, first_of_few, _GROWTH, ratio)


def _statements() -> Figure:
    with counters.trips() as counted:
        _Reader(EVERYONE).page()
    return Figure("statements of a page, its transaction's included", counted.statements, "")


def _key(newer: int) -> UUID:
    """The run with ``newer`` runs above it."""
    sql = f"SELECT run_id FROM {_RUNS} ORDER BY run_id DESC OFFSET %s LIMIT 1"
    with pipe() as p, p.operator_tx(EVERYONE):
        found = p.send(sql, [max(0, newer - 1)])
    identity: UUID = found.fetchone()[0]  # type: ignore[index]
    return identity


def _details(project: str) -> list[Figure]:
    say("making long runs")
    whole, double = long_run.make(project, 1_000, 800), long_run.make(project, 2_000, 1_600)
    looks = [(_detail(whole), _detail(double)) for _ in range(_LOOKS)]
    took = _quartile([one for one, _ in looks])
    longer = _quartile([other for _, other in looks])
    items = len(_collected(whole).timeline)
    return [
        Figure("timeline of 1,000 steps + 800 other rows, JSON", took, "ms", bar=_WHOLE),
        Figure("the same twice as long", longer, "ms", "twice", 2 * took, _LINEAR),
        Figure("items in its timeline", items, "", "rows made", 1_801, _NONE_DROPPED),
    ]


def _detail(run_id: UUID) -> float:
    return _timed(lambda: _told(_collected(run_id)))


def _collected(run_id: UUID) -> timeline.Whole:
    with pipe() as p, p.operator_tx(EVERYONE):
        whole = timeline.collect(p, run_id)
    assert whole is not None
    return whole


def _told(whole: timeline.Whole) -> bytes:
    items = [item.told() for item in whole.timeline]
    spelled: bytes = JSONRenderer().render({"run": whole.run, "timeline": items})
    return spelled
