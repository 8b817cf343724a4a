"""A MongoDB that does what a real one does on a bad day: between a real driver and a server, message by message.

A fault is `async def fault(command, ask)`: the command as a dict, and a call that lets the server do it and gives its reply as a
dict. What the fault returns is what the driver gets. It may answer without asking (the server has done nothing), change the
reply, wait, never answer (`for_ever`), or raise `Cut`, which closes the connection. Handshakes and heartbeats pass untouched.
"""

import asyncio
import itertools
import struct
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import bson

OP_MSG = 2013
MORE_TO_COME = 2  # of the flags: nobody answers this message
WRITES = {"insert", "update", "delete", "findAndModify", "createIndexes"}
READS = {"find", "getMore", "aggregate", "count", "distinct"}
HANDSHAKES = {"hello", "ismaster", "isMaster"}
HEADER = struct.Struct("<iiii")
NOT_PRIMARY = 10107


class Cut(Exception):  # noqa: N818  # it is no error of ours
    """The connection ends here."""


@dataclass(frozen=True)
class Message:
    """One message of the wire protocol, whole."""

    request_id: int
    op_code: int
    raw: bytes

    @property
    def is_answered(self):
        return self.op_code != OP_MSG or not struct.unpack_from("<i", self.raw, HEADER.size)[0] & MORE_TO_COME

    def document(self):
        """The command, or the reply: its body, and the documents that were sent beside it, each list under its name."""
        body, beside, rest = {}, {}, memoryview(self.raw)[HEADER.size + 4 :]
        while len(rest) > 4:  # less is a checksum
            (size,) = struct.unpack_from("<i", rest, 1)
            part = bytes(rest[1 : 1 + size])
            if rest[0] == 0:
                body = bson.decode(part)
            else:
                end = part.index(0, 4)
                beside[part[4:end].decode()] = bson.decode_all(part[end + 1 :])
            rest = rest[1 + size :]
        return body | beside


class WireProxy:
    """A server on a port of its own that hands everything to the one at `uri`, through `fault` where there is one.

    `commands` are the names of the commands that came, without handshakes; `waiting` is how many wait for an answer right now.
    """

    def __init__(self, uri):
        self._server_at = urlsplit(uri)
        self._ids = itertools.count(1_000_000)
        self._tasks = set()
        self._server = None
        self.fault = None
        self.commands = []
        self.waiting = 0

    @property
    def uri(self):
        return f"mongodb://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        upstream = None
        # Whatever ends a connection ends it as the network does: without a word.
        with suppress(OSError, EOFError, Cut, asyncio.CancelledError):
            upstream = await asyncio.open_connection(self._server_at.hostname, self._server_at.port)
            while True:
                await self._pass(await read(reader), writer, *upstream)
        for end in (writer, upstream and upstream[1]):
            if end:
                end.close()

    async def _pass(self, message, writer, from_server, to_server):
        async def ask():
            to_server.write(message.raw)
            await to_server.drain()
            return await read(from_server) if message.is_answered else None

        command = message.document() if message.op_code == OP_MSG else {}
        if not command or not message.is_answered or name_of(command) in HANDSHAKES:
            reply = await ask()
            if reply is not None:
                writer.write(reply.raw)
        else:
            reply = await self._asked(command, ask)
            writer.write(encoded(reply, next(self._ids), message.request_id))
        await writer.drain()

    async def _asked(self, command, ask):
        async def document():
            return (await ask()).document()

        self.commands.append(name_of(command))
        self.waiting += 1
        try:
            return await (document() if self.fault is None else self.fault(command, document))
        finally:
            self.waiting -= 1


async def read(reader):
    """The next message. Raises: EOFError at the end."""
    header = await reader.readexactly(HEADER.size)
    length, request_id, _, op_code = HEADER.unpack(header)
    return Message(request_id, op_code, header + await reader.readexactly(length - HEADER.size))


def encoded(document, request_id, response_to):
    body = bson.encode(document)
    return HEADER.pack(HEADER.size + 5 + len(body), request_id, response_to, OP_MSG) + struct.pack("<iB", 0, 0) + body


def name_of(command):
    """What is to be done: the first key."""
    return next(iter(command))


def collection_of(command):
    """What it is to be done to."""
    return command.get("collection", command[name_of(command)])


