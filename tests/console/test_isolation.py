"""`doctor --isolation`: no breach in a wall goes unnamed, and nothing else is called one."""

import io
import json
import time
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from awooop.console import isolation
from awooop.console.isolation.hand import Hand

TENANT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE a.attname = 'project_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
   AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
POLICIES = """
SELECT p.polname, CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
         WHEN 'w' THEN 'UPDATE' ELSE 'DELETE' END,
       (SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles WHERE oid = ANY (p.polroles)),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
  FROM pg_policy p WHERE p.polrelid = %s::regclass AND p.polpermissive
"""


@pytest.fixture
def owner(clean):
    def run(sql, params=None):
        with connections["owner"].cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def sabotage(owner):
    """Do something to the schema for the length of a block."""

    @contextmanager
    def during(do, undo):
        owner(do)
        try:
            yield
        finally:
            owner(undo)

    return during


def asked():
    """Run the command as a shell would; return its exit code and its JSON object."""
    out = io.StringIO()
    try:
        call_command("doctor", "--isolation", "--json", stdout=out)
    except SystemExit as end:
        return end.code, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def named(report):
    return {(finding.code, finding.where) for finding in report.findings}


@pytest.fixture
def strong_settings(settings):
    settings.SECRET_KEY = "k" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["awooop.example"]
    settings.HTTPS_ONLY = True


class TestIsolation:
    def test_finds_nothing_on_the_migrated_schema(self, clean, strong_settings):
        started = time.monotonic()
        code, told = asked()

        assert told["findings"] == []
        assert (code, told["ok"]) == (0, True)
        assert time.monotonic() - started < 10

    def test_attacks_every_tenant_table(self, owner):
        titles = {check.title for check in isolation.examine().checks}

        tables = [name for (name,) in owner(TENANT_TABLES)]
        assert len(tables) >= 11
        assert {f"attack on {table}" for table in tables} <= titles

    def test_leaves_nothing_behind(self, tenant, owner):
        before = _everything(owner)
        isolation.examine()

        assert _everything(owner) == before

    def test_neither_waits_for_a_busy_database_nor_stops_it(self, tenant, owner):
        with psycopg.connect(**_login("owner")) as other:
            other.execute("LOCK TABLE awooop_run_state, awooop_projects IN ROW EXCLUSIVE MODE")
            other.execute("SET lock_timeout = '1s'")

            assert isolation.examine().findings == []

    def test_says_when_a_table_is_locked_instead_of_hanging(self, owner):
        with psycopg.connect(**_login("owner")) as other:
            other.execute("LOCK TABLE awooop_api_key IN ACCESS EXCLUSIVE MODE")
            started = time.monotonic()
            found = named(isolation.examine(["awooop_api_key"]))

        assert ("not-attacked", "awooop_api_key") in found
        assert time.monotonic() - started < 6

    def test_notices_each_policy_dropped_in_turn(self, owner, sabotage):
        missed = []
        for (table,) in owner(TENANT_TABLES):
            for name, command, roles, using, check in owner(POLICIES, [table]):
                again = f'CREATE POLICY "{name}" ON {table} FOR {command} TO {roles}'
                again += f" USING ({using})" if using else ""
                again += f" WITH CHECK ({check})" if check else ""
                with sabotage(f'DROP POLICY "{name}" ON {table}', again.replace("%", "%%")):
                    if table not in {where for _, where in named(isolation.examine([table]))}:
                        missed.append(name)
            assert isolation.examine([table]).findings == []

        assert missed == []

    @pytest.mark.parametrize(
        ("off", "on", "code"),
        [
            ("DISABLE ROW LEVEL SECURITY", "ENABLE ROW LEVEL SECURITY", "rls-off"),
            ("NO FORCE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY", "rls-not-forced"),
        ],
    )
    def test_notices_row_level_security_off_on_each_table(self, owner, sabotage, off, on, code):
        for (table,) in owner(TENANT_TABLES):
            with sabotage(f"ALTER TABLE {table} {off}", f"ALTER TABLE {table} {on}"):
                assert (code, table) in named(isolation.examine([table]))

    def test_reaches_the_neighbour_where_the_wall_is_down(self, owner, sabotage):
        table = "awooop_member"
        with sabotage(
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        ):
            told = [f.what for f in isolation.examine([table]).findings if f.code == "breach"]

        for verb in ("select as", "select by error", "insert", "update", "delete", "copy to"):
            assert any(what.startswith(verb) for what in told), verb
        assert any(what.startswith("copy from") for what in told)

    def test_exits_1_and_names_the_table(self, owner, sabotage, strong_settings):
        with sabotage(
            "DROP POLICY awooop_run_state_tenant ON awooop_run_state",
            "CREATE POLICY awooop_run_state_tenant ON awooop_run_state TO awooop_app USING "
            "(project_id = (SELECT NULLIF(current_setting('rls.tenant_id', true), ''))) WITH CHECK "
            "(project_id = (SELECT NULLIF(current_setting('rls.tenant_id', true), '')))",
        ):
            code, told = asked()

        assert code == 1
        assert "awooop_run_state" in {finding["where"] for finding in told["findings"]}
        assert all(finding["mend"] for finding in told["findings"])
        assert isolation.examine().findings == []


