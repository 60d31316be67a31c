"""`doctor`: silent on a healthy installation; each ailment is named, with how to mend it."""

import io
import json
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connections

from awooop.console import ailments, doctor
from awooop.kit import redis
from awooop.kit.db import tenant_tx, worker_tx

PLACED = """
INSERT INTO awooop_run_state
       (project_id, run_id, agent_id, state, version, is_shadow, trace_id, trigger_type,
        trigger_ref, input, input_sha256, attempt_count, max_attempts, step_count, cost_usd,
        lease_epoch, created_at, timeout_at)
VALUES (%s, gen_random_uuid(), 'a', 'pending', 1, true, 't', 'api', '', '{}', 'x', 0, 3, 0, 0, 0,
        clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 day')
"""
CLAIMED = """
UPDATE awooop_run_state
   SET state = 'running', version = 2, lease_epoch = 1, attempt_count = 1, worker_id = 'w',
       moved_by = 'w', move_reason = 'claimed', started_at = clock_timestamp(),
       heartbeat_at = clock_timestamp() + %(lease)s::interval,
       lease_expires_at = clock_timestamp() + %(lease)s::interval
 WHERE run_id = (SELECT min(run_id::text)::uuid FROM awooop_run_state WHERE state = 'pending')
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


def asked(*options):
    """Run the command as a shell would; return its exit code and its JSON object."""
    out = io.StringIO()
    try:
        call_command("doctor", "--json", *options, stdout=out)
    except SystemExit as end:
        return end.code, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.fixture
def strong_settings(settings):
    settings.SECRET_KEY = "k" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["awooop.example"]
    settings.HTTPS_ONLY = True


class TestExamine:
    def test_passes_a_healthy_installation(self, clean, strong_settings):
        code, told = asked()

        assert (code, told["ok"], told["findings"]) == (0, True, [])

    def test_tells_a_person_one_line_per_check(self, clean, strong_settings):
        out = io.StringIO()
        call_command("doctor", stdout=out)

        lines = out.getvalue().strip().splitlines()
        assert all(line.startswith(("✓ ", "✗ ", "  ! ")) for line in lines[:-1])
        assert lines[-1].startswith("0 findings")

    def test_tells_how_to_mend(self, clean, settings):
        settings.SECRET_KEY = "short"
        out = io.StringIO()
        with pytest.raises(SystemExit) as end:
            call_command("doctor", stdout=out)

        assert end.value.code == 1
        assert "✗ SECRET_KEY: it is too weak" in out.getvalue()
        assert "token_urlsafe" in out.getvalue()

    @pytest.mark.parametrize("key", ["x", "development-only-" + "0" * 48, "aaaabbbb" * 10])
    def test_refuses_a_weak_key(self, settings, strong_settings, key):
        settings.SECRET_KEY = key

        assert [f.code for f in ailments.settings_check().findings] == ["secret-key"]

    def test_refuses_a_weak_key_for_tags(self, settings, strong_settings):
        settings.REDACTION_KEY = "short"

        assert [f.code for f in ailments.settings_check().findings] == ["redaction-key"]

    def test_forgives_a_developer(self, settings, strong_settings):
        settings.SECRET_KEY, settings.DEBUG, settings.ALLOWED_HOSTS = "x", True, []

        assert ailments.settings_check().findings == ()

    @pytest.mark.parametrize("hosts", [["*"], []])
    def test_refuses_any_host(self, settings, strong_settings, hosts):
        settings.ALLOWED_HOSTS = hosts

        assert [f.code for f in ailments.settings_check().findings] == ["hosts"]

    def test_finds_prices_that_cannot_be_used(self, settings, strong_settings):
        settings.MODEL_PRICES = '{"local/llama": {"input": "NaN"}}'

        assert [f.code for f in ailments.settings_check().findings] == ["prices"]

    def test_names_a_migration_that_has_not_run(self, owner, sabotage):
        with sabotage(
            "DELETE FROM django_migrations WHERE app = 'runs' AND name = '0005_effects'",
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('runs', '0005_effects', now())",
        ):
            found = ailments.schema().findings

        assert [finding.where for finding in found] == ["runs.0005_effects"]

    def test_names_a_column_that_is_gone(self, owner, sabotage):
        with sabotage(
            "ALTER TABLE awooop_channel RENAME COLUMN agent_id TO gone",
            "ALTER TABLE awooop_channel RENAME COLUMN gone TO agent_id",
        ):
            assert [f.where for f in ailments.schema().findings] == ["awooop_channel.agent_id"]

    def test_goes_on_without_valkey(self, monkeypatch):
        monkeypatch.setattr(redis, "ask", lambda question: None)

        check = doctor.valkey()
        assert check.findings == ()
        assert "never wrong" in check.warnings[0].what

    def test_reports_a_database_that_is_away(self, clean, monkeypatch):
        default = connections["default"]
        default.close()
        monkeypatch.setitem(default.settings_dict, "HOST", "/nowhere")
        try:
            report = doctor.examine(attack=True)
        finally:
            monkeypatch.undo()
            default.close()

        assert {finding.code for finding in report.findings} >= {"database"}


class TestQueue:
    def place(self, project="acme"):
        with tenant_tx(project), connections["default"].cursor() as cursor:
            cursor.execute(PLACED, [project])

    def claim(self, lease):
        with worker_tx(), connections["default"].cursor() as cursor:
            cursor.execute(CLAIMED, {"lease": lease})

    def codes(self):
        check = doctor.queue()
        return [f.code for f in check.findings], [f.code for f in check.warnings]

    def test_is_quiet_when_empty(self, tenant):
        assert self.codes() == ([], [])

    def test_finds_that_nobody_works(self, tenant):
        self.place()
        assert self.codes() == (["queue-stopped"], [])

    def test_warns_when_workers_are_behind(self, tenant):
        self.place()
        self.place()
        self.claim("20 seconds")
        assert self.codes() == ([], ["queue-slow"])

    def test_finds_that_nobody_reaps(self, tenant):
        self.place()
        self.claim("-1 hour")
        assert self.codes() == (["reaper-stopped"], [])

    def test_lets_a_project_that_is_off_wait(self, tenant):
        self.place()
        with tenant_tx("acme"), connections["default"].cursor() as cursor:
            cursor.execute("UPDATE awooop_projects SET is_active = false")
        assert self.codes() == ([], [])
