"""The official conformance suite against a server of its own, bare and behind the gateway.

Not among the ordinary tests: `.ci/conformance` fetches what it needs and starts it.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.utils import timezone

from awooop.tenants.modes import Mode
from gateway import registry
from tests.conformance import everything, proxy
from tests.gateway import agents, governed
from tests.gateway.upstreams import good

REVISIONS = ("2025-11-25", "2026-07-28")
NODE = os.environ.get("CONFORMANCE_NODE", "node")
SUITE = os.environ.get("CONFORMANCE_SUITE", "")

# Where the gateway offers less than the bare SDK, and means to; docs/conformance.md argues each.
BY_DESIGN: dict[str, str] = {}

Tally = dict[str, tuple[int, int]]  # passed and failed checks of each scenario


@contextlib.contextmanager
def serving(app: Any) -> Iterator[int]:
    """Serve an ASGI application from a thread."""
    with good._listen() as listening:
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        server = good._Served(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="served", daemon=True
        )
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(5)


def governed_by(project: governed.Governed) -> None:
    """Let the project's agent use everything, under the tools' own names."""
    for definition in everything.DEFINITIONS:
        project.offer(definition["name"], definition)
    project.sign(plain_names=True)
    registry.refresh(project.project_id, governed.GATEWAY, actor="suite", at=timezone.now())
    project.go(Mode.ACTIVE)


def tally(url: str, revision: str, folder: Path) -> Tally:
    """Run what a revision requires and count what held."""
    subprocess.run(
        [NODE, SUITE, "server", "--url", url, "--requirements", revision, "-o", str(folder)],
        capture_output=True,
        timeout=80,
        check=False,
    )
    counts: Tally = {}
    for path in sorted(folder.glob("server-*/checks.json")):
        found = re.fullmatch(r"server-(.+?)-\d{4}-\d\d-\d\dT.*", path.parent.name)
        assert found
        seen = [check["status"] for check in json.loads(path.read_text())]
        counts[found[1]] = (seen.count("SUCCESS"), seen.count("FAILURE"))
    return counts


def below(bare: tuple[int, int], ours: tuple[int, int]) -> bool:
    return ours[0] < bare[0] or ours[1] > bare[1]


@pytest.mark.skipif(not SUITE, reason="run .ci/conformance")
def test_no_scenario_is_below_the_bare_sdk(new_tenant: Any, tmp_path: Path, capsys: Any) -> None:
    tenant = new_tenant("conformance", Mode.SHADOW)
    with contextlib.ExitStack() as stack:
        bare = stack.enter_context(serving(everything.app()))
        upstream = stack.enter_context(serving(everything.app()))
        project = governed.Governed(
            "conformance", tenant.agent_id, f"http://127.0.0.1:{upstream}/mcp"
        )
        governed_by(project)
        key = agents.issue("conformance", agent_id=tenant.agent_id)
        base = stack.enter_context(agents.web())
        port = int(base.rpartition(":")[2])
        ours = stack.enter_context(proxy.adding({"authorization": f"Bearer {key}"}, port=port))
        asked = [
            (name, url, revision)
            for revision in REVISIONS
            for name, url in (
                ("bare", f"http://127.0.0.1:{bare}/mcp"),
                ("gateway", f"http://127.0.0.1:{ours}/mcp/conformance/"),
            )
        ]
        with ThreadPoolExecutor(2) as pool:
            counted = pool.map(
                lambda each: tally(each[1], each[2], tmp_path / "".join(each[::2])), asked
            )
            tallies = {
                (each[0], each[2]): found for each, found in zip(asked, counted, strict=True)
            }
    lines, worse = compare(tallies)
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert all(tallies.values())
    assert not worse


def compare(tallies: dict[tuple[str, str], Tally]) -> tuple[list[str], list[str]]:
    """Return a table of every scenario, and the scenarios that are below without a reason."""
    lines, worse = [], []
    for revision in REVISIONS:
        bare, ours = tallies["bare", revision], tallies["gateway", revision]
        lines.append(f"\n{revision:<48} {'bare':>9} {'gateway':>9}   (checks passed / failed)")
        for name in sorted(bare):
            mine = ours.get(name, (0, 0))
            note = ""
            if below(bare[name], mine):
                note = BY_DESIGN.get(name, "BELOW")
                worse += [f"{revision} {name}"] if name not in BY_DESIGN else []
            lines.append(f"  {name:<46} {_spelled(bare[name]):>9} {_spelled(mine):>9}   {note}")
        lines.append(f"  {'all':<46} {_total(bare):>9} {_total(ours):>9}")
    return lines, worse


def _spelled(counts: tuple[int, int]) -> str:
    return f"{counts[0]} / {counts[1]}"


def _total(counts: Tally) -> str:
    return _spelled((sum(c[0] for c in counts.values()), sum(c[1] for c in counts.values())))
