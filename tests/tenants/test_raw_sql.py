"""Whoever comes with raw SQL on the application's role: the database itself refuses."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from awooop.kit import ids, roles
from awooop.kit.db import operator_tx, tenant_tx, worker_tx
from runs import fsm
from runs.fsm import State

NO_PRIVILEGE, CHECK, FOREIGN, UNIQUE, MISSING = "42501", "23514", "23503", "23505", "23502"

PROJECT = """
INSERT INTO awooop_projects
       (project_id, display_name, migration_mode, max_concurrent_runs, is_active, created_at)
VALUES (%(project)s, 'x', 'shadow', 1, true, clock_timestamp())
"""
RUN = """
INSERT INTO awooop_run_state
       (project_id, run_id, agent_id, state, version, is_shadow, trace_id, trigger_type,
        trigger_ref, input, input_sha256, attempt_count, max_attempts, step_count, cost_usd,
        lease_epoch, created_at, timeout_at{columns})
VALUES (%(project)s, %(run)s, 'a', '{state}', {version}, true, 't', '{trigger}', '', '{{}}', 'x',
        {attempts}, 3, {steps}, {cost}, {epoch}, clock_timestamp(),
        clock_timestamp() + interval '1 h'{values})
"""
BORN = {
    "columns": "", "values": "", "state": "pending", "version": 1, "trigger": "api",
    "attempts": 0, "steps": 0, "cost": 0, "epoch": 0,
}  # fmt: skip
MOVE = """
UPDATE awooop_run_state
   SET state = %(to)s, version = version + 1, moved_by = 'me', move_reason = 'because',
       lease_epoch = lease_epoch + (%(to)s = 'running')::int,
       worker_id = CASE WHEN %(to)s = 'running' THEN 'w' ELSE worker_id END,
       lease_expires_at = CASE WHEN %(to)s = 'running'
                               THEN clock_timestamp() + interval '1 min' END,
       completed_at = CASE WHEN %(to)s = ANY (%(endings)s) THEN clock_timestamp() END
 WHERE run_id = %(run)s
"""
STEP = """
INSERT INTO awooop_run_step_journal
       (project_id, run_id, step_seq, tool_name, result_status, was_blocked, lease_epoch,
        created_at, completed_at)
VALUES ({project}, {run}, {seq}, 't', '{status}', false, {epoch}, clock_timestamp(), {done})
"""
NOTED = {"project": "%(project)s", "run": "%(running)s", "seq": 2, "status": "success",
         "epoch": 1, "done": "clock_timestamp()"}  # fmt: skip
TRANSITION = """
INSERT INTO awooop_run_transition
       (project_id, run_id, version, was, now, reason, actor, lease_epoch, at)
VALUES (%(project)s, {run}, {version}, '{was}', '{now}', 'forged', 'me', 1, clock_timestamp())
"""
KEY = """
INSERT INTO awooop_run_idempotency
       (project_id, channel_type, provider_event_id, run_id, payload_sha256, created_at)
