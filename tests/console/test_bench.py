"""`manage.py bench`: that it measures what it says, tells all of it, and leaves nothing behind."""

import json
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connections

from awooop.console.bench import report, scratch
from awooop.console.bench.report import Bar, Figure, Report

FIGURES = (
    "created, 1 client",
    "created, 8 clients in 2 processes",
    "claimed, 1 worker",
    "drained, 1 worker",
    "drained, 2 workers",
    "created while worked, 2 workers",
    "commits a run",
    "round trips a run",
    "log a run",
    "heartbeats in place (HOT)",
    "order to start, p50",
    "order to start, p99",
    "ring to start, p50",
    "ring to start, p99",
)


def bench(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", "bench", *arguments],
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        env={**environment, "DJANGO_SETTINGS_MODULE": "awooop.settings"},
        timeout=120,
    )


def left_behind(told: str) -> list[str]:
    """Return which of the scratch databases that a bench told of are still there."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE datname = ANY (%s)",
            [re.findall(r"scratch database (\w+)", told)],
        )
        return [name for (name,) in cursor.fetchall()]


class TestBench:
    def test_measures_runs_and_leaves_nothing(self, process_env: dict[str, str]) -> None:
        ended = bench("runs", "--json", "--seconds", "0.02", environment=process_env)
        assert ended.returncode == 0, ended.stderr
        found = json.loads(ended.stdout)["runs"]["figures"]
        told = {figure["what"]: figure for figure in found}
        assert set(FIGURES) <= set(told)
        assert all(figure["ours"] > 0 for figure in found)
        assert all(figure["anchor"] > 0 for figure in found if figure["beside"])
        assert 2 <= told["commits a run"]["ours"] < 12  # so few runs share those of connecting
        assert 1 <= told["round trips a run"]["ours"] < 6
        assert "scratch database" in ended.stderr
        assert left_behind(ended.stderr) == []

    def test_measures_the_gateway(self, process_env: dict[str, str]) -> None:
        ended = bench("gateway", "--json", "--seconds", "0.05", environment=process_env)
        assert ended.returncode == 0, ended.stderr
        told = {each["what"]: each for each in json.loads(ended.stdout)["gateway"]["figures"]}
        assert told["calls, 8 agents"]["ratio"] > 0  # of so few calls it may be anything
        assert "added to a call, 1 agent, p50" in told  # a difference: of so few calls, all noise
        assert told["a direct call, 1 agent, p50"]["ours"] > 0
        assert "scratch database" in ended.stderr
        assert left_behind(ended.stderr) == []

    def test_names_what_there_is(self, process_env: dict[str, str]) -> None:
        ended = bench("walks", environment=process_env)
        assert ended.returncode == 1
        assert "there are runs, lists, doors" in ended.stderr


class TestTable:
    def test_shows_ours_beside_the_anchor_and_the_bar(self) -> None:
        low = Figure("drained", 300, "/s", "bare", 1_000, Bar(0.6, 1.2))
        waits = Figure("order to start", 3, "ms", bar=Bar(5, 2, of_ratio=False, at_most=True))
        told = json.loads(json.dumps(Report("runs", [low, waits], ["a note"]).told()))
        lines = report.table("runs", told).splitlines()
        row, below = (" ".join(line.split()) for line in lines[4:6])
        assert row == "drained 300 /s bare 1,000 0.30 ≥ 0.6 ≥ 1.2 BELOW"
        assert below == "order to start 3.00 ms ≤ 5 ≤ 2 holds"
        assert lines[6] == "  · a note"


class TestBar:
    @pytest.mark.parametrize(
        ("judged", "verdict"), [(1.3, "aim"), (1.2, "aim"), (0.6, "holds"), (0.5, "BELOW")]
    )
    def test_judges_by_floor_and_aim(self, judged: float, verdict: str) -> None:
        assert Bar(0.6, 1.2).verdict(judged) == verdict

    def test_knows_where_less_is_better(self) -> None:
        bar = Bar(5, 2, at_most=True)
        assert [bar.verdict(value) for value in (1, 4, 6)] == ["aim", "holds", "BELOW"]


class TestLogical:
    @pytest.mark.parametrize(
        ("url", "there"),
        [
            ("unix:///run/valkey.sock?db=0", "unix:///run/valkey.sock?db=15"),
            ("redis://:secret@cache:6380/2", "redis://:secret@cache:6380/15"),
            ("rediss://cache?ssl_cert_reqs=none", "rediss://cache/15?ssl_cert_reqs=none"),
        ],
    )
    def test_changes_nothing_but_the_database(self, url: str, there: str) -> None:
        assert scratch.logical(url, 15) == there

    def test_speaks_kombus_dialect(self) -> None:
        socket = "unix:///run/valkey.sock?db=14"
        assert scratch.broker_of(socket, 14) == "redis+socket:///run/valkey.sock?virtual_host=14"
        assert scratch.broker_of("redis://cache/14", 14) == "redis://cache/14"
