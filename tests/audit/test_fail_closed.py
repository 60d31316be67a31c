"""No evidence, no act: with inserts into the audit refused, nothing privileged happens."""

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from awooop.errors import Unavailable
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import access
from awooop.tenants.models import ApiKey, Operator, Role
from contracts import lifecycle
from contracts.models import Family
from gateway.models import Effect, Switch, Tool
from tests.console.asking import ask

PASSWORD = "correct horse battery staple"
LIMITS = "/v1/platform/budgets/acme/limits"
NOT_ACTS = {"awooop_audit_event", "awooop_audit_chain", "django_session", "axes_accesslog"}


@contextmanager
def unwritable():
    """With INSERT on the audit's table taken from the application."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT attacl FROM pg_attribute WHERE attrelid = 'awooop_audit_event'"
                       "::regclass AND attname = 'act'")  # fmt: skip
        assert cursor.fetchone()[0], "the grant is by column"
        columns = (
            "project_id, event_id, act, actor, target_type, target, outcome, code, run_id, facts, "
            "content_sha256"
        )
        cursor.execute(f"REVOKE INSERT ({columns}) ON awooop_audit_event FROM awooop_app")
        try:
            yield
        finally:
            cursor.execute(f"GRANT INSERT ({columns}) ON awooop_audit_event TO awooop_app")


def everything():
    """Return the content of every table, as the owner of all walls."""
    kept = {}
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in cursor.fetchall():
            if name in NOT_ACTS:
                continue
            cursor.execute(f'ALTER TABLE "{name}" NO FORCE ROW LEVEL SECURITY')
            cursor.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1')
            kept[name] = cursor.fetchall()
            cursor.execute(
                "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [f'"{name}"']
            )
            if cursor.fetchone()[0]:
                cursor.execute(f'ALTER TABLE "{name}" FORCE ROW LEVEL SECURITY')
    return kept


def command(*words, **options):
    return call_command(*words, **options, stdout=StringIO())


def cancel(caller):
    answer = caller.post(f"/v1/platform/runs/{caller.run_id}/cancel", {})
    assert answer.status_code in {200, 503}
    return answer.status_code == 200 or json.loads(answer.content)["code"]


def through_console(path, **form):
    def act(caller):
        names = ("run_id", "effect_id", "switch_id", "approval_id")
        places = {name: getattr(caller, name) for name in names}
        answer = caller.console.post(path.format(ann=caller.ann.pk, **places), form)
        return answer.status_code == 302 or answer.content.decode()

    return act


def put_limit(caller):
    body = {"scope": "project", "period": "day", "limit_usd": "1"}
    answer = caller.console.put(LIMITS, body, content_type="application/json")
    return answer.status_code == 200 or answer.content.decode()


def clear_limit(caller):
    answer = caller.console.delete(f"{LIMITS}?scope=project&period=month")
    return answer.status_code == 200 or answer.content.decode()


def decide(decision):
    def act(caller):
        answer = caller.console.post(
            f"/v1/platform/approvals/{caller.approval_id}/decide",
            {"decision": decision, "reason": "why"}, content_type="application/json",
        )  # fmt: skip
        return answer.status_code == 200 or answer.content.decode()

    return act


def sign_in(caller):
    fresh = Client(raise_request_exception=False)
    answer = fresh.post("/admin/login/", {"username": "ann", "password": PASSWORD})
    inside = fresh.get("/admin/").status_code == 200
    assert inside == (answer.status_code == 302)
    return inside or answer.content.decode()


def token(caller):
    now = timezone.now()
    with global_tx():
        return access.issue_token(caller.ann, name="t", actor="t", at=now, expires_at=now)


def contract(caller):
    with tenant_tx("acme"):
        return lifecycle.install(
            "acme",
            Family.AGENT,
            "new",
            {"agent_id": "new", "tools": []},
            actor="t",
            at=timezone.now(),
        )


ACTS = {
    "onboard": lambda _: command("onboard_tenant", "bravo"),
    "set_mode": lambda _: command("set_mode", "acme", "suggest"),
    "admit": lambda _: command("member", "acme", "bob", "admin"),
    "dismiss": lambda _: command("member", "acme", "ann", "none"),
    "issue a key": lambda _: command("api_key", "acme", "issue"),
    "rotate a key": lambda caller: command("api_key", "acme", "rotate", str(caller.key_id)),
    "revoke a key": lambda caller: command("api_key", "acme", "revoke", str(caller.key_id)),
    "cancel by a key": cancel,
    "cancel in the console": through_console("/admin/runs/{run_id}/cancel/", reason="why"),
    "set a limit": lambda _: command("budget", "acme", "set", "--usd", "1"),
    "clear a limit": lambda _: command("budget", "acme", "clear"),
    "set a limit through its door": put_limit,
    "clear a limit through its door": clear_limit,
    "set a limit in the console": through_console(
        "/admin/budgets/acme/limit/", place="agent:day", usd="1", act="set", seen="none"
    ),
    "clear a limit in the console": through_console(
        "/admin/budgets/acme/limit/", place="project:month", act="clear", seen="100/None"
    ),
    "set a time zone": lambda _: command("budget", "acme", "zone", "Asia/Taipei"),
    "set a ceiling": lambda _: command("budget", "acme", "ceiling", "1"),
    "sign in": sign_in,
    "add an account": through_console(
        "/admin/tenants/operator/add/", username="eve", password1=PASSWORD, password2=PASSWORD,
        platform_role="admin", usable_password="true",
    ),
    "change an account": through_console(
        "/admin/tenants/operator/{ann}/change/", username="anna", is_active="on"
    ),
    "set another's password": through_console(
        "/admin/tenants/operator/{ann}/password/", password1=PASSWORD * 2,
        password2=PASSWORD * 2, usable_password="true",
    ),
    "set one's own password": through_console(
        "/admin/password_change/", old_password=PASSWORD, new_password1=PASSWORD * 2,
        new_password2=PASSWORD * 2,
    ),
    "make a superuser": lambda _: Operator.objects.create_superuser("eve", password=PASSWORD),
    "issue a token": token,
    "activate a contract": contract,
    "release a tool": through_console(
        "/admin/gateways/acme/observability/release/get_pods/", pin="0" * 64
    ),
    "suspend a tool": through_console("/admin/gateways/acme/observability/suspend/get_pods/"),
    "resolve an effect": through_console(
        "/admin/effects/acme/{effect_id}/resolve/", outcome="error", note="why", confirmed="error"
    ),
    "throw a kill switch": through_console(
        "/admin/switches/throw/", level="project", project="acme", reason="why",
        confirmed="project:acme:",
    ),
    "approve through its door": decide("approve"),
    "reject through its door": decide("reject"),
    "approve": through_console("/admin/approvals/acme/{approval_id}/approve/", reason="why"),
    "reject": through_console("/admin/approvals/acme/{approval_id}/reject/", reason="why"),
    "lift a kill switch": through_console("/admin/switches/acme/{switch_id}/lift/"),
}  # fmt: skip


@pytest.fixture
def caller(tenant):
    made = Operator.objects.create_user("ann", password=PASSWORD)
    Operator.objects.create_user("bob", password=PASSWORD, platform_role=Role.ADMIN)
    command("member", "acme", "ann", "approver")
    command("budget", "acme", "set", "--usd", "100")
    run = tenant.post("/v1/platform/runs", {"agent_id": tenant.agent_id, "input": {}})
    console = Client(raise_request_exception=False)
    console.post("/admin/login/", {"username": "bob", "password": PASSWORD})
    found = type("Caller", (), {})()
    found.post, found.console, found.ann = tenant.post, console, made
    found.run_id = run.json()["run_id"]
    with tenant_tx("acme"):
        found.key_id = ApiKey.objects.get().id
        found.effect_id, found.switch_id = unsettled(timezone.now())
    found.approval_id = ask("acme").approval_id
    return found


def unsettled(now):
    """Make a tool in quarantine, an effect nobody knows the outcome of, and a thrown switch."""
    place = {"project_id": "acme", "gateway_id": "observability"}
    Tool.objects.create(
        **place, tool_name="get_pods", standing="quarantined", seen={}, seen_sha256="0" * 64,
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    effect = Effect.objects.create(
        **place, agent_id="a", actor="t", tool_name="restart", args_sha256="0" * 64,
        action_sha256="0" * 64, claimed_at=now, expires_at=now,
    )  # fmt: skip
    Effect.objects.update(outcome="unknown", resolved_by="reaper")
    switch = Switch.objects.create(
        project_id="acme", level="tool", key="x", thrown_by="t", armed_at=now
    )
    return effect.effect_id, switch.switch_id


class TestWithoutEvidence:
    @pytest.mark.parametrize("act", ACTS)
    def test_nothing_privileged_happens_and_the_reason_is_told(self, caller, act):
        before = everything()
        with unwritable():
            try:
                told = ACTS[act](caller)
            except (CommandError, Unavailable) as refusal:
                told = str(refusal)
        assert "E-AUDIT-001" in str(told)
        assert everything() == before

    @pytest.mark.parametrize("act", ACTS)
    def test_the_same_act_succeeds_with_it_and_leaves_it(self, caller, act):
        def acts():
            with connections["owner"].cursor() as cursor:
                cursor.execute("ALTER TABLE awooop_audit_event NO FORCE ROW LEVEL SECURITY")
                cursor.execute("SELECT count(*) FROM awooop_audit_event")
                (count,) = cursor.fetchone()
                cursor.execute("ALTER TABLE awooop_audit_event FORCE ROW LEVEL SECURITY")
                return count

        before = acts()
        told = ACTS[act](caller)
        assert told is not False
        assert acts() > before, told