VALUES ({project}, 'telegram', '{event}', {run}, 'x', clock_timestamp())
"""


def execute(sql, params):
    with connections["default"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


def move(run, to):
    facts = {"run": run, "to": to, "endings": [state.value for state in fsm.TERMINAL]}
    return execute(MOVE, facts)


def try_in_acme(facts, *statements):
    """Execute as a tenant, up to what is judged at commit."""
    with tenant_tx("acme"):
        for sql in statements:
            execute(sql, facts)
        execute("SET CONSTRAINTS ALL IMMEDIATE", None)


def born(project, *path):
    """Make a run and lead it along a path of states."""
    run = ids.new_id()
    execute(RUN.format(**BORN), {"project": project, "run": run})
    for state in path:
        assert move(run, state) == 1
    return run


@pytest.fixture
def facts(clean):
    """Two projects; in the first a run in each kind of state, two steps and a key."""
    told = {"project": "acme", "other": "globex"}
    with tenant_tx("globex"):
        execute(PROJECT, {"project": "globex"})
        told["theirs"] = born("globex")
    with tenant_tx("acme"):
        execute(PROJECT, told)
        told["pending"] = born("acme")
        told["running"] = born("acme", "running")
        told["waiting"] = born("acme", "running", "waiting_approval")
        told["ended"] = born("acme", "running", "completed")
        told["new"] = ids.new_id()
        execute(STEP.format(**NOTED | {"seq": 1, "status": "intent", "done": "NULL"}), told)
        execute(STEP.format(**NOTED | {"run": "%(ended)s", "seq": 1}), told)
        execute(KEY.format(project="%(project)s", event="e1", run="%(running)s"), told)
    return told


def updated(run, change):
    return f"UPDATE awooop_run_state SET {change} WHERE run_id = %({run})s"


def inserted(**changes):
    return RUN.replace("%(run)s", "%(new)s").format(**BORN | changes)


def moved(run, to, also=""):
    return updated(run, f"state = '{to}', version = version + 1, moved_by = 'm', "
                        f"move_reason = 'r'{also}")  # fmt: skip


DONE = ", completed_at = clock_timestamp(), lease_expires_at = NULL"
LEASED = ", lease_epoch = lease_epoch + 1, lease_expires_at = clock_timestamp() + interval '1 min'"
STEPS = "UPDATE awooop_run_step_journal SET {} WHERE run_id = %({})s"

VIOLATIONS = {
    # births
    "born running": (inserted(state="running"), CHECK),
    "born ended": (
        inserted(state="completed", columns=", completed_at", values=", clock_timestamp()"), CHECK),
    "born in no state": (inserted(state="asleep"), CHECK),
    "born at a later version": (inserted(version=2), CHECK),
    "born under an epoch": (inserted(epoch=1), CHECK),
    "born after attempts": (inserted(attempts=1), CHECK),
    "born with steps": (inserted(steps=4), CHECK),
    "born with a cost": (inserted(cost=1), CHECK),
    "born leased": (
        inserted(columns=", lease_expires_at", values=", clock_timestamp()"), CHECK),
    "born to a worker": (inserted(columns=", worker_id", values=", 'w'"), CHECK),
    "born of no trigger": (inserted(trigger="boredom"), CHECK),
    "born of a neighbour's run": (
        inserted(columns=", parent_run_id", values=", %(theirs)s"), FOREIGN),
    "born to a neighbour": (inserted().replace("%(project)s", "%(other)s"), NO_PRIVILEGE),
    "born to nobody": (inserted().replace("%(project)s", "NULL"), NO_PRIVILEGE),
    "born twice": (inserted().replace("%(new)s", "%(pending)s"), UNIQUE),
    # moves
    "pending to completed": (moved("pending", "completed", DONE), CHECK),
    "pending to waiting": (moved("pending", "waiting_tool"), CHECK),
    "waiting to completed": (moved("waiting", "completed", DONE), CHECK),
    "waiting to pending": (moved("waiting", "pending"), CHECK),
    "to no state": (moved("running", "asleep", ", lease_expires_at = NULL"), CHECK),
    "without a version": (
        updated("pending", f"state = 'cancelled', moved_by = 'm', move_reason = 'r'{DONE}"), CHECK),
    "skipping a version": (
        updated("pending", "state = 'cancelled', version = version + 2, moved_by = 'm', "
                f"move_reason = 'r'{DONE}"), CHECK),
    "a version without a move": (updated("pending", "version = version + 1"), CHECK),
    "a version that falls": (updated("running", "version = 1"), CHECK),
    "by nobody": (
        updated("pending", f"state = 'cancelled', version = 2, move_reason = 'r'{DONE}"), MISSING),
    "for no reason": (
        updated("pending", f"state = 'cancelled', version = 2, moved_by = 'm'{DONE}"), MISSING),
    "to an ending that has no time": (
        moved("running", "completed", ", lease_expires_at = NULL"), CHECK),
    "with an end before the end": (updated("running", "completed_at = clock_timestamp()"), CHECK),
    "running under the old epoch": (moved("pending", "running"), CHECK),
    "waiting under a lease": (moved("running", "waiting_tool"), CHECK),
    # endings
    "an ended run, revived": (
        moved("ended", "pending", ", completed_at = NULL"), CHECK),
    "an ended run, running again": (
        moved("ended", "running", ", completed_at = NULL" + LEASED), CHECK),
    "an ended run, ended otherwise": (moved("ended", "failed"), CHECK),
    "an ended run, ended later": (updated("ended", "completed_at = clock_timestamp()"), CHECK),
    "an ended run, its output": (updated("ended", "output_sha256 = 'forged'"), CHECK),
    "an ended run, its cost": (updated("ended", "cost_usd = cost_usd + 1"), CHECK),
    "an ended run, its error": (updated("ended", "error_code = 'E-RUN-001'"), CHECK),
    # counters
    "an epoch that falls": (updated("running", "lease_epoch = 0"), CHECK),
    "an epoch that leaps": (updated("running", "lease_epoch = lease_epoch + 2"), CHECK),
    "an epoch below nothing": (updated("pending", "lease_epoch = -1"), CHECK),
    "attempts that fall": (updated("waiting", "attempt_count = -1"), CHECK),
    "more attempts than allowed": (updated("running", "attempt_count = 4"), CHECK),
    "steps that fall": (updated("running", "step_count = -1"), CHECK),
    "a cost that falls": (updated("running", "cost_usd = -0.000001"), CHECK),
    # what never changes
    **{f"an update of {column}": (updated("pending", f"{column} = {column}"), NO_PRIVILEGE)
       for column in ("project_id", "run_id", "agent_id", "is_shadow", "trace_id", "trigger_type",
                      "input", "input_sha256", "parent_run_id", "max_attempts", "created_at",
                      "policy_revision_id")},
    "a run moved to a neighbour": (updated("pending", "project_id = %(other)s"), NO_PRIVILEGE),
    "a project renamed": (
        "UPDATE awooop_projects SET project_id = 'other' WHERE project_id = %(project)s",
        NO_PRIVILEGE),
    "a project of a shape of its own": (
        PROJECT.replace("%(project)s", "'../etc'"), NO_PRIVILEGE),
    # deletes and truncates
    **{f"a delete from {table}": (f"DELETE FROM {table}", NO_PRIVILEGE)
       for table in ("awooop_run_state", "awooop_run_step_journal", "awooop_run_transition",
                     "awooop_run_idempotency", "awooop_projects", "awooop_conversation_event",
                     "awooop_api_key")},
    **{f"a truncate of {table}": (f"TRUNCATE {table} CASCADE", NO_PRIVILEGE)
       for table in ("awooop_run_state", "awooop_run_step_journal", "awooop_run_transition",
                     "awooop_member", "awooop_projects")},
    # the journal
    "a result rewritten": (STEPS.format("result_status = 'error'", "ended"), CHECK),
    "a result taken back": (
        STEPS.format("result_status = 'intent', completed_at = NULL", "ended"), CHECK),
    "a result's time": (STEPS.format("completed_at = clock_timestamp()", "ended"), CHECK),
    "a step's tool": (STEPS.format("tool_name = 'other'", "running"), NO_PRIVILEGE),
    "a step's epoch": (STEPS.format("lease_epoch = 9", "running"), NO_PRIVILEGE),
    "a step's place": (STEPS.format("step_seq = 9", "running"), NO_PRIVILEGE),
    "a result without a time": (STEPS.format("result_status = 'success'", "running"), CHECK),
    "a result of no kind": (
        STEPS.format("result_status = 'splendid', completed_at = clock_timestamp()", "running"),
        CHECK),
    "a step before the first": (STEP.format(**NOTED | {"seq": 0}), CHECK),
    "a step twice": (STEP.format(**NOTED | {"seq": 1}), UNIQUE),
    "a step of a neighbour's run": (STEP.format(**NOTED | {"run": "%(theirs)s"}), (FOREIGN, CHECK)),
    "a neighbour's step": (STEP.format(**NOTED | {"project": "%(other)s"}), (NO_PRIVILEGE, CHECK)),
    "an intent with a time": (STEP.format(**NOTED | {"status": "intent"}), CHECK),
    # the transitions
    "a transition rewritten": (
        "UPDATE awooop_run_transition SET reason = 'better'", NO_PRIVILEGE),
    "a transition no run can make": (
        TRANSITION.format(run="%(ended)s", version=9, was="completed", now="pending"), CHECK),
    "a transition twice": (
        TRANSITION.format(run="%(ended)s", version=2, was="pending", now="running"),
        (UNIQUE, CHECK)),
    "a transition of a neighbour's run": (
        TRANSITION.format(run="%(theirs)s", version=2, was="pending", now="running"),
        (FOREIGN, CHECK)),
    # the keys
    "an event that counts twice": (
        KEY.format(project="%(project)s", event="e1", run="%(pending)s"), UNIQUE),
    "an event for a neighbour's run": (
        KEY.format(project="%(project)s", event="e2", run="%(theirs)s"), FOREIGN),
    "an event turned to another run": (
        "UPDATE awooop_run_idempotency SET run_id = %(pending)s", NO_PRIVILEGE),
    # the schema
    **{f"the schema: {sql}": (sql, NO_PRIVILEGE) for sql in (
        "ALTER TABLE awooop_run_state DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE awooop_run_state DISABLE TRIGGER run_guard",
        "DROP POLICY awooop_run_state_tenant ON awooop_run_state",
        "CREATE POLICY leak ON awooop_run_state USING (true)",
        "CREATE OR REPLACE FUNCTION awooop_run_guard() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RETURN NEW; END'",
        "CREATE TABLE public.mine (a int)",
        "ALTER TABLE awooop_run_state OWNER TO awooop_app",
        "SET session_replication_role = replica",
        "SET ROLE awooop_owner",
        "SET SESSION AUTHORIZATION awooop_owner",
        "COPY awooop_run_state TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')")},
}  # fmt: skip


class TestApplicationRole:
    @pytest.mark.parametrize("deed", VIOLATIONS)
    def test_is_refused(self, facts, deed):
        sql, sqlstate = VIOLATIONS[deed]
        with pytest.raises(DatabaseError) as refusal:
            try_in_acme(facts, sql)

        assert refusal.value.__cause__.sqlstate in sqlstate, refusal.value

    def test_is_refused_in_more_than_thirty_ways(self):
        assert len(VIOLATIONS) >= 30

    @pytest.mark.parametrize("was", State)
    def test_walks_the_legal_edges_and_no_other(self, clean, was):
        way = {State.PENDING: [], State.RUNNING: ["running"]}.get(was, ["running", was])
        with tenant_tx("acme"):
            execute(PROJECT, {"project": "acme"})
        walked = {now for now in State if now != was and _walks(way, now)}

        assert walked == fsm.MOVES[was]

    def test_changes_nothing_of_a_neighbour(self, facts):
        with tenant_tx("acme"):
            assert execute(updated("theirs", "cost_usd = 1"), facts) == 0
            assert execute("DELETE FROM awooop_member WHERE project_id = 'globex'", None) == 0

    def test_changes_nothing_without_a_tenant(self, facts, django_db_blocker):
        with connections["default"].cursor() as cursor:
            cursor.execute(updated("pending", "cost_usd = 1"), facts)
            assert cursor.rowcount == 0

    @pytest.mark.parametrize(
        "sql",
        [
            updated("pending", "cost_usd = 1"),
            inserted(),
            "DELETE FROM awooop_run_state",
            "UPDATE awooop_projects SET is_active = false",
        ],
    )
    def test_as_operator_changes_nothing(self, facts, sql):
        with pytest.raises(DatabaseError) as refusal, operator_tx("*"):
            execute(sql, facts)

        assert refusal.value.__cause__.sqlstate == NO_PRIVILEGE

    @pytest.mark.parametrize(
        "sql",
        [
            inserted(),
            "DELETE FROM awooop_run_state",
            updated("pending", "project_id = %(other)s"),
            "UPDATE awooop_projects SET is_active = false",
            "SELECT * FROM awooop_api_key",
            "SELECT * FROM awooop_contract_revision",
        ],
    )
    def test_as_worker_stays_with_the_queue(self, facts, sql):
        with pytest.raises(DatabaseError) as refusal, worker_tx():
            execute(sql, facts)

        assert refusal.value.__cause__.sqlstate == NO_PRIVILEGE


def _walks(way, now):
    try:
        with tenant_tx("acme"):
            return move(born("acme", *way), now) == 1
    except DatabaseError:
        return False


SHADOW = """
CREATE TEMP TABLE awooop_run_transition (project_id text, run_id uuid, version int, was text,
  now text, reason text, actor text, lease_epoch int, at timestamptz) ON COMMIT DROP