WALLS = """
ALTER TABLE {0} ENABLE ROW LEVEL SECURITY; ALTER TABLE {0} FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON {0} TO awooop_app
  USING (project_id = (SELECT NULLIF(current_setting('rls.tenant_id', true), '')));
GRANT SELECT, INSERT ON {0} TO awooop_app;
"""
LEAK = "CREATE TABLE leak (project_id varchar(64) NOT NULL, id uuid NOT NULL{});"

SABOTAGES = {
    "a bare view": (
        "CREATE VIEW leak AS SELECT * FROM awooop_api_key",
        "DROP VIEW leak",
        {("view", "leak")},
    ),
    "a bare view over an honest view": (
        "CREATE VIEW honest WITH (security_invoker = true) AS SELECT * FROM awooop_api_key; "
        "CREATE VIEW leak AS SELECT project_id FROM honest",
        "DROP VIEW leak; DROP VIEW honest",
        {("view", "leak")},
    ),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW leak AS SELECT project_id FROM awooop_projects; "
        "GRANT SELECT ON leak TO awooop_app",
        "DROP MATERIALIZED VIEW leak",
        {("materialized-view", "leak")},
    ),
    "a definer function": (
        "CREATE FUNCTION leak() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS "
        "'SELECT count(*) FROM public.awooop_run_state'",
        "DROP FUNCTION leak()",
        {("definer", "leak()")},
    ),
    "a definer trigger nobody may call": (
        "CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "'BEGIN RETURN NEW; END'; REVOKE EXECUTE ON FUNCTION leak() FROM PUBLIC; "
        "CREATE TRIGGER leak BEFORE INSERT ON awooop_member FOR EACH ROW EXECUTE FUNCTION leak()",
        "DROP TRIGGER leak ON awooop_member; DROP FUNCTION leak()",
        {("definer", "leak()")},
    ),
    "a foreign key without the project": (
        LEAK.format(", run_id uuid, run_project varchar(64), FOREIGN KEY (run_project, run_id) "
                    "REFERENCES awooop_run_state (project_id, run_id)") + WALLS.format("leak"),
        "DROP TABLE leak",
        {("fk-project", "leak")},
    ),
    "a unique index without the project": (
        "CREATE UNIQUE INDEX leak ON awooop_api_key (secret_sha256)",
        "DROP INDEX leak",
        {("key-project", "awooop_api_key")},
    ),
    "a unique index that only includes the project": (
        "CREATE UNIQUE INDEX leak ON awooop_api_key (secret_sha256) INCLUDE (project_id)",
        "DROP INDEX leak",
        {("key-project", "awooop_api_key")},
    ),
    "a primary key without the project": (
        LEAK.format(" PRIMARY KEY") + WALLS.format("leak"),
        "DROP TABLE leak",
        {("key-project", "leak")},
    ),
    "an open policy": (
        "CREATE POLICY leak ON awooop_member TO awooop_app USING (true)",
        "DROP POLICY leak ON awooop_member",
        {("policy-unexpected", "awooop_member"), ("breach", "awooop_member")},
    ),
    "an open policy for everybody": (
        "CREATE POLICY leak ON awooop_member FOR SELECT USING (true)",
        "DROP POLICY leak ON awooop_member",
        {("policy-unexpected", "awooop_member"), ("breach", "awooop_member")},
    ),
    "a policy whose check is open": (
        "CREATE POLICY leak ON awooop_member FOR INSERT TO awooop_app WITH CHECK (true)",
        "DROP POLICY leak ON awooop_member",
        {("policy-unexpected", "awooop_member"), ("breach", "awooop_member")},
    ),
    "a policy for the operator without a scope": (
        "CREATE POLICY leak ON awooop_member FOR SELECT TO awooop_operator USING (true)",
        "DROP POLICY leak ON awooop_member",
        {("policy-unexpected", "awooop_member"), ("breach", "awooop_member")},
    ),
    "a worker where it has no business": (
        "CREATE POLICY leak ON awooop_api_key TO awooop_worker USING (true); "
        "GRANT SELECT ON awooop_api_key TO awooop_worker",
        "DROP POLICY leak ON awooop_api_key; REVOKE ALL ON awooop_api_key FROM awooop_worker",
        {("policy-unexpected", "awooop_api_key"), ("grant-worker", "awooop_api_key")},
    ),
    "a grant to everybody": (
        "GRANT SELECT ON awooop_api_key TO PUBLIC",
        "REVOKE SELECT ON awooop_api_key FROM PUBLIC",
        {("grant-public", "awooop_api_key")},
    ),
    "a grant of one column to everybody": (
        "GRANT SELECT (name) ON awooop_api_key TO PUBLIC",
        "REVOKE SELECT (name) ON awooop_api_key FROM PUBLIC",
        {("grant-public", "awooop_api_key")},
    ),
    "a grant of truncate": (
        "GRANT TRUNCATE ON awooop_channel TO awooop_app",
        "REVOKE TRUNCATE ON awooop_channel FROM awooop_app",
        {("grant-power", "awooop_channel"), ("breach", "awooop_channel")},
    ),
    "an operator that writes": (
        "GRANT UPDATE ON awooop_channel TO awooop_operator",
        "REVOKE UPDATE ON awooop_channel FROM awooop_operator",
        {("grant-operator", "awooop_channel")},
    ),
    "a table without walls": (
        LEAK.format("") + "GRANT SELECT, INSERT ON leak TO awooop_app",
        "DROP TABLE leak",
        {("rls-off", "leak"), ("rls-not-forced", "leak"), ("policy-missing", "leak"),
         ("breach", "leak")},
    ),
    "a table without walls or grants": (
        LEAK.format(""),
        "DROP TABLE leak",
        {("rls-off", "leak"), ("rls-not-forced", "leak")},
    ),
    "a table of another schema": (
        "CREATE SCHEMA annex; GRANT USAGE ON SCHEMA annex TO awooop_app; "
        "CREATE TABLE annex.leak (project_id varchar(64) NOT NULL); "
        "GRANT SELECT, INSERT ON annex.leak TO awooop_app",
        "DROP SCHEMA annex CASCADE",
        {("rls-off", "annex.leak"), ("breach", "annex.leak")},
    ),
    "a partition beside the wall": (
        "CREATE TABLE leak (project_id varchar(64) NOT NULL) PARTITION BY HASH (project_id); "
        "CREATE TABLE leak_0 PARTITION OF leak FOR VALUES WITH (MODULUS 1, REMAINDER 0); "
        "GRANT SELECT, INSERT ON leak_0 TO awooop_app;" + WALLS.format("leak"),
        "DROP TABLE leak",
        {("rls-off", "leak_0"), ("breach", "leak_0")},
    ),
    "a table that could not be attacked": (
        LEAK.format(", shape text NOT NULL CHECK (shape ~ '^[a-f]{{7}}:[0-9]+$')")
        + WALLS.format("leak"),
        "DROP TABLE leak",
        {("not-attacked", "leak")},
    ),
    "a link table": (
        "CREATE TABLE leak (run_project varchar(64), run_id uuid, tag text, FOREIGN KEY "
        "(run_project, run_id) REFERENCES awooop_run_state (project_id, run_id)); "
        "GRANT SELECT, INSERT ON leak TO awooop_app",
        "DROP TABLE leak",
        {("link-table", "leak")},
    ),
    "a nullable project": (
        "CREATE TABLE leak (project_id varchar(64));" + WALLS.format("leak"),
        "DROP TABLE leak",
        {("project-nullable", "leak")},
    ),
    "a count across tenants": (
        LEAK.format(", number bigint GENERATED BY DEFAULT AS IDENTITY") + WALLS.format("leak"),
        "DROP TABLE leak",
        {("sequence", "leak")},
    ),
    "a rewrite rule": (
        "CREATE RULE leak AS ON INSERT TO awooop_member DO ALSO NOTHING",
        "DROP RULE leak ON awooop_member",
        {("rewrite-rule", "awooop_member")},
    ),
    "a guard asleep": (
        "ALTER TABLE awooop_run_state DISABLE TRIGGER run_guard",
        "ALTER TABLE awooop_run_state ENABLE TRIGGER run_guard",
        {("guard-asleep", "awooop_run_state")},
    ),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO awooop_app",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM awooop_app",
        {("default-privileges", "public")},
    ),
    "a schema to build in": (
        "CREATE SCHEMA annex; GRANT CREATE ON SCHEMA annex TO PUBLIC",
        "DROP SCHEMA annex",
        {("create", "schema annex")},
    ),
    "a large object": (
        "DO $$ BEGIN PERFORM lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC; END $$",
        "SELECT lo_unlink(4711)",
        {("large-object", "large object 4711")},
    ),
    "a publication": (
        "CREATE PUBLICATION leak FOR TABLE awooop_api_key",
        "DROP PUBLICATION leak",
        {("publication", "leak")},
    ),
}  # fmt: skip


