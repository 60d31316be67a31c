"""The life of a revision: who may let it hold, and that nothing else can."""

import copy
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from awooop.audit import store
from awooop.console.bench import counters
from awooop.errors import Code, Conflict, Corrupt, Invalid, NotFound
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants import members
from awooop.tenants.models import Operator, Role
from contracts import lifecycle, queries, seals
from contracts.models import ContractRevision, ContractSignature, Family, Lifecycle

AGENT = {"agent_id": "helper", "tools": []}
PEOPLE = ("ann", "bob", "eve")
COLUMNS = (
    "body = jsonb_set(body, '{agent_id}', '\"helpes\"')",
    "body_hash = overlay(body_hash placing chr(48 + (ascii(body_hash) - 47) % 10) from 1)",
    "signature = overlay(signature placing chr(48 + (ascii(signature) - 47) % 10) from 1)",
    "key_id = 'other'",
    "created_by = 'someone'",
    "version_minor = version_minor + 1",
    "contract_id = 'helpes'",
    "revision_id = gen_random_uuid()",
)


@pytest.fixture
def project(tenant):
    """A project with three members who may sign, and a policy that wants two signers."""
    with global_tx():
        for name in PEOPLE:
            Operator.objects.create_user(name)
    with tenant_tx("acme"):
        for name in PEOPLE:
            members.admit("acme", name, Role.APPROVER, actor="t", at=timezone.now())
        policy = {"policy_id": "main", "quorum": {"activation": 2}}
        act(lifecycle.install, Family.POLICY, "main", fitting(policy), actor="t")
    return tenant


def fitting(policy):
    from contracts.bodies.policy import Policy

    return {name: value for name, value in policy.items() if name in Policy.model_fields}


def act(verb, *given, **more):
    return verb("acme", *given, at=timezone.now(), **more)


def published(body=AGENT, actor="operator:ann"):
    with tenant_tx("acme"):
        made = act(lifecycle.draft, Family.AGENT, "helper", copy.deepcopy(body), actor=actor)
        return act(lifecycle.publish, made.revision_id, actor=actor).revision_id


def sign(revision_id, *names):
    with tenant_tx("acme"):
        for name in names:
            act(lifecycle.sign, revision_id, signer=name)


def activate(revision_id):
    with tenant_tx("acme"):
        return act(lifecycle.activate, revision_id, actor="operator:ann")


def active_now():
    with tenant_tx("acme"):
        found = ContractRevision.objects.filter(contract_id="helper", lifecycle_status="active")
        return [row.revision_id for row in found]


@contextmanager
def owning():
    """As the tables' owner, with every guard switched off."""
    tables = ("awooop_contract_revision", "awooop_contract_signature")
    with connections["owner"].cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield cursor.execute
        finally:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
                cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


class TestQuorum:
    def test_lets_a_revision_hold_that_enough_people_signed(self, project):
        revision_id = published()
        sign(revision_id, "operator:ann", "operator:bob")
        assert activate(revision_id).lifecycle_status == Lifecycle.ACTIVE
        assert queries.active("acme", Family.AGENT, "helper").revision_id == revision_id

    @pytest.mark.parametrize(
        "names",
        [
            (),
            ("operator:ann",),
            ("operator:ann", "operator:ann"),
            ("operator:ann", "operator:mallory"),
            ("operator:ann", "shell:root"),
            ("operator:ann", "key:12345678"),
        ],
    )
    def test_counts_distinct_members_only(self, project, names):
        revision_id = published()
        sign(revision_id, *names)
        with pytest.raises(Conflict) as refusal:
            activate(revision_id)
        assert refusal.value.code is Code.CONTRACT_QUORUM
        assert active_now() == []

    def test_does_not_count_whoever_left_before_the_activation(self, project):
        revision_id = published()
        sign(revision_id, "operator:ann", "operator:bob")
        with tenant_tx("acme"):
            members.dismiss("acme", "bob", actor="t")
        with pytest.raises(Conflict):
            activate(revision_id)
        sign(revision_id, "operator:eve")
        activate(revision_id)

    def test_does_not_count_whoever_was_switched_off_or_may_only_read(self, project):
        revision_id = published()
        sign(revision_id, "operator:ann", "operator:bob", "operator:eve")
        with global_tx():
            Operator.objects.filter(username="bob").update(is_active=False)
        with tenant_tx("acme"):
            members.admit("acme", "eve", Role.VIEWER, actor="t", at=timezone.now())
        with pytest.raises(Conflict):
            activate(revision_id)

    def test_does_not_count_signatures_of_another_revision(self, project):
        one, other = published(), published({**AGENT, "description": "another"})
        sign(one, "operator:ann", "operator:bob")
        with owning() as run:
            run(
                "UPDATE awooop_contract_signature s SET revision_id = r.revision_id, "
                "body_hash = r.body_hash FROM awooop_contract_revision r "
                f"WHERE r.revision_id = '{other}' AND s.revision_id = '{one}'"
            )
        with pytest.raises(Conflict):
            activate(other)

    def test_wants_no_second_signer_where_no_policy_does(self, tenant):
        revision_id = published()
        assert activate(revision_id).lifecycle_status == Lifecycle.ACTIVE

    def test_fails_closed_when_the_policy_itself_was_altered(self, project):
        revision_id = published()
        with owning() as run:
            run(
                "UPDATE awooop_contract_revision SET body = "
                "jsonb_set(body, '{quorum,activation}', '1') WHERE contract_family = 'policy'"
            )
        with pytest.raises(Corrupt):
            activate(revision_id)


