"""What another process knows of a contract: the new within a second, and never the old again."""

import json
import subprocess
import sys
import time

from django.conf import settings
from django.utils import timezone

from awooop.kit.db import tenant_tx
from contracts import lifecycle
from contracts.models import Family
from contracts.queries import FRESH_SECONDS

WATCH = """
import json, sys, threading, time
import django
django.setup()
from contracts import queries
from contracts.models import Family
print("ready", flush=True)
seen = []
def look():
    while time.time() < until:
        found = queries.active("acme", Family.AGENT, "helper")
        seen.append((time.time(), found.body["description"] if found else ""))
        time.sleep(0.005)
until = time.time() + float(sys.argv[1])
threads = [threading.Thread(target=look) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(sorted(seen)), flush=True)
"""
WATCHED_SECONDS = 4.0
SLACK_SECONDS = 0.5  # a busy machine; the law is a second


class TestAnotherProcess:
    def test_sees_an_activation_soon_and_never_goes_back(self, tenant, process_env):
        environment = {**process_env, "DJANGO_SETTINGS_MODULE": "awooop.settings"}
        watcher = subprocess.Popen(
            [sys.executable, "-c", WATCH, str(WATCHED_SECONDS)],
            env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert watcher.stdout.readline() == "ready\n"
        activated = []
        for number in range(3):
            body = {"agent_id": "helper", "tools": [], "description": str(number)}
            with tenant_tx("acme"):
                lifecycle.install(
                    "acme", Family.AGENT, "helper", body, actor="t", at=timezone.now()
                )
            activated.append(time.time())
            time.sleep(0.7)
        seen = json.loads(watcher.stdout.readline())
        assert watcher.wait(20) == 0
        order = [description for _, description in seen]
        assert order == sorted(order)
        assert order[-1] == "2"
        for number, at in enumerate(activated):
            late = [t for t, told in seen if told < str(number)]
            assert not late or max(late) - at < FRESH_SECONDS + SLACK_SECONDS
