"""What the sums of the chain promise, and that the database makes the same ones."""

import json
import secrets
from dataclasses import replace

import pytest
import structlog
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from awooop.audit import chain, lines, pseudonyms, sealing, signatures, sink, store
from awooop.audit.acts import Act, Outcome
from awooop.kit import ids
from awooop.kit.db import NotInTransaction, global_tx, tenant_tx
from awooop.kit.redaction import redact
from awooop.kit.tenancy import PLATFORM

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def written(project_id="acme", **facts):
    """Commit one act of a project and return its link."""
    with tenant_tx(project_id):
        sink.record(
            project_id, Act.PROJECT_MODE_SET, actor="t", target=("project", "x"), facts=facts
        )
    return links(project_id)[-1]


def links(project_id="acme"):
    head = store.head(project_id)
    return list(store.links(project_id, upto=head.seq if head else 0))


class TestRecord:
    def test_places_each_event_after_the_one_before(self, clean):
        made = [written(n=n) for n in range(3)]
        assert [link.seq for link in made] == [1, 2, 3]
        assert made[0].prev_hash == chain.GENESIS
        assert [made[1].prev_hash, made[2].prev_hash] == [made[0].hash, made[1].hash]
        assert all(link.hash == link.sum() for link in made)
        assert all(link.content_sha256 == link.event.content_sha256() for link in made)

    def test_keeps_a_chain_per_project_and_one_for_the_platform(self, clean):
        written("acme")
        written("bravo")
        with tenant_tx("acme"):
            sink.record(PLATFORM, Act.SIGNED_IN, actor="t", target=("operator", "ann"))
            sink.record("acme", Act.KEY_ISSUED, actor="t", target=("api_key", "k"))
        assert [link.seq for link in links("acme")] == [1, 2]
        assert [link.seq for link in links("bravo")] == [1]
        assert [link.event.target for link in links(PLATFORM)] == ["ann"]

    def test_wants_the_callers_transaction(self, clean):
        with pytest.raises(NotInTransaction):
            sink.record("acme", Act.KEY_ISSUED, actor="t", target=("api_key", "k"))

    def test_goes_with_the_act_when_it_is_rolled_back(self, clean):
        written()
        with pytest.raises(ZeroDivisionError), tenant_tx("acme"):
            sink.record("acme", Act.KEY_ISSUED, actor="t", target=("api_key", "k"))
            _ = 1 / 0
        assert [link.seq for link in links()] == [1]
        assert written().seq == 2

    def test_writes_to_no_chain_but_its_own(self, clean):
        with pytest.raises(Exception, match="E-AUDIT-001"), tenant_tx("acme"):
            sink.record("bravo", Act.KEY_ISSUED, actor="t", target=("api_key", "k"))

    def test_redacts_before_it_hashes(self, clean):
        secret = f"ghp_{secrets.token_hex(18)}"
        link = written(note=f"pushed with {secret}", deep={"password": secret, secret: 1})
        with tenant_tx("acme"):
            sink.record("acme", Act.KEY_ISSUED, actor=secret, target=("api_key", secret))
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_typeof(facts)::text FROM awooop_audit_event")
        told = " ".join(repr(link) for link in links())
        assert secret not in told
        assert "[secret:github:" in told
        assert link.content_sha256 == link.event.content_sha256()

    def test_keeps_of_what_identifies_a_person_a_pseudonym_only(self, clean):
        with global_tx():
            sink.record(
                PLATFORM,
                Act.SIGNED_IN,
                actor="operator:ann",
                target=("operator", "ann"),
                identifying={"address": "203.0.113.7", "none": ""},
            )
        (link,) = links(PLATFORM)
        assert link.event.facts == {"address": pseudonyms.of("203.0.113.7")}
        assert "203.0.113.7" not in repr(link)

    @pytest.mark.django_db(databases=["default", "owner"])
    @given(facts=st.dictionaries(st.text(), JSON, max_size=4))
    def test_hashes_what_every_reader_reads_back(self, facts):
        event = sink.made("acme", Act.KEY_ISSUED, actor="t", target=("x", "y"), facts=facts)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT %s::jsonb::text", [json.dumps(event.facts)])
            back = json.loads(cursor.fetchone()[0])
        assert replace(event, facts=back).content_sha256() == event.content_sha256()

    def test_keeps_the_size_of_facts_too_large(self, clean):
        link = written(log=["word " * 10] * 1_000)
        assert link.event.facts.keys() == {"omitted_characters"}


class TestPseudonym:
    def test_is_equal_for_equal_values_and_depends_on_the_key(self, settings):
        one = pseudonyms.of("ann@example.org")
        assert one == pseudonyms.of("ann@example.org") != pseudonyms.of("bob@example.org")
        settings.REDACTION_KEY = secrets.token_urlsafe(32)
        assert pseudonyms.of("ann@example.org") != one


class TestSignature:
    def test_can_be_read_in_a_log(self, clean):
        written()
        with structlog.testing.capture_logs() as said:
            sealing.seal("acme", at=links()[-1].at)
        (line,) = [each for each in said if each["event"] == "audit_checkpoint"]
        assert redact(json.loads(json.dumps(line))) == line
        assert lines.checkpoint(line).is_signed(signatures.trusted())

    def test_is_believed_after_the_key_was_rotated(self, clean, settings):
        written()
        sealing.seal("acme", at=links()[-1].at)
        old = signatures.public(signatures.signer().public_key())
        settings.AUDIT_SIGNING_KEY = secrets.token_hex(32)
        written()
        assert sealing.verify("acme").fault is not None
        settings.AUDIT_VERIFY_KEYS = [old]
        assert sealing.seal("acme", at=links()[-1].at).fault is None
        report = sealing.verify("acme")
        assert (report.fault, report.checkpoints, report.sealed) == (None, 2, 2)

    @pytest.mark.parametrize("wrong", ["", "!", "aaaa", "x" * 64])
    def test_key_that_is_none_is_refused_by_its_code(self, settings, wrong):
        settings.AUDIT_VERIFY_KEYS = [wrong]
        with pytest.raises(Exception, match="E-AUDIT-004"):
            signatures.trusted()


class TestLine:
    def test_tells_all_of_an_event(self, clean):
        link = written(a=1, b=["x", {"c": None}])
        told = lines.of_link(
            replace(link, event=replace(link.event, run_id=ids.new_id(), code="E-X-001"))
        )
        assert lines.of_link(lines.link(told)) == told
        assert told["status"] == "Success"
        assert told["metadata"]["sequence"] == 1
        assert Outcome(told["unmapped"]["outcome"]) is Outcome.SUCCESS
