"""Whoever owns the database may do anything to a chain, and each thing is found and named."""

import json
import re
import secrets
import subprocess
import sys
from contextlib import contextmanager, suppress
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from awooop.audit import export, offline, sealing, signatures, sink, store
from awooop.audit.acts import Act
from awooop.audit.verify import Kind
from awooop.console import evidence
from awooop.errors import Invalid
from awooop.kit.db import tenant_tx

ROWS, SEALED = 9, 6
TABLES = ("awooop_audit_event", "awooop_audit_chain", "awooop_audit_checkpoint")
COLUMNS = (
    "event_id, act, actor, target_type, target, outcome, code, run_id, facts, content_sha256, "
    "prev_hash, hash, at"
)


def write(project_id, rows):
    for n in range(rows):
        with tenant_tx(project_id):
            sink.record(
                project_id,
                Act.PROJECT_MODE_SET,
                actor="t",
                target=("project", project_id),
                facts={"n": n},
            )


@pytest.fixture
def chains(clean):
    """Two chains of nine rows, each sealed at three and at six."""
    for project_id in ("acme", "bravo"):
        for _ in range(SEALED // 3):
            write(project_id, 3)
            sealing.seal(project_id, at=timezone.now())
        write(project_id, ROWS - SEALED)


@contextmanager
def owning():
    """As the tables' owner, with every guard switched off."""
    with connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield cursor.execute
        finally:
            for table in TABLES:
                cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def faults():
    return {report.project_id: report.fault for report in evidence.verified(None) if report.fault}


def delete(seq):
    return f"DELETE FROM awooop_audit_event WHERE project_id = 'acme' AND seq = {seq}"


def row(seq, project_id="acme", *, at_seq=None, source=None):
    place = at_seq or seq
    return (
        f"INSERT INTO awooop_audit_event (project_id, seq, {COLUMNS}) SELECT '{project_id}', "
        f"{place}, {COLUMNS} FROM awooop_audit_event WHERE project_id = '{source or project_id}' "
        f"AND seq = {seq}"
    )


UPDATE = "UPDATE awooop_audit_event SET {} WHERE project_id = 'acme' AND seq = {}"
HEAD = (
    "UPDATE awooop_audit_chain c SET seq = e.seq, hash = e.hash FROM awooop_audit_event e "
    "WHERE c.project_id = 'acme' AND e.project_id = 'acme' AND e.seq = {}"
)
SIGNED = "UPDATE awooop_audit_checkpoint SET {} WHERE project_id = 'acme' AND number = {}"
SWAP = [UPDATE.format(f"seq = {a}", b) for a, b in ((100, 4), (4, 5), (5, 100))]
UNIQUE = "ALTER TABLE awooop_audit_event DROP CONSTRAINT awooop_audit_event_pkey"

ATTACKS = [
    ("a changed actor", [UPDATE.format("actor = 'T'", 4)], 4, Kind.ALTERED),
    ("a changed fact", [UPDATE.format("facts = '{\"n\": 7}'", 1)], 1, Kind.ALTERED),
    ("a changed time", [UPDATE.format("at = at + interval '1 us'", 9)], 9, Kind.REHASHED),
    ("a changed hash", [UPDATE.format("hash = md5('x') || md5('y')", 5)], 5, Kind.REHASHED),
    ("a changed sum", [UPDATE.format("content_sha256 = repeat('a', 64)", 5)], 5, Kind.ALTERED),
    ("the first row gone", [delete(1)], 1, Kind.MISSING),
    ("a middle row gone", [delete(5)], 5, Kind.MISSING),
    ("the last row gone", [delete(9)], 9, Kind.CUT),
    # Not found: what was not sealed yet is held by the head alone. An anchor or export finds it.
    ("the last row gone, and the head moved", [delete(9), HEAD.format(8)], None, None),
    ("a sealed tail gone, and the head moved",
     [*map(delete, (9, 8, 7, 6)), HEAD.format(5)], 6, Kind.CUT),
    ("a row put in at the end", [row(2, at_seq=10)], 10, Kind.MISPLACED),
    ("a row put in at the end, and the head moved",
     [row(2, at_seq=10), HEAD.format(10)], 10, Kind.MISPLACED),
    ("two rows swapped", SWAP, 4, Kind.MISPLACED),
    ("a row moved to another chain",
     ["UPDATE awooop_audit_event SET project_id = 'acme', seq = 10 "
      "WHERE project_id = 'bravo' AND seq = 9", HEAD.format(10)], 10, Kind.MOVED),
    ("a fork", [UNIQUE, row(4), UPDATE.format("actor = 'T'", 4)], 4, Kind.ALTERED),
    ("a fork of equals", [UNIQUE, row(4)], 4, Kind.FORKED),
    ("a checkpoint gone", ["DELETE FROM awooop_audit_checkpoint WHERE project_id = 'acme' "
                           "AND number = 1"], 6, Kind.CHECKPOINT_MISSING),
    ("a checkpoint of another row", [SIGNED.format("seq = 5", 2)], 5, Kind.CHECKPOINT),
    ("a checkpoint's signature", [SIGNED.format("signature = reverse(signature)", 1)], 3,
     Kind.CHECKPOINT),
    ("a checkpoint's other spelling",
     [SIGNED.format("signature = upper(signature)", 1)],
     3, Kind.CHECKPOINT),
    ("another's checkpoint", ["DELETE FROM awooop_audit_checkpoint WHERE project_id = 'acme'",
                              "UPDATE awooop_audit_checkpoint SET project_id = 'acme'"],
     3, Kind.CHECKPOINT),
    ("the whole chain gone", [f"DELETE FROM {table} WHERE project_id = 'acme'"
                              for table in TABLES], 1, Kind.NO_CHAIN),
]  # fmt: skip


class TestOnline:
    def test_finds_nothing_wrong_with_an_honest_chain(self, chains):
        assert faults() == {}

    @pytest.mark.parametrize(
        ("attack", "seq", "kind"), [pytest.param(*rest, id=name) for name, *rest in ATTACKS]
    )
    def test_names_the_first_bad_row(self, new_tenant, chains, attack, seq, kind):
        if kind is Kind.NO_CHAIN:
            new_tenant("acme")
        with owning() as run:
            for statement in attack:
                run(statement)
        found = faults().get("acme")
        if UNIQUE in attack:
            with owning() as run:
                run("DELETE FROM awooop_audit_event")
                run("ALTER TABLE awooop_audit_event ADD PRIMARY KEY (project_id, seq)")
        assert (found and found.seq, found and found.kind) == (seq, kind)

    def test_sees_by_an_anchor_what_the_head_and_the_checkpoints_hide(self, chains, tmp_path):
        export.write("acme", tmp_path / "kept.jsonl", at=timezone.now())
        anchors = offline.anchors(tmp_path / "kept.jsonl")
        with owning() as run:
            for statement in [*map(delete, (9, 8, 7, 6)), HEAD.format(5)]:
                run(statement)
            run("DELETE FROM awooop_audit_checkpoint WHERE number = 2")
        assert faults() == {}
        (report,) = evidence.verified("acme", anchors=anchors)
        assert (report.fault.seq, report.fault.kind) == (6, Kind.CUT)

    def test_never_seals_a_broken_chain_until_it_is_whole_again(self, chains):
        with owning() as run:
            run(UPDATE.format("actor = 'T'", 8))
        assert sealing.seal("acme", at=timezone.now()).fault.seq == 8
        assert "acme" not in store.unsealed(10)
        assert store.head("acme").fault.startswith("acme row 8: altered")
        with owning() as run:
            run(UPDATE.format("actor = 't'", 8))
        assert faults() == {}
        assert sealing.seal_all(at=timezone.now()) == 2
        assert store.head("acme").sealed_seq == ROWS


@pytest.fixture
def exported(chains, tmp_path):
    path = tmp_path / "acme.jsonl"
    export.write("acme", path, at=timezone.now())
    return path


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def event_at(seq):
    """Return the place in the file of a row: a header first, a checkpoint after 3 and after 6."""
    return seq + (seq > 3) + (seq > 6)


class TestOffline:
    def test_needs_no_database(self, exported):
        public = signatures.public(signatures.signer().public_key())
        environment = {
            "PATH": "/usr/bin:/bin",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "REDIS_URL": "redis://127.0.0.1:1",
            "AWOOOP_EMBEDDED": "0",
        }
        verify = [sys.executable, "manage.py", "audit_verify", "--file", str(exported)]
        run = lambda *more: subprocess.run(  # noqa: E731
            [*verify, *more], cwd=settings.BASE_DIR, env=environment, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        believed, unknown = run("--key", public), run()
        assert (believed.returncode, believed.stderr) == (0, "")
        assert believed.stdout == "ok      acme: 9 rows, 2 checkpoints, 3 not sealed yet\n"
        assert unknown.returncode == 1
        assert "not signed by a key we believe" in unknown.stdout

    def test_finds_every_changed_byte(self, exported):
        whole = exported.read_bytes()
        missed = []
        for at in range(0, len(whole), 7):
            changed = bytearray(whole)
            changed[at] ^= (1, 32, 64)[at % 3]
            exported.write_bytes(changed)
            with suppress(Invalid):  # the header is no header any more
                if offline.verify(exported).fault is None:
                    missed.append(at)
        assert not missed

    @pytest.mark.parametrize(("seq", "kind"), [(1, Kind.MISSING), (5, Kind.MISSING), (9, Kind.CUT)])
    def test_names_a_row_that_is_gone(self, exported, seq, kind):
        kept = lines_of(exported)
        del kept[event_at(seq)]
        exported.write_bytes(b"".join(kept))
        fault = offline.verify(exported).fault
        assert (fault.seq, fault.kind) == (seq, kind)

    def test_names_rows_out_of_order_and_rows_there_twice(self, exported):
        kept = lines_of(exported)
        one, two = event_at(7), event_at(8)
        exported.write_bytes(b"".join([*kept[:one], kept[two], kept[one], *kept[two + 1 :]]))
        assert offline.verify(exported).fault.kind is Kind.MISSING
        exported.write_bytes(b"".join([*kept[:two], kept[one], *kept[two:]]))
        assert offline.verify(exported).fault.kind is Kind.FORKED

    def test_names_another_chains_row(self, exported, tmp_path):
        export.write("bravo", tmp_path / "bravo.jsonl", at=timezone.now())
        kept, other = lines_of(exported), lines_of(tmp_path / "bravo.jsonl")
        kept[event_at(8)] = other[event_at(8)]
        exported.write_bytes(b"".join(kept))
        fault = offline.verify(exported).fault
        assert (fault.seq, fault.kind) == (8, Kind.MOVED)
        assert "bravo" in fault.detail

    def test_names_a_checkpoint_that_is_gone_or_anothers(self, exported, tmp_path):
        export.write("bravo", tmp_path / "bravo.jsonl", at=timezone.now())
        kept, other = lines_of(exported), lines_of(tmp_path / "bravo.jsonl")
        exported.write_bytes(b"".join([*kept[:4], other[4], *kept[5:]]))
        assert offline.verify(exported).fault.kind is Kind.CHECKPOINT
        exported.write_bytes(b"".join([*kept[:4], *kept[5:]]))
        assert offline.verify(exported).fault.kind is Kind.CHECKPOINT_MISSING
        exported.write_bytes(b"".join([*kept[:8], *kept[9:]]))
        assert offline.verify(exported).fault.kind is Kind.CHECKPOINT_MISSING

    def test_names_a_tail_that_was_cut(self, exported):
        kept = lines_of(exported)
        for upto in range(2, len(kept)):
            exported.write_bytes(b"".join(kept[:upto]))
            assert offline.verify(exported).fault.kind is Kind.CUT

    def test_refuses_an_end_that_somebody_else_signed(self, exported, settings):
        kept = lines_of(exported)
        end = json.loads(kept[-1])
        settings.SECRET_KEY = secrets.token_urlsafe(48)
        assert offline.verify(exported).fault.kind is Kind.CHECKPOINT
        assert end["key_id"] != signatures.key_id(signatures.signer().public_key())

    @pytest.mark.parametrize("what", [b"", b"\n", b"{}\n", b"[" * 9000, b'{"kind":"header"}\n'])
    def test_refuses_what_is_no_export(self, tmp_path, what):
        path = tmp_path / "x"
        path.write_bytes(what)
        with pytest.raises(CommandError, match="E-AUDIT-003"):
            call_command("audit_verify", file=path, stdout=StringIO())


class TestExport:
    def test_goes_on_where_it_stopped(self, chains, tmp_path):
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        now = timezone.now()
        export.write("acme", whole, at=now)
        for size in range(0, whole.stat().st_size, 997):
            killed.write_bytes(whole.read_bytes()[:size])
            export.write("acme", killed, at=now)
            assert killed.read_bytes() == whole.read_bytes()
        write("acme", 2)
        sealing.seal("acme", at=now)
        assert export.write("acme", killed, at=now).rows == 2
        assert offline.verify(killed).last.seq == ROWS + 2
        assert offline.verify(killed).sealed == ROWS + 2

    def test_adds_nothing_to_a_file_of_another_past(self, chains, tmp_path):
        path = tmp_path / "x"
        export.write("acme", path, at=timezone.now())
        with pytest.raises(Exception, match="E-AUDIT-003"):
            export.write("bravo", path, at=timezone.now())
        path.write_bytes(re.sub(rb'"hash":"\w{64}"', b'"hash":"' + b"0" * 64 + b'"',
                                path.read_bytes()))  # fmt: skip
        with pytest.raises(Exception, match="E-AUDIT-003"):
            export.write("acme", path, at=timezone.now())

    def test_says_so_where_there_is_no_chain(self, clean, tmp_path):
        with pytest.raises(CommandError, match="E-TENANT-003"):
            call_command("audit_export", "nobody", tmp_path / "x", stdout=StringIO())
