"""A wire between the gateway and an upstream: it notes when calls arrive, and can stop the traffic.

The kernel stamps what arrives, so that a busy machine makes nobody look late.
"""

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_CALL = re.compile(rb'"method": ?"tools/call"')
_SO_TIMESTAMPNS = 35  # Linux; elsewhere arrivals are stamped when they are read
_SYN_SENT = "02"
_QUEUE = 128
_AT_ONCE = 256 * 1024


@dataclass
class Relay:
    """A relay at work.

    :param arrivals: when each tools/call arrived, by ``time.time``, and for which tool.
    :param answers: cleared, what the upstream says is kept back.
    """

    url: str
    arrivals: list[tuple[float, str]] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)
    _listening: socket.socket = field(default_factory=socket.socket)
    _accepting: threading.Event = field(default_factory=threading.Event)
    _is_parked: bool = False

    def arrived(self, tool: str) -> list[float]:
        """Return when the calls of a tool arrived."""
        return [at for at, named in list(self.arrivals) if named == tool]

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """Let nobody connect for the block: who tries waits."""
        address = self._listening.getsockname()
        self._listening.listen(0)
        self._accepting.clear()
        # The one is still taken in, the other fills the queue.
        with socket.create_connection(address):
            while not self._is_parked:
                time.sleep(0.002)
            with socket.create_connection(address):
                yield
        self._listening.listen(_QUEUE)
        self._accepting.set()

    def knocks(self) -> int:
        """Return how many wait for a connection."""
        port = self._listening.getsockname()[1]
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(f":{port:04X}" in (p := line.split())[2] and p[3] == _SYN_SENT for line in lines)


@contextlib.contextmanager
def before(url: str) -> Iterator[Relay]:
    """Relay to an upstream for the block."""
    parts = urlsplit(url)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        listening.listen(_QUEUE)
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        relay = Relay(parts._replace(netloc=address).geturl(), _listening=listening)
        relay.answers.set()
        relay._accepting.set()
        upstream = (str(parts.hostname), int(parts.port or 0))
        threading.Thread(target=_accept, args=(relay, upstream), daemon=True).start()
        try:
            yield relay
        finally:
            relay.answers.set()
            relay._accepting.set()


def _accept(relay: Relay, upstream: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # the block is over
        while True:
            relay._is_parked = not relay._accepting.is_set()
            relay._accepting.wait()
            here, _ = relay._listening.accept()
            there = socket.create_connection(upstream)
            for work in (_ask, _answer):
                threading.Thread(target=work, args=(relay, here, there), daemon=True).start()


def _ask(relay: Relay, here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, stamps, _, _ = here.recvmsg(_AT_ONCE, 256)
            if not data:
                break
            if _CALL.search(data):
                body = json.loads(data.partition(b"\r\n\r\n")[2])  # the hub writes all at once
                relay.arrivals.append((_arrived(stamps), body["params"]["name"]))
            there.sendall(data)
    _end(there)


def _answer(relay: Relay, here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := there.recv(_AT_ONCE):
            relay.answers.wait()
            here.sendall(data)
    _end(here)


def _arrived(stamps: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in stamps:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("qq", value[:16])
            return float(seconds + nanoseconds / 1e9)
    return time.time()


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
