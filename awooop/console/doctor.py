"""What ails this installation: settings, database, roles, schema, walls, queue, Valkey, clocks.

A finding must be mended; a warning is worth knowing. Each check names its own mending.
"""

import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections

from awooop.console import ailments, isolation
from awooop.console.findings import Check, Finding, Report
from awooop.kit import redis, roles
from awooop.kit.db import EVERYONE, operator_tx, worker_tx

OLDEST_POSTGRES = 150000
WAITING_SECONDS = 60
_MANY = 10_000
_SKEW_WARNS, _SKEW_FAILS = 2.0, 30.0  # seconds; keys and tokens expire by the process's clock

# Bounded, so that a long queue costs no more than a short one.
_QUEUE = f"""
WITH open AS (
  SELECT project_id FROM awooop_projects
   WHERE is_active AND migration_mode <> 'legacy_awoooi_default'
)
SELECT (SELECT count(*) FROM (
          SELECT FROM awooop_run_state r JOIN open USING (project_id)
           WHERE r.state = 'pending'
             AND GREATEST(r.created_at, r.heartbeat_at)
                 < clock_timestamp() - make_interval(secs => {WAITING_SECONDS})
           LIMIT {_MANY}) waiting),
       (SELECT count(*) FROM (
          SELECT FROM awooop_run_state r
           WHERE r.state = 'running'
             AND r.lease_expires_at < clock_timestamp() - make_interval(secs => %s)
           LIMIT {_MANY}) orphans),
       EXISTS (SELECT FROM awooop_run_state r
                WHERE r.state = 'running' AND r.lease_expires_at > clock_timestamp())
       OR EXISTS (SELECT FROM (SELECT heartbeat_at FROM awooop_run_state
                                ORDER BY run_id DESC LIMIT 1000) late
                   WHERE heartbeat_at > clock_timestamp()
                                        - make_interval(secs => {WAITING_SECONDS}))
"""


_UNSEALED_SECONDS = 900
_EVIDENCE = f"""
SELECT (SELECT fault FROM awooop_audit_chain WHERE fault <> '' ORDER BY project_id LIMIT 1),
       (SELECT count(*) FROM (
          SELECT FROM awooop_audit_chain c JOIN awooop_audit_event e
              ON e.project_id = c.project_id AND e.seq = c.sealed_seq + 1
           WHERE c.seq > c.sealed_seq AND c.fault = ''
             AND e.at < clock_timestamp() - make_interval(secs => %s)
           LIMIT {_MANY}) unsealed)
"""


def examine(*, attack: bool = False) -> Report:
    """Ask everything; what needs a database is asked only when there is one.

    :param attack: also attack the walls between tenants.
    """
    checks = [ailments.settings_check(), database()]
    if not checks[-1].findings:
        checks += [
            _asked(question) for question in (role, ailments.schema, queue, evidence, clocks)
        ]
        if attack:
            checks += _walls()
    return Report((*checks, valkey()))


def database() -> Check:
    """The database answers, on a role the walls bind, and is new enough."""
    title = "the database answers and is PostgreSQL 15 or newer"
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int")
            version = cursor.fetchone()[0]
    except ImproperlyConfigured as refusal:
        return Check(title, (Finding("role", "DATABASE_URL", str(refusal), "use awooop_app"),))
    except Error as reason:
        mend = "start it, or correct DATABASE_URL"
        return Check(title, (Finding("database", "DATABASE_URL", _short(reason), mend),))
    if version < OLDEST_POSTGRES:
        mend = "upgrade to PostgreSQL 15 or newer"
        return Check(title, (Finding("database-old", "server", f"it is {version}", mend),))
    return Check(title)


def role() -> Check:
    """The login role is one that row level security binds."""
    title = "row level security binds the application's role"
    reason = roles.fault(connections[DEFAULT_DB_ALIAS])
    if reason is None:
        return Check(title)
    mend = "use awooop_app (deploy/roles.sql)"
    return Check(title, (Finding("role", "DATABASE_URL", reason, mend),))


def queue() -> Check:
    """Runs do not wait for a worker that is not there, nor lie with one that is gone."""
    with worker_tx(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_QUEUE, [3 * settings.RUN_REAPER_SECONDS])
        waiting, orphans, working = cursor.fetchone()
    found, warned = [], []
    if waiting:
        what = f"{_about(waiting)} runs have waited for more than {WAITING_SECONDS} s"
        if working:
            mend = "add workers, or raise the project's max_concurrent_runs"
            warned.append(Finding("queue-slow", "awooop_run_state", what, mend))
        else:
            what += " and nobody works"
            mend = "start a worker: celery -A awooop worker -P threads"
            found.append(Finding("queue-stopped", "awooop_run_state", what, mend))
    if orphans:
        what = f"{_about(orphans)} running runs lost their worker and nobody took them back"
        mend = "start the clock: celery -A awooop beat, and a worker"
        found.append(Finding("reaper-stopped", "awooop_run_state", what, mend))
    return Check("the queue moves", tuple(found), tuple(warned))


def evidence() -> Check:
    """The audit chains hold as far as they were walked, and somebody seals them."""
    with operator_tx(EVERYONE), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_EVIDENCE, [_UNSEALED_SECONDS])
        broken, unsealed = cursor.fetchone()
    found = []
    if broken:
        mend = "change nothing; manage.py audit_verify names the row: compare it with an export"
        found.append(Finding("audit-broken", "awooop_audit_event", broken, mend))
    if unsealed:
        what = f"{_about(unsealed)} chains grew and nobody sealed them"
        mend = "start the clock: celery -A awooop beat, and a worker"
        found.append(Finding("audit-unsealed", "awooop_audit_chain", what, mend))
    return Check("the audit chains hold and are sealed", tuple(found))


def clocks() -> Check:
    """The database's clock and ours agree."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        skew = abs(cursor.fetchone()[0] - (before + time.time()) / 2)
    title = "the clocks agree"
    if skew < _SKEW_WARNS:
        return Check(title)
    what = f"this process and the database are {skew:.1f} s apart"
    finding = Finding("clock-skew", "clock", what, "run chrony or systemd-timesyncd on both")
    return Check(title, (finding,)) if skew >= _SKEW_FAILS else Check(title, (), (finding,))


def valkey() -> Check:
    """Valkey is there; without it everything is slower, never wrong."""
    title = "Valkey answers"
    facts = redis.ask(lambda server: server.info("server"))
    if not facts:
        what = "it is away: slower, never wrong"
        return Check(title, (), (Finding("valkey", "REDIS_URL", what, "start Valkey"),))
    kind = "Valkey" if "valkey_version" in facts else "Redis"
    version = facts.get("valkey_version") or facts.get("redis_version", "?")
    return Check(f"{title} ({kind} {version})")


def _walls() -> Iterator[Check]:
    title = "the walls between tenants"
    try:
        yield from isolation.examine().checks
    except Error as reason:
        mend = "mend what the other checks say and ask again"
        yield Check(title, (Finding("isolation", "database", _short(reason), mend),))


def _asked(question: Callable[[], Check]) -> Check:
    """Ask, and let a question that the database refuses be a finding, not a crash."""
    try:
        return question()
    except Error as reason:
        title = (question.__doc__ or question.__name__).partition("\n")[0].rstrip(".")
        mend = "manage.py migrate; the tables or their grants are not as this code wants them"
        return Check(title, (Finding("database", question.__name__, _short(reason), mend),))


def _about(count: int) -> str:
    return f"{_MANY} or more" if count >= _MANY else str(count)


def _short(reason: Exception) -> str:
    return str(reason).strip().partition("\n")[0][:300]