"""
REAL = "SELECT FROM public.awooop_run_transition WHERE run_id = %(pending)s"
SUBTLE = {
    "a cost that is no number": [updated("running", "cost_usd = 'NaN'")],
    "a budget that is no number": ["UPDATE awooop_projects SET budget_limit_usd = 'NaN'"],
    "an epoch without a claim": [updated("running", "lease_epoch = lease_epoch + 1")],
    "running without a lease": [moved("pending", "running", ", lease_epoch = 1")],
    "a lease for ever": [updated("running", "lease_expires_at = 'infinity'")],
    "a transition that never was": [
        TRANSITION.format(run="%(pending)s", version=2, was="pending", now="cancelled")
    ],
    "a step after the end": [STEP.format(**NOTED | {"run": "%(ended)s"})],
    "a step under an old epoch": [STEP.format(**NOTED | {"epoch": 0})],
    "a gap in the journal": [STEP.format(**NOTED | {"seq": 7})],
    "a key that comes back to life": [
        "INSERT INTO awooop_api_key (project_id, id, name, hint, secret_sha256, scopes, agent_id, "
        "created_by, created_at, revoked_at) VALUES (%(project)s, %(new)s, 'n', 'h', 's', '{}', "
        "'', 'me', clock_timestamp(), clock_timestamp())",
        "UPDATE awooop_api_key SET revoked_at = NULL",
    ],
}


class TestSubtleDeeds:
    @pytest.mark.parametrize("deed", SUBTLE)
    def test_are_refused(self, facts, deed):
        with pytest.raises(DatabaseError):
            try_in_acme(facts, *SUBTLE[deed])

    def test_a_move_is_noted_in_the_real_table(self, facts):
        with tenant_tx("acme"):
            execute(SHADOW, None)
            execute(moved("pending", "cancelled", DONE), facts)

            assert execute(REAL, facts) == 1


@pytest.fixture
def as_role(clean):
    """A connection of the application's alias that signs in as somebody else."""
    opened = []

    def connect(user, password=None):
        connection = connections["default"].copy()
        connection.settings_dict = {**connection.settings_dict, "USER": user}
        if password is not None:
            connection.settings_dict["PASSWORD"] = password
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def superuser(as_role):
    """Statements as a superuser, where the server trusts us that far."""
    connection = as_role("postgres")
    connection.alias = "superuser"  # the guard watches the application's alias alone
    try:
        connection.ensure_connection()
    except DatabaseError as reason:
        pytest.skip(f"no superuser to be had: {reason}")

    def run(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return run


class TestRoleGuard:
    def test_refuses_the_owner(self, as_role):
        owner = connections["owner"].settings_dict
        connection = as_role(owner["USER"], owner["PASSWORD"])

        with pytest.raises(ImproperlyConfigured, match="owns tenant tables"):
            connection.ensure_connection()
        assert connection.connection is None

    def test_refuses_a_superuser(self, superuser, as_role):
        with pytest.raises(ImproperlyConfigured, match="postgres is a superuser"):
            as_role("postgres").ensure_connection()

    @pytest.mark.parametrize(
        ("power", "why"),
        [("BYPASSRLS", "BYPASSRLS"), ("IN ROLE awooop_owner", "may become their owner")],
    )
    def test_refuses_a_role_above_the_walls(self, superuser, as_role, power, why):
        name = f"guarded_{ids.new_id().hex}"
        superuser(f"CREATE ROLE {name} LOGIN {power}")
        try:
            with pytest.raises(ImproperlyConfigured, match=why):
                as_role(name).ensure_connection()
        finally:
            superuser(f"DROP ROLE {name}")

    def test_refuses_again_when_asked_again(self, as_role):
        owner = connections["owner"].settings_dict
        for _ in range(2):
            with pytest.raises(ImproperlyConfigured):
                as_role(owner["USER"], owner["PASSWORD"]).ensure_connection()

    def test_lets_the_application_in(self, as_role):
        connection = as_role(connections["default"].settings_dict["USER"])
        connection.ensure_connection()

        assert roles.fault(connection) is None
