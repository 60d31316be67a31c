"""A wire between the gateway and an upstream: it notes when calls arrive, and can stop the traffic.

The kernel stamps what arrives, so that a busy machine makes nobody look late.
"""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_CALL = re.compile(rb'"method": ?"tools/call"')
_NAME = re.compile(rb'"name": ?"([^"]+)"')
_SO_TIMESTAMPNS = 35  # Linux; elsewhere arrivals are stamped when they are read
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

    def arrived(self, tool: str) -> list[float]:
        """Return when the calls of a tool arrived."""
        return [at for at, named in list(self.arrivals) if named == tool]

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """Let nobody connect for the block: who tries waits."""
        self._accepting.clear()
        with contextlib.ExitStack() as stack:
            # The accept loop takes one more; then the queue, of one, is filled.
            for _ in range(4):
                caller = stack.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(self._listening.getsockname())
            time.sleep(0.05)
            yield
        self._accepting.set()


@contextlib.contextmanager
def before(url: str) -> Iterator[Relay]:
    """Relay to an upstream for the block."""
    parts = urlsplit(url)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        listening.listen(128)
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
                named = _NAME.findall(data)
                relay.arrivals.append((_arrived(stamps), named[-1].decode() if named else ""))
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
