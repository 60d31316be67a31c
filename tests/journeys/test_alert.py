"""An alert's whole way through real processes: web, worker and beat, with Valkey and without."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTIFICATION = {
    "version": "4",
    "groupKey": "{}:{}",
    "status": "firing",
    "receiver": "awooop",
    "commonLabels": {"alertname": "DiskFull"},
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "DiskFull"},
            "startsAt": "2026-05-04T10:00:00Z",
        }
    ],
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(env, *commands):
    children = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=env)
        for command in commands
    ]
    try:
        yield children
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def ask(url, key, body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
        return json.load(answer)


def eventually(question, seconds=40):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if found := question():
                return found
        time.sleep(0.05)
    pytest.fail("it did not happen in time")


@pytest.mark.parametrize("valkey", ["up", "away"])
class TestAlert:
    def test_becomes_a_completed_run(self, tenant, process_env, tmp_path, valkey):
        port, env = free_port(), dict(process_env)
        env |= {"RUN_SWEEP_SECONDS": "0.5", "DATABASE_CONN_MAX_AGE": "60"}
        if valkey == "away":
            env["REDIS_URL"] = env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{free_port()}/0"
        url = f"http://127.0.0.1:{port}"
        web = ["uvicorn", "awooop.asgi:application", "--port", str(port), "--log-level", "error"]
        worker = ["celery", "-A", "awooop", "worker", "-P", "threads", "-c", "2", "-l", "error"]
        beat = ["celery", "-A", "awooop", "beat", "-l", "error", "--pidfile=", "-s"]
        with running(env, web, worker, [*beat, str(tmp_path / "beat")]):
            eventually(lambda: urllib.request.urlopen(f"{url}/livez", timeout=1).status == 200)
            told = ask(f"{url}/v1/channels/acme/alertmanager", tenant.key, NOTIFICATION)
            path = f"{url}/v1/platform/runs/{told['run_id']}/detail"
            ended = eventually(
                lambda: (found := ask(path, tenant.key))["run"]["completed_at"] and found
            )

        assert ended["run"]["state"] == "completed"
        kinds = [item["kind"] for item in ended["timeline"]]
        assert kinds == ["inbound", "run", "run", *["step"] * 6, "run"]
        blocked = [step["tool_name"] for step in ended["steps"] if step["was_blocked"]]
        assert blocked == ["restart_deployment", "delete_pod"]
