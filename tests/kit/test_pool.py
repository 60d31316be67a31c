"""A pipe on a pooled connection: borrowed, given back whatever happens, and never a dead one."""

import json
import subprocess
import sys

from django.conf import settings

SCRIPT = """
import json, time, django
django.setup()
import psycopg
from django.db import connections
from awooop.kit.db import pipe, tenant_tx

def ask(sql):
    with pipe() as p, p.tenant_tx("acme"):
        found = p.send(sql)
    return found.fetchone()[0]

pool = connections["default"].pool
told = {"first": ask("SELECT pg_backend_pid()")}
pool.wait(10)  # both of its connections are there: one for Django, one that a pipe borrows
told["failed"] = []
for _ in range(3):
    try:
        ask("SELECT 1 / 0")
    except psycopg.Error as reason:
        told["failed"].append(type(reason).__name__)
told["tenant"] = ask("SELECT current_setting('rls.tenant_id', true)")
with tenant_tx("acme"), connections["default"].cursor() as cursor:
    # Django's own connection ends those that the pipes borrowed.
    cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                   " WHERE usename = current_user AND datname = current_database()"
                   " AND pid <> pg_backend_pid() AND application_name = 'pooled'")
    told["ended"] = cursor.fetchone()[0]
connections.close_all()
told["after"] = ask("SELECT 1")
deadline = time.monotonic() + 10
while pool.get_stats()["pool_available"] < pool.get_stats()["pool_size"]:
    assert time.monotonic() < deadline, "a connection was not given back"
    time.sleep(0.01)
print(json.dumps(told))
"""


class TestPipe:
    def test_gives_back_what_it_borrowed_and_meets_no_dead_connection(
        self, process_env: dict[str, str]
    ) -> None:
        variables = {
            "DJANGO_SETTINGS_MODULE": "awooop.settings",
            "DATABASE_POOL_SIZE": "2",
            "PGAPPNAME": "pooled",
        }
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            cwd=settings.BASE_DIR,
            env={**process_env, **variables},
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout.splitlines()[-1])
        assert told["failed"] == ["DivisionByZero"] * 3
        assert told["tenant"] == "acme"
        assert told["ended"] >= 1
        assert told["after"] == 1