def error(code, text, *labels):
    """The reply of a server that refuses a command as a whole."""
    found = {"ok": 0.0, "code": code, "codeName": text, "errmsg": text}
    return found | ({"errorLabels": list(labels)} if labels else {})


def writes(*collections):
    """Whether a command writes, to these or to any."""
    return lambda command: name_of(command) in WRITES and (not collections or collection_of(command) in collections)


def reads(*collections):
    """Whether a command reads, from these or from any."""
    return lambda command: name_of(command) in READS and (not collections or collection_of(command) in collections)


def either(*conditions):
    """Whether any of these holds."""
    return lambda command: any(condition(command) for condition in conditions)


def limited(when, times):
    """The condition, which holds no more than so many times."""
    left = itertools.count() if times is None else iter(range(times))
    return lambda command: when(command) and next(left, None) is not None


ANY_WRITE = writes()


def refused(code, text="made up", *labels, when=ANY_WRITE, times=None):
    """The server does not do it, and says so."""
    when = limited(when, times)

    async def fault(command, ask):
        return error(code, text, *labels) if when(command) else await ask()

    return fault


def no_primary(code=NOT_PRIMARY, *, when=ANY_WRITE, times=None):
    """No write is taken, as during an election, and afterwards by a member that has become a secondary."""
    return refused(code, "not primary", "RetryableWriteError", when=when, times=times)


def cut_before(*, when=ANY_WRITE):
    """The connection breaks before the server has heard of it."""

    async def fault(command, ask):
        if when(command):
            raise Cut
        return await ask()

    return fault


def election(seconds, fault, *, begins=ANY_WRITE):
    """The fault, from the first such command on, for so long by the event loop's time."""
    until = []

    async def during(command, ask):
        now = asyncio.get_running_loop().time()
        if not until and begins(command):
            until.append(now + seconds)
        return await (fault(command, ask) if until and now < until[0] else ask())

    return during


def not_safe(code, text="waiting for replication timed out", *, when=ANY_WRITE, times=None):
    """What is written is written, but not to a majority."""
    when = limited(when, times)

    async def fault(command, ask):
        reply = await ask()
        return {**reply, "writeConcernError": {"code": code, "codeName": text, "errmsg": text}} if when(command) else reply

    return fault


def each_refused(code, text="made up", *, when=ANY_WRITE):
    """Nothing is written, and each operation of a bulk has an error of its own."""

    async def fault(command, ask):
        if not when(command):
            return await ask()
        count = len(command.get("updates") or command.get("documents") or [None])
        faults = [{"index": index, "code": code, "errmsg": text} for index in range(count)]
        return {"ok": 1.0, "n": 0, "nModified": 0, "writeErrors": faults}

    return fault


def stalled(*, when=ANY_WRITE):
    """The server does it, and never says so: a majority that cannot be reached."""

    async def fault(command, ask):
        reply = await ask()
        if when(command):
            await for_ever()
        return reply

    return fault


def cut_after(*, when=ANY_WRITE, times=None):
    """The server does it, and the connection breaks before it has said so."""
    when = limited(when, times)

    async def fault(command, ask):
        reply = await ask()
        if when(command):
            raise Cut
        return reply

    return fault


def slow(seconds):
    """Every answer takes so long, by the event loop's time."""

    async def fault(command, ask):
        await asyncio.sleep(seconds)
        return await ask()

    return fault


def cursor_lost(*collections, times=None):
    """A query gives half of what it finds; asked for the rest, the server does not know the cursor any more."""
    left = itertools.count() if times is None else iter(range(times))
    is_meant = reads(*collections)

    async def fault(command, ask):
        reply = await ask()
        if name_of(command) == "getMore":
            return error(43, "CursorNotFound")
        found = reply.get("cursor", {}).get("firstBatch", ())
        if is_meant(command) and len(found) > 1 and next(left, None) is not None:
            reply["cursor"] = {**reply["cursor"], "id": bson.Int64(77), "firstBatch": found[: len(found) // 2]}
        return reply

    return fault


def reordered():
    """Whatever is found comes in the opposite order."""

    async def fault(command, ask):
        reply = await ask()
        if name_of(command) == "find" and "sort" not in command:
            reply["cursor"]["firstBatch"].reverse()
        return reply

    return fault


async def for_ever():
    """Wait until the connection is closed."""
    await asyncio.Event().wait()