class TestSabotage:
    @pytest.mark.parametrize("deed", SABOTAGES)
    def test_is_named(self, owner, sabotage, deed):
        do, undo, expected = SABOTAGES[deed]
        with sabotage(do.replace("{{", "{").replace("}}", "}"), undo):
            found = named(isolation.examine())

        assert expected <= found

    def test_an_honest_view_is_let_be(self, owner, sabotage):
        with sabotage(
            "CREATE VIEW honest WITH (security_invoker = true) AS SELECT * FROM awooop_api_key; "
            "GRANT SELECT ON honest TO awooop_app",
            "DROP VIEW honest",
        ):
            assert isolation.examine().findings == []

    def test_a_session_setting_left_behind_is_named(self, clean):
        with connections["default"].cursor() as cursor:
            cursor.execute("SET rls.tenant_id = 'acme'")

        assert ("context", "a new connection") in named(isolation.examine())

    def test_statistics_of_an_open_table_are_named(self, tenant, owner, sabotage):
        owner("ANALYZE awooop_api_key")
        assert isolation.examine(["awooop_api_key"]).findings == []
        with sabotage(
            "ALTER TABLE awooop_api_key DISABLE ROW LEVEL SECURITY; ANALYZE awooop_api_key",
            "ALTER TABLE awooop_api_key ENABLE ROW LEVEL SECURITY",
        ):
            assert ("statistics", "awooop_api_key") in named(isolation.examine(["awooop_api_key"]))


