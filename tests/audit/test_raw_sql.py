"""What the database refuses the application itself, whatever SQL it sends."""

import pytest
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from awooop.audit import sealing, sink
from awooop.audit.acts import Act
from awooop.kit.db import tenant_tx

CONTENT = (
    "(project_id, event_id, act, actor, target_type, target, outcome, facts, content_sha256{more}) "
    "VALUES ('acme', gen_random_uuid(), 'a', 'b', 'c', 'd', 'success', '{{}}', ''{values})"
)
REFUSED = {
    "change a row": "UPDATE awooop_audit_event SET actor = 'x'",
    "remove a row": "DELETE FROM awooop_audit_event",
    "empty the table": "TRUNCATE awooop_audit_event",
    "choose a number": "INSERT INTO awooop_audit_event "
    + CONTENT.format(more=", seq", values=", 7"),
    "choose a hash": "INSERT INTO awooop_audit_event "
    + CONTENT.format(more=", hash, prev_hash", values=", 'x', 'y'"),
    "choose a time": "INSERT INTO awooop_audit_event "
    + CONTENT.format(more=", at", values=", 'epoch'"),
    "write in another's chain": "INSERT INTO awooop_audit_event "
    + CONTENT.format(more="", values="").replace("'acme'", "'bravo'"),
    "move the head": "UPDATE awooop_audit_chain SET seq = seq + 1",
    "change the head": "UPDATE awooop_audit_chain SET hash = repeat('0', 64)",
    "unseal": "UPDATE awooop_audit_chain SET sealed_seq = 0",
    "seal what is not there": "UPDATE awooop_audit_chain SET sealed_seq = seq + 1",
    "remove the head": "DELETE FROM awooop_audit_chain",
    "begin a chain by hand": "INSERT INTO awooop_audit_chain "
    "(project_id, seq, at, prev_hash, hash, sealed_seq, fault) "
    "VALUES ('acme', 5, now(), '', '', 5, '')",
    "change a checkpoint": "UPDATE awooop_audit_checkpoint SET seq = 1",
    "remove a checkpoint": "DELETE FROM awooop_audit_checkpoint",
    "empty the checkpoints": "TRUNCATE awooop_audit_checkpoint",
}


@pytest.fixture
def chain(clean):
    with tenant_tx("acme"):
        sink.record("acme", Act.KEY_ISSUED, actor="t", target=("api_key", "k"))
    sealing.seal("acme", at=timezone.now())


class TestTheApplication:
    @pytest.mark.parametrize("what", REFUSED)
    def test_is_refused_to(self, chain, what):
        with pytest.raises(DatabaseError), tenant_tx("acme"), connection.cursor() as cursor:
            cursor.execute(REFUSED[what])
        assert sealing.verify("acme").fault is None

    @pytest.mark.parametrize("role", ["awooop_operator", "awooop_worker"])
    def test_in_another_role_writes_no_evidence(self, chain, role):
        with pytest.raises(DatabaseError), tenant_tx("acme"), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
            cursor.execute("INSERT INTO awooop_audit_event " + CONTENT.format(more="", values=""))


class TestTheOwner:
    @pytest.mark.parametrize("what", ["change a row", "remove a row", "empty the table"])
    def test_is_stopped_by_a_trigger_where_no_privilege_does(self, chain, what):
        with connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE awooop_audit_event NO FORCE ROW LEVEL SECURITY")
            try:
                with pytest.raises(DatabaseError, match="evidence is never changed"):
                    cursor.execute(REFUSED[what])
            finally:
                cursor.execute("ALTER TABLE awooop_audit_event FORCE ROW LEVEL SECURITY")
