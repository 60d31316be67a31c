"""An event becomes a run once, whatever Valkey says."""

from hashlib import sha256
from threading import Barrier, Thread

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from awooop.errors import Code, Conflict, Invalid
from awooop.kit import canonical, ids, redis
from awooop.kit.db import tenant_tx
from runs import cancelling, intake, orders
from runs.intake import Order
from runs.models import IdempotencyKey, Run, Trigger


def order(tenant, event="e-1", **changes):
    asked = {
        "project_id": tenant.project_id,
        "agent_id": tenant.agent_id,
        "is_shadow": True,
        "trigger_type": Trigger.API,
        "input": {"b": 1, "a": "é"},
        "channel_type": "api",
        "provider_event_id": event,
    }
    return Order(**{**asked, **changes})


class TestPlace:
    def test_returns_the_first_run_for_a_repeated_event(self, tenant):
        first = orders.place(order(tenant))
        second = orders.place(order(tenant))

        assert (first.is_duplicate, second.is_duplicate) == (False, True)
        assert second.run_id == first.run_id
        assert second.trace_id == first.trace_id

    def test_refuses_the_same_event_with_another_input(self, tenant):
        first = orders.place(order(tenant))
        with pytest.raises(Conflict) as refusal:
            orders.place(order(tenant, input={"other": True}))

        assert refusal.value.code is Code.RUN_EVENT_REUSED
        assert refusal.value.facts["run_id"] == str(first.run_id)
        with tenant_tx("acme"):
            assert Run.objects.count() == 1

    def test_keeps_equal_events_of_two_tenants_apart(self, new_tenant):
        one, other = new_tenant("one"), new_tenant("other")

        assert orders.place(order(one)).run_id != orders.place(order(other)).run_id

    def test_makes_a_run_each_time_when_there_is_no_event_id(self, tenant):
        assert (
            orders.place(order(tenant, event=None)).run_id
            != orders.place(order(tenant, event=None)).run_id
        )

    def test_hashes_the_canonical_input(self, tenant):
        orders.place(order(tenant))

        with tenant_tx("acme"):
            assert Run.objects.get().input_sha256 == sha256('{"a":"é","b":1}'.encode()).hexdigest()

    def test_writes_run_and_key_in_one_transaction(self, tenant, monkeypatch):
        broken = intake._CREATE.replace("'pending', 1,", "'running', 1,")
        monkeypatch.setattr(intake, "_CREATE", broken)
        with pytest.raises(Exception, match="born pending"):
            orders.place(order(tenant))

        with tenant_tx("acme"):
            assert not Run.objects.exists()
            assert not IdempotencyKey.objects.exists()

    def test_continues_the_callers_trace(self, tenant):
        theirs = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
        receipt = orders.place(order(tenant, traceparent=theirs))

        assert receipt.trace_id.split("-")[1] == "ab" * 16
        assert receipt.trace_id.split("-")[2] != "cd" * 8

    def test_refuses_an_agent_without_a_contract(self, tenant):
        with pytest.raises(Invalid) as refusal:
            orders.place(order(tenant, agent_id="nobody"))

        assert refusal.value.code is Code.CONTRACT_MISSING

    def test_refuses_a_number_that_has_no_canonical_form(self, tenant):
        with pytest.raises(Invalid):
            orders.place(order(tenant, input={"n": 2**60}))

    def test_gives_one_run_to_many_threads_at_once(self, tenant):
        start, receipts = Barrier(12), []

        def knock():
            start.wait()
            receipts.append(orders.place(order(tenant)))
            connection.close()

        threads = [Thread(target=knock) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len({receipt.run_id for receipt in receipts}) == 1
        assert sum(not receipt.is_duplicate for receipt in receipts) == 1


class TestValkey:
    def test_is_not_believed_when_it_names_a_run_that_never_was(self, tenant):
        asked = order(tenant)
        redis.client().set(intake._seen_key(intake.prepare(asked)), str(ids.new_id()))

        assert not orders.place(asked).is_duplicate

    def test_is_not_needed(self, tenant, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        redis.forget_client()
        try:
            first, second = orders.place(order(tenant)), orders.place(order(tenant))
        finally:
            redis.forget_client()

        assert (first.is_duplicate, second.is_duplicate) == (False, True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class TestCanonical:
    @given(st.dictionaries(st.text(), JSON, max_size=6))
    def test_does_not_depend_on_the_order_of_keys(self, value):
        turned = dict(reversed(list(value.items())))

        assert canonical.canonical(value) == canonical.canonical(turned)


class TestSecrets:
    SECRET = "gh" + "p_" + "a1B2c3D4" * 5

    def test_are_kept_out_of_the_row_while_hashes_are_of_what_came(self, tenant):
        sent = {"log": f"used {self.SECRET}", "deep": [{"password": "hunter2x"}], self.SECRET: 1}
        asked = order(tenant, input=sent, trigger_ref=f"by {self.SECRET}")
        receipt = orders.place(asked)

        with tenant_tx("acme"):
            run = Run.objects.get(run_id=receipt.run_id)
        assert self.SECRET not in str(run.input) + run.trigger_ref
        assert "hunter2x" not in str(run.input)
        assert run.input_sha256 == canonical.sha256_of(sent)
        assert orders.place(asked).is_duplicate

    def test_that_differ_make_another_payload_under_one_event_id(self, tenant):
        orders.place(order(tenant, input={"password": "first-One1"}))
        with pytest.raises(Conflict):
            orders.place(order(tenant, input={"password": "second-One1"}))

    def test_in_event_ids_are_hidden_and_the_ids_stay_apart(self, tenant):
        ids_sent = [f"{self.SECRET}", f"x-{self.SECRET}", f"{self.SECRET}-x", "e" * 301, "plain"]
        made = [orders.place(order(tenant, event=event)).run_id for event in ids_sent]
        again = [orders.place(order(tenant, event=event)) for event in ids_sent]

        assert len(set(made)) == len(ids_sent)
        assert [(receipt.run_id, receipt.is_duplicate) for receipt in again] == [
            (run_id, True) for run_id in made
        ]
        with tenant_tx("acme"):
            kept = list(IdempotencyKey.objects.values_list("provider_event_id", flat=True))
        assert "plain" in kept
        assert not any(self.SECRET in event for event in kept)

    def test_of_a_parent_do_not_come_back_in_its_retry(self, tenant):
        first = orders.place(order(tenant, input={"token": self.SECRET, "n": 1}))
        with tenant_tx("acme"):
            cancelling.cancel("acme", first.run_id, actor="test", reason=f"leaked {self.SECRET}")
        retry = order(
            tenant, event=None, trigger_type=Trigger.RETRY, parent_run_id=first.run_id, input={}
        )
        second = orders.place(orders.with_parents_input(retry))

        with tenant_tx("acme"):
            was, now = (Run.objects.get(run_id=r.run_id) for r in (first, second))
        assert now.input == was.input
        assert now.input["n"] == 1
        assert self.SECRET not in f"{was.input} {was.error_detail} {was.move_reason}"
