"""What the conformance suite cannot do: it sends no key. This adds one to each request."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def adding(headers: dict[str, str], *, port: int) -> Iterator[int]:
    """Pass connections on to a port of 127.0.0.1; each carries one request, with these headers.

    Nothing else of a request changes, its Host and Origin included.
    """
    extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    extra += "connection: close\r\n"
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(
        asyncio.start_server(lambda *pipe: _pass(pipe, extra.encode(), port), "127.0.0.1", 0)
    )
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def _pass(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter], extra: bytes, port: int
) -> None:
    reader, writer = client
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        writer.close()
        return
    first, *lines = head[:-4].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    there_writer.write(b"\r\n".join([first, *kept]) + b"\r\n" + extra + b"\r\n")
    await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.close()