class TestPowers:
    """What only a superuser can break, in a transaction that never commits: roles are shared by
    every database of the server, so by every other test."""

    @pytest.mark.parametrize(
        ("deed", "expected"),
        [
            ("GRANT awooop_owner TO awooop_app", ("role-member", "awooop_app")),
            ("GRANT awooop_operator TO awooop_worker", ("role-member", "awooop_worker")),
            ("GRANT pg_read_all_data TO awooop_app", ("role-member", "awooop_app")),
            ("GRANT pg_read_server_files TO awooop_operator", ("role-member", "awooop_operator")),
            ("ALTER ROLE awooop_app BYPASSRLS", ("role-power", "awooop_app")),
            ("ALTER ROLE awooop_worker LOGIN", ("role-power", "awooop_worker")),
            ("ALTER ROLE awooop_app REPLICATION", ("role-power", "awooop_app")),
            ("ALTER TABLE awooop_member OWNER TO awooop_worker", ("owner", "awooop_member")),
            (
                "GRANT SET ON PARAMETER session_replication_role TO awooop_app",
                ("parameter", "awooop_app"),
            ),
            (
                "CREATE FUNCTION leak(text) RETURNS bool LEAKPROOF LANGUAGE sql AS 'SELECT true'",
                ("leakproof", "leak(text)"),
            ),
            (
                "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO awooop_app",
                ("system-function", "pg_read_file(text)"),
            ),
            (
                "ALTER ROLE awooop_app SET rls.operator_scope = '*'",
                ("stored-setting", "awooop_app"),
            ),
            ("CREATE EXTENSION dblink", ("extension", "dblink")),
            ("CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw "
             "TO awooop_app", ("extension", "postgres_fdw")),
        ],
    )  # fmt: skip
    def test_are_named(self, superuser, deed, expected):
        try:
            superuser.execute(deed)
        except psycopg.errors.FeatureNotSupported as missing:
            pytest.skip(str(missing))
        assert expected in _judged(superuser)

    def test_an_app_that_inherits_is_named(self, superuser):
        superuser.execute("ALTER ROLE awooop_app INHERIT")
        if superuser.connection.info.server_version >= 160000:
            superuser.execute("GRANT awooop_operator TO awooop_app WITH INHERIT TRUE")

        assert ("role-inherit", "awooop_app") in _judged(superuser)

    def test_are_not_seen_where_there_are_none(self, superuser):
        assert _judged(superuser) == set()