class TestActivate:
    def test_rolls_back_to_an_earlier_revision_under_the_same_rules(self, project):
        first, second = published(), published({**AGENT, "description": "second"})
        sign(first, "operator:ann", "operator:bob")
        sign(second, "operator:ann", "operator:eve")
        activate(first)
        activate(second)
        assert active_now() == [second]
        assert activate(first).version == "1.0"
        assert active_now() == [first]

    def test_leaves_one_active_when_twenty_race(self, project):
        ids = [published({**AGENT, "description": str(n)}) for n in range(4)]
        for each in ids:
            sign(each, "operator:ann", "operator:bob")

        def race(number):
            try:
                return activate(ids[number % 4]).revision_id
            finally:
                connections.close_all()

        with ThreadPoolExecutor(20) as pool:
            assert len(list(pool.map(race, range(20)))) == 20
        assert len(active_now()) == 1

    @pytest.mark.parametrize("change", COLUMNS)
    def test_refuses_what_was_changed_since_it_was_published(self, project, change):
        revision_id = published()
        sign(revision_id, "operator:ann", "operator:bob")
        with owning() as run:
            if "revision_id" in change:
                run("DELETE FROM awooop_contract_signature")
            run(f"UPDATE awooop_contract_revision SET {change} WHERE contract_id = 'helper'")
        with tenant_tx("acme"):
            (found,) = ContractRevision.objects.filter(contract_family="agent").exclude(
                lifecycle_status="active"
            )
            assert not seals.is_sound(found)
        with pytest.raises(Corrupt):
            activate(found.revision_id)

    def test_refuses_a_draft_and_a_stranger(self, project):
        with tenant_tx("acme"):
            draft = act(lifecycle.draft, Family.AGENT, "helper", dict(AGENT), actor="t")
        with pytest.raises(Conflict):
            activate(draft.revision_id)
        with pytest.raises(NotFound):
            activate("01a1fe1b-0000-7000-8000-000000000000")

    def test_believes_an_older_key_until_it_is_taken_out(self, project, settings):
        old, new = (f"k{n}:{secrets.token_urlsafe(40)}" for n in (1, 2))
        settings.CONTRACT_KEYS = [old]
        with tenant_tx("acme"):
            policy = ContractRevision.objects.get(contract_family="policy", contract_id="main")
            assert not seals.is_sound(policy)
        settings.CONTRACT_KEYS = []
        revision_id = published()
        with tenant_tx("acme"):
            assert seals.is_sound(ContractRevision.objects.get(revision_id=revision_id))
        settings.CONTRACT_KEYS = [new, old]
        settings.CONTRACT_KEYS = [old]
        with tenant_tx("acme"):
            one = act(lifecycle.draft, Family.AGENT, "other", dict(AGENT), actor="t")
            one = act(lifecycle.publish, one.revision_id, actor="t")
        settings.CONTRACT_KEYS = [new, old]
        assert seals.is_sound(one)
        settings.CONTRACT_KEYS = [new]
        assert not seals.is_sound(one)


