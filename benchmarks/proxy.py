"""A TCP proxy in a process of its own that delays what the server says: each answer by the same time, none waits for another."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

_CHUNK = 2**18


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """The port of a proxy before a server on this machine."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, port, seconds), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(10)
        if process.is_alive():
            process.kill()


def _serve(connection: Connection, port: int, seconds: float) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            asking = asyncio.create_task(_pass_on(reader, inner_writer, 0.0))
            await _pass_on(inner_reader, writer, seconds)
            asking.cancel()

    async def serve() -> None:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            connection.send(server.sockets[0].getsockname()[1])
            await asyncio.to_thread(connection.recv)

    asyncio.run(serve())


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(_CHUNK):
        if seconds:
            loop.call_later(seconds, writer.write, data)
        else:
            writer.write(data)
            await writer.drain()
    loop.call_later(seconds, writer.close)