@pytest.fixture
def superuser(clean):
    """A superuser's cursor in a transaction that never commits."""
    try:
        connection = psycopg.connect(
            **{**_login("owner"), "user": "postgres"}, cursor_factory=psycopg.ClientCursor
        )
    except psycopg.OperationalError as reason:
        pytest.skip(f"no superuser to be had: {reason}")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        yield cursor
        connection.rollback()
    connection.close()


def _judged(cursor):
    cursor.execute("SET LOCAL SESSION AUTHORIZATION awooop_app")
    checks = isolation.judged(Hand(cursor))
    return {(finding.code, finding.where) for check in checks for finding in check.findings}


def _login(alias):
    found = connections[alias].settings_dict
    login = {"dbname": found["NAME"], "user": found["USER"], "host": found["HOST"]}
    login |= {"port": found["PORT"] or 5432, "password": found["PASSWORD"] or None}
    return login


def _everything(owner):
    """Count the rows of every table and read every sequence, past row level security."""
    told = {}
    for name, kind in owner(
        "SELECT relname, relkind FROM pg_class WHERE relkind IN ('r', 'S') "
        "AND relnamespace = 'public'::regnamespace"
    ):
        if kind == "S":
            told[name] = owner(f"SELECT last_value, is_called FROM {name}")
            continue
        owner(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
        told[name] = owner(f"SELECT count(*) FROM {name}")
        if owner("SELECT relrowsecurity FROM pg_class WHERE relname = %s", [name])[0][0]:
            owner(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    return told
