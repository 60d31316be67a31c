"""Server-sent events: a stream of bytes becomes what its messages say."""

from collections.abc import Iterator

_MESSAGE = (b"", b"message")


class Events:
    """Reads one stream; how long it may be is its source's to say."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # begun, not ended
        self._data: list[bytes] = []
        self._kind = b""
        self._after_return = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next bytes, and yield the data of each message that they complete."""
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # the other half of a line's end
            self._after_return = False
        if not chunk:
            return
        self._after_return = chunk.endswith(b"\r")
        first, *more = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._line.append(first)
        if not more:
            return
        begun, self._line = b"".join(self._line), [more.pop()]
        for line in (begun, *more):
            if line:
                self._take(line)
            elif (message := self._message()) is not None:
                yield message

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._kind = value.removeprefix(b" ")

    def _message(self) -> bytes | None:
        data, kind = b"\n".join(self._data), self._kind
        self._data, self._kind = [], b""
        return data if data and kind in _MESSAGE else None
