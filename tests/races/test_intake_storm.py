"""The same event 200 times at once from four processes, whatever Valkey is doing meanwhile."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from awooop.kit.db import tenant_tx
from channels_hub.models import ConversationEvent
from runs.models import IdempotencyKey, Run

ROOT = Path(__file__).resolve().parents[2]
POSTS = 50  # of each of the four processes
NOTIFICATION = {
    "version": "4",
    "groupKey": "{}:{}",
    "status": "firing",
    "receiver": "awooop",
    "commonLabels": {"alertname": "Storm"},
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Storm"},
            "startsAt": "2026-05-04T10:00:00Z",
        }
    ],
}

CLIENT = """
import json, sys, threading, time, urllib.request
url, key, body = sys.argv[1], sys.argv[2], sys.argv[3].encode()
count, start = map(float, sys.argv[4:])
answers, lock = [], threading.Lock()
def knock():
    request = urllib.request.Request(url, body, {"Authorization": "Bearer " + key,
                                                 "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            told = (answer.status, json.load(answer))
    except urllib.error.HTTPError as refusal:
        told = (refusal.code, refusal.read().decode())
    with lock:
        answers.append(told)
threads = [threading.Thread(target=knock) for _ in range(int(count))]
time.sleep(max(0, start - time.time()))
[t.start() for t in threads]
[t.join() for t in threads]
print(json.dumps(answers))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def web(env, port):
    """Four-process clients need a real server."""
    command = [sys.executable, "-m", "uvicorn", "awooop.asgi:application", "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--lifespan", "on", "--log-level", "error", "--backlog", "1024"],
        cwd=ROOT,
        env={**env, "DATABASE_POOL_SIZE": "16"},
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1).close()
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(15)


class Valkey:
    """A server that speaks RESP and answers as told: right, or with lies."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers, self.asked = answers, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._lie, args=(peer,), daemon=True).start()

    def _lie(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            while request := peer.recv(65536):
                for _ in range(max(1, request.count(b"\r\n$") // 3)):
                    self.asked += 1
                    peer.sendall(self.answers[self.asked % len(self.answers)])

    def close(self) -> None:
        self.listener.close()


def flush_again_and_again(url, stop):
    import redis

    server = redis.Redis.from_url(url)
    while not stop.is_set():
        server.flushdb()
        stop.wait(0.002)


@pytest.mark.parametrize("valkey", ["up", "stopped", "flushed", "lying", "silent"])
class TestStorm:
    def test_is_one_run_and_every_answer_is_2xx(self, tenant, process_env, valkey):
        env, stop, lies = dict(process_env), threading.Event(), None
        if valkey == "stopped":
            env["REDIS_URL"] = env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{free_port()}/0"
        if valkey == "flushed":
            threading.Thread(
                target=flush_again_and_again, args=(env["REDIS_URL"], stop), daemon=True
            ).start()
        if valkey in ("lying", "silent"):
            wrong = [b"$36\r\n01890000-0000-7000-8000-000000000000\r\n", b"+OK\r\n", b"$-1\r\n",
                     b":1\r\n", b"$3\r\nno!\r\n"]  # fmt: skip
            lies = Valkey(wrong if valkey == "lying" else [b""])
            env["REDIS_URL"] = env["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{lies.port}/0"
        body = json.dumps(NOTIFICATION)
        try:
            with web(env, free_port()) as url:
                answers = self.knock(f"{url}/v1/channels/acme/alertmanager", tenant.key, body)
        finally:
            stop.set()
            if lies:
                lies.close()

        assert {status for status, _ in answers} <= {200, 201}, answers[:3]
        assert len(answers) == 4 * POSTS
        assert len({told["run_id"] for _, told in answers}) == 1
        assert sum(not told["is_duplicate"] for _, told in answers) == 1
        with tenant_tx(tenant.project_id):
            assert Run.objects.count() == IdempotencyKey.objects.count() == 1
            assert ConversationEvent.objects.filter(is_duplicate=False).count() == 1
            assert ConversationEvent.objects.count() == 4 * POSTS

    @staticmethod
    def knock(url, key, body):
        start = str(time.time() + 0.7)
        clients = [
            subprocess.Popen(
                [sys.executable, "-c", CLIENT, url, key, body, str(POSTS), start],
                stdout=subprocess.PIPE,
            )
            for _ in range(4)
        ]
        return [
            tuple(a) for client in clients for a in json.loads(client.communicate(timeout=90)[0])
        ]
