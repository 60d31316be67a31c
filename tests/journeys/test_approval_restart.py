"""Calls wait for humans while every process is killed; the approved one reaches its tool once."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from awooop.errors import Code
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import access, members
from awooop.tenants.models import Operator, Role
from awooop.tenants.modes import Mode
from gateway import switches
from gateway.models import Level
from tests.approvals import clock
from tests.conftest import NewTenant
from tests.gateway import agents
from tests.gateway.governed import Governed
from tests.gateway.upstreams import good
from tests.journeys.test_canaries import ROOT, House, eventually, free_port

ASKING = {"approval": {}, "quorum": {"activation": 1, "medium": 1}}
FATES = ("approved", "rejected", "expired", "cancelled", "killed")
REAPER_SECONDS = 1


@dataclass
class Platform:
    """Web, worker and beat, as processes that are killed and started again.

    :param person: the headers of somebody who may decide.
    """

    env: dict[str, str]
    log: Path
    house: House
    person: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        celery = ["-m", "celery", "-A", "awooop"]
        port = str(self.house.port)
        commands = (
            ["-m", "uvicorn", "awooop.asgi:application", "--port", port, "--log-level", "warning"],
            [*celery, "worker", "-P", "threads", "-c", "2", "-l", "info"],
            [*celery, "beat", "-s", str(self.log.with_name("beat")), "-l", "info"],
        )
        with self.log.open("ab") as told:
            self.running = [
                subprocess.Popen(
                    [sys.executable, *command], cwd=ROOT, env=self.env, stdout=told, stderr=told
                )
                for command in commands
            ]
        eventually(lambda: self.house.ask("GET", "/readyz")[0] == 200)

    def kill(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGKILL)
        for process in self.running:
            assert process.wait() == -signal.SIGKILL, "it had ended by itself"
        self.running = []

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Ask something as a person who is an approver."""
        status, told = self.house.ask("POST", f"/v1/platform{path}", body, self.person, key=False)
        assert status == 200, told
        answer: dict[str, Any] = json.loads(told)
        return answer

    def requests(self) -> dict[str, dict[str, Any]]:
        """Return what was asked for, by what is to become of it."""
        _, told = self.house.ask("GET", "/v1/platform/approvals", None, self.person, key=False)
        return {each["arguments"]["fate"]: each for each in json.loads(told)["approvals"]}


@pytest.fixture
def written(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of an upstream that outlives everybody, and what it was asked to do."""
    log = tmp_path / "upstream"
    log.touch()
    command = [sys.executable, good.__file__, "http", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), log
        finally:
            process.kill()


@pytest.fixture
def platform(
    new_tenant: NewTenant,
    written: tuple[str, Path],
    process_env: dict[str, str],
    tmp_path: Path,
) -> Iterator[Platform]:
    shop = Governed("shop", new_tenant("shop", Mode.SHADOW).agent_id, written[0])
    for name in ("echo", "slow"):
        tool = good.Upstream().tools[name].definition
        shop.offer(name, tool, is_destructive=True, scope="write")
    shop.sign(ASKING)
    shop.go(Mode.ACTIVE)
    at = timezone.now()
    with global_tx():
        ann = Operator.objects.create_user("ann")
        ends = at + timedelta(hours=1)
        token = access.issue_token(ann, name="t", actor="t", at=at, expires_at=ends)
    with tenant_tx("shop"):
        members.admit("shop", "ann", Role.ADMIN, actor="t", at=at)
    house = House(free_port(), agents.issue("shop", agent_id=shop.agent_id))
    env = {**process_env, "AWOOOP_TESTING": "0", "ALLOWED_HOSTS": "127.0.0.1"}
    env |= {"RUN_SWEEP_SECONDS": "0.5", "RUN_REAPER_SECONDS": str(REAPER_SECONDS)}
    made = Platform(env, tmp_path / "log", house, {"Authorization": f"Bearer {token}"})
    try:
        yield made
    finally:
        with contextlib.suppress(AssertionError):
            made.kill()


class TestRestart:
    def test_between_the_question_and_the_answer_loses_nothing_and_doubles_nothing(
        self, platform: Platform, written: tuple[str, Path]
    ) -> None:
        platform.start()
        for fate in FATES:
            tool = "slow__shop" if fate == "killed" else "echo__shop"
            body = {"tool": tool, "arguments": {"fate": fate}}
            status, told = platform.house.ask("POST", "/v1/platform/gateway/call", body)
            assert (status, json.loads(told)["code"]) == (403, Code.GATE_APPROVAL.value), told
        asked = platform.requests()
        platform.kill()
        platform.start()

        assert platform.requests() == asked
        assert {each["standing"] for each in asked.values()} == {"pending"}
        run = {fate: each["run_id"] for fate, each in asked.items()}
        clock.overdue(UUID(asked["expired"]["approval_id"]))
        platform.post(f"/runs/{run['cancelled']}/cancel")
        platform.post(f"/approvals/{run['rejected']}/decide", decision="reject", reason="no")
        self._throw("slow__shop")
        for fate in ("killed", "approved"):
            told = platform.post(f"/approvals/{run[fate]}/decide", decision="approve", reason="go")
            assert told["new_state"] == "running"

        eventually(lambda: all(each["disposition"] for each in platform.requests().values()))
        time.sleep(2 * REAPER_SECONDS + 0.5)  # whatever the clock would still start
        ended = platform.requests()
        denied = "denied-not-executed"
        assert {fate: (each["standing"], each["disposition"]) for fate, each in ended.items()} == {
            "approved": ("approved", "approved-executed"),
            "rejected": ("rejected", denied),
            "expired": ("expired", denied),
            "cancelled": ("withdrawn", denied),
            "killed": ("approved", denied),
        }
        lines = written[1].read_text().splitlines()
        assert [json.loads(line)["arguments"] for line in lines] == [{"fate": "approved"}]
        platform.kill()

    @staticmethod
    def _throw(tool: str) -> None:
        at = timezone.now()
        switches.throw(
            Level.TOOL, project_id="shop", key=tool, reason="fire", actor="operator:ann", at=at
        )
