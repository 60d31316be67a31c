"""A chore: rows of evidence by several threads, chained as the product does it, or plain."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from awooop.audit import sink
from awooop.audit.acts import Act
from awooop.kit import ids
from awooop.kit.db import pipe

TABLE = "raw_audit_event"
PLAIN = (
    f"CREATE TABLE {TABLE} (LIKE awooop_audit_event INCLUDING ALL)",
    f"ALTER TABLE {TABLE} ALTER seq ADD GENERATED ALWAYS AS IDENTITY",
    f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY plain ON {TABLE} TO awooop_app "
    "USING (project_id = (SELECT NULLIF(current_setting('rls.tenant_id', true), '')))",
    f"GRANT SELECT, INSERT ON {TABLE} TO awooop_app",
)
_PLAIN = f"""
INSERT INTO {TABLE} (project_id, event_id, at, act, actor, target_type, target, outcome, facts,
                     content_sha256, prev_hash, hash)
VALUES (%(project_id)s, %(event_id)s, clock_timestamp(), %(act)s, %(actor)s, %(target_type)s,
        %(target)s, %(outcome)s, %(facts)s::jsonb, %(hash)s, %(hash)s, %(hash)s)
"""
_ROW = {
    "act": Act.PROJECT_MODE_SET.value,
    "actor": "operator:ann",
    "target_type": "project",
    "target": "acme",
    "outcome": "success",
    "facts": '{"now":"suggest","was":"shadow"}',
    "hash": "a" * 64,
}

Result = dict[str, Any]


def write(projects: Sequence[str], threads: int, each: int, *, chained: bool = True) -> Result:
    """Write ``each`` rows in each thread, a commit a row, the threads spread over the projects."""
    ready = threading.Barrier(threads + 1)
    one: Callable[[str], None] = _chained if chained else _bare
    failed: list[BaseException] = []

    def work(project: str) -> None:
        try:
            ready.wait()
            for _ in range(each):
                one(project)
        except BaseException as reason:
            failed.append(reason)
            raise
        finally:
            connections.close_all()

    pool = [
        threading.Thread(target=work, args=(projects[number % len(projects)],))
        for number in range(threads)
    ]
    for thread in pool:
        thread.start()
    ready.wait()
    began = time.monotonic()
    for thread in pool:
        thread.join()
    if failed:
        raise failed[0]
    return {"began": began, "ended": time.monotonic(), "count": threads * each}


def _chained(project: str) -> None:
    event = sink.made(
        project,
        Act.PROJECT_MODE_SET,
        actor="operator:ann",
        target=("project", project),
        facts={"was": "shadow", "now": "suggest"},
    )
    with pipe() as p, p.tenant_tx(project):
        sink.send(p, event)


def _bare(project: str) -> None:
    with pipe() as p, p.tenant_tx(project):
        p.send(_PLAIN, {**_ROW, "project_id": project, "event_id": ids.new_id()})
