"""Many writers of one chain: threads and processes, and not one gap or fork."""

from awooop.audit import sealing, store
from awooop.console.bench.processes import helpers

PROCESSES, THREADS, ROWS = 2, 8, 5_000


class TestTwoProcessesOfEightThreads:
    def test_leave_no_gap_and_no_fork(self, clean, process_env, monkeypatch):
        for name, value in process_env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "awooop.settings")
        each = ROWS // (PROCESSES * THREADS) + 1
        with helpers(PROCESSES) as writers:
            for writer in writers:
                writer.ask("evidence", projects=["acme"], threads=THREADS, each=each)
            written = sum(writer.answer()["count"] for writer in writers)
        assert written >= ROWS
        report = sealing.verify("acme")
        assert (report.fault, report.rows) == (None, written)
        assert store.head("acme").top == written