class TestPublish:
    @pytest.mark.parametrize(
        ("change", "version"),
        [
            ({"description": "clearer"}, "1.1"),
            ({"tools": []}, "2.0"),
            ({"limits": {"usd": "0.40"}}, "2.0"),
            ({"limits": {"usd": "0.60"}}, "1.1"),
        ],
    )
    def test_says_what_is_major_and_what_is_minor(self, tenant, change, version):
        tool = {"tool_name": "get_pods", "mcp_gateway_id": "observability", "scopes": ["read"]}
        body = {**AGENT, "tools": [tool], "limits": {"usd": "0.50"}}
        published(body)
        with tenant_tx("acme"):
            later = ContractRevision.objects.get(revision_id=published_in(body | change))
        assert later.version == version

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"tools": [{"tool_name": "get_pods", "mcp_gateway_id": "none", "scopes": ["read"]}]},
             "/tools/0/mcp_gateway_id"),
            ({"tools": [{"tool_name": "fly", "mcp_gateway_id": "observability",
                         "scopes": ["read"]}]}, "/tools/0/tool_name"),
            ({"tools": [{"tool_name": "delete_pod", "mcp_gateway_id": "observability",
                         "scopes": ["read"]}]}, "/tools/0/scopes"),
            ({"output_schema": {"$ref": "https://example.org/schema"}}, "/output_schema"),
        ],
    )  # fmt: skip
    def test_refuses_what_does_not_fit_the_project(self, tenant, change, field):
        with pytest.raises(Invalid) as refusal:
            published({**AGENT, **change})
        assert any(each["field"].startswith(field) for each in refusal.value.facts["errors"])


def published_in(body):
    made = act(lifecycle.draft, Family.AGENT, "helper", body, actor="t")
    return act(lifecycle.publish, made.revision_id, actor="t").revision_id


class TestLoading:
    def test_asks_once_when_cold_and_not_at_all_when_known(self, tenant):
        queries.active("acme", Family.AGENT, tenant.agent_id)  # connects
        queries.forget()
        with counters.trips() as cold:
            queries.active("acme", Family.AGENT, tenant.agent_id)
        with counters.trips() as warm:
            queries.active("acme", Family.AGENT, tenant.agent_id)
        assert (cold.waits, warm.waits) == (1, 0)

    def test_drops_an_altered_contract_names_it_and_leaves_evidence(self, tenant):
        with owning() as run:
            run(
                "UPDATE awooop_contract_revision SET body = jsonb_set(body, '{tools}', '[]') "
                "WHERE contract_family = 'agent'"
            )
        queries.forget()
        with pytest.raises(Corrupt) as refusal:
            queries.active("acme", Family.AGENT, tenant.agent_id)
        assert refusal.value.code is Code.CONTRACT_UNSOUND
        acts = [link.event.act for link in store.links("acme", upto=store.head("acme").seq)]
        assert acts.count("contract.unsound") == 1

    def test_never_puts_an_older_reading_over_a_newer(self, tenant):
        queries.forget()
        older = queries._read("acme", queries._Known(0.0, 0))
        with tenant_tx("acme"):
            made = ContractRevision.objects.get(contract_family="agent")
            lifecycle.retire("acme", made.revision_id, actor="t")
        queries.forget()
        assert queries.active("acme", Family.AGENT, tenant.agent_id) is None
        assert older.moved_no < queries._cache["acme"].moved_no


class TestRawSql:
    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM awooop_contract_revision",
            "UPDATE awooop_contract_revision SET body = '{}'",
            "UPDATE awooop_contract_revision SET signature = repeat('0', 64)",
            "UPDATE awooop_contract_revision SET lifecycle_status = 'draft'",
            "UPDATE awooop_contract_revision SET lifecycle_status = 'published'",
            "UPDATE awooop_contract_revision SET created_by = 'x'",
            "UPDATE awooop_contract_signature SET signer = 'x'",
            "DELETE FROM awooop_contract_signature",
            "TRUNCATE awooop_contract_signature",
        ],
    )
    def test_of_the_application_cannot_rewrite_what_is_published(self, tenant, statement):
        with pytest.raises(DatabaseError), tenant_tx("acme"), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_knows_the_same_moves_as_the_code(self, clean):
        from contracts.migrations import __path__ as home

        text = (__import__("pathlib").Path(home[0]) / "0004_guards.py").read_text()
        edges = sorted(f"'{was.value}>{now.value}'" for was, now in lifecycle.EDGES)
        assert all(edge in text for edge in edges)
        assert text.split("EDGES = ")[1].split('"""')[1].count(">") == len(edges)

    def test_signs_no_draft(self, tenant):
        with tenant_tx("acme"):
            draft = act(lifecycle.draft, Family.AGENT, "helper", dict(AGENT), actor="t")
        with pytest.raises(DatabaseError), tenant_tx("acme"):
            ContractSignature.objects.create(
                project_id="acme", revision_id=draft.revision_id, signer="operator:ann",
                body_hash=draft.body_hash, signed_at=timezone.now(), key_id="k", signature="s",
            )  # fmt: skip
