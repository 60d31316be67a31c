"""Shadow mode, judged by the upstream's own log: no harm arrives, and hardly a read is missing."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from awooop.kit.db import tenant_tx
from awooop.tenants.modes import Mode
from contracts.bodies.mcp_gateway import Gateway
from gateway import calls, registry
from gateway.models import Status
from gateway.shapes import Result
from tests.conftest import NewTenant
from tests.gateway.governed import GATEWAY, Governed
from tests.gateway.upstreams.good import Upstream

CORPUS = json.loads((Path(__file__).parent / "shadow_corpus.json").read_text())
FEW = 0.03
THREADS = 4

Case = dict[str, Any]
Ward = Callable[[list[Case]], Governed]


def is_contracted(case: Case) -> bool:
    """Tell whether a contract can name the tool, and does."""
    spelled = Gateway.model_json_schema()["$defs"]["Tool"]["properties"]["tool_name"]["pattern"]
    return bool(re.fullmatch(spelled, case["name"])) and not case.get("unlisted")


@pytest.fixture
def ward(new_tenant: NewTenant, upstream: Upstream) -> Ward:
    """A maker of shadow projects that execute reads, whose agent was granted all of some tools."""

    def make(cases: list[Case]) -> Governed:
        tenant = new_tenant("ward", Mode.SHADOW)
        made = Governed("ward", tenant.agent_id, upstream.url)
        for case in cases:
            declared = dict(case.get("declared", {}))
            hints = (
                {"annotations": declared.pop("annotations")} if "annotations" in declared else {}
            )
            if case["name"]:
                upstream.tool(case["name"], **hints)
            if is_contracted(case):
                contract = {"is_destructive": False, "scope": "read", **declared}
                made.tools[case["name"]] = {"tool_name": case["name"], **contract}
        made.sign()
        registry.refresh("ward", GATEWAY, actor="test", at=timezone.now())
        with tenant_tx("ward"):
            released = registry.release_all("ward", GATEWAY, actor="test", at=timezone.now())
        assert set(made.tools) <= set(released), "a tool of the corpus cannot be used at all"
        return made

    return make


def call_all(ward: Governed, cases: list[Case]) -> list[Result]:
    def call(case: Case) -> Result:
        try:
            return calls.call_tool(ward.call(case["name"], case["arguments"]))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(call, cases))


class TestCorpus:
    def test_is_large_and_varied(self) -> None:
        assert len(CORPUS["block"]) >= 200
        assert len(CORPUS["harmless"]) >= 100
        kinds = {case["kind"] for cases in CORPUS.values() for case in cases}
        assert len(kinds) >= 25

    def test_no_harm_arrives(self, ward: Ward, upstream: Upstream) -> None:
        ended = call_all(ward(CORPUS["block"]), CORPUS["block"])
        assert [(seen.tool, seen.arguments) for seen in upstream.calls] == []
        assert {result.status for result in ended} == {Status.BLOCKED}
        gates = [result.gate for result in ended]
        assert gates.count(4) >= 200, "they were stopped for another reason"

    def test_reads_arrive(self, ward: Ward, upstream: Upstream) -> None:
        ended = call_all(ward(CORPUS["harmless"]), CORPUS["harmless"])
        missing = [
            (case["name"], result.reason)
            for case, result in zip(CORPUS["harmless"], ended, strict=True)
            if result.status is not Status.SUCCESS
        ]
        assert len(missing) == len(CORPUS["harmless"]) - len(upstream.calls)
        assert len(missing) <= FEW * len(CORPUS["harmless"]), missing
