"""A local HTTP server whose answers fail on demand: what the doubles of upstreams have in common."""

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from fmcsa_orchestrator.testing.server.faults import Answer, Asked, Edits, Effects, Fault, Kind
from fmcsa_orchestrator.testing.server.injection import Injection, effects_on

_READABLE_LINE = 65_536  # what we read at all, to be able to refuse it as the portal does
_HEAD_START_S = 0.01  # so that the client has the first half before the reset
_PATIENCE_S = 0.05  # a stopping server waits so long for requests under way, then cancels them
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER that makes a close a reset


@dataclass(slots=True)
class RequestRecord:
    """One request as it came in: `at` in seconds of the event loop's clock; `status` is 0 until it is answered.

    `query` holds the parameters of the URL, or the JSON document of a SODA3 request.
    """

    at: float
    method: str
    kind: Kind
    dataset: str | None
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    status: int = 0


class LocalServer:
    """Serves these routes on 127.0.0.1 while the context is open; remembers its requests, fails as told."""

    def __init__(
        self, routes: Iterable[web.AbstractRouteDef], *, port: int = 0, latency_s: float = 0.0, compress: bool = False
    ) -> None:
        self.requests: deque[RequestRecord] = deque(maxlen=10_000)
        self._routes = tuple(routes)
        self._port = port
        self._latency_s = latency_s
        self._compress = compress
        self._counts: Counter[tuple[Kind, str | None]] = Counter()
        self._injections: list[Injection] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop on the same port as before. Does nothing while it runs."""
        if self._runner is not None:
            return
        app = web.Application()
        app.add_routes(self._routes)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_PATIENCE_S, max_line_size=_READABLE_LINE
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and drop what is under way."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def count(self, kind: Kind | None = None, dataset: str | None = None) -> int:
        """How many requests of this kind and for this dataset came in since the last reset."""
        return sum(n for key, n in self._counts.items() if kind in {None, key[0]} and dataset in {None, key[1]})

    def reset_requests(self) -> None:
        """Forget the requests so far."""
        self.requests.clear()
        self._counts.clear()

    def inject(
        self,
        fault: Fault,
        *,
        dataset: str | None = None,
        kind: Kind | None = None,
        usdot: int | None = None,
        times: int | None = None,
        after: int = 0,
    ) -> Injection:
        """Let a fault happen to matching requests: `times` of them, or for ever, once `after` of them have passed.

        `usdot` means the requests that mention this carrier, alone or among others.
        """
        injection = Injection(fault, dataset, kind, usdot, times, after)
        self._injections.append(injection)
        return injection

    def clear_faults(self) -> None:
        """No more faults."""
        self._injections.clear()

    def _happen(self, plan: Effects) -> None:
        """What the faults do to the upstream itself, before it answers."""

    async def _serve(
        self, request: web.Request, asked: Asked, query: Mapping[str, Any], true_answer: Callable[[Edits], Answer]
    ) -> web.StreamResponse:
        """Record the request, let the faults do their work, answer."""
        now = asyncio.get_running_loop().time()
        record = RequestRecord(now, request.method, asked.kind, asked.dataset, request.path, dict(query), dict(request.headers))
        self.requests.append(record)
        self._counts[asked.kind, asked.dataset] += 1
        plan = effects_on(asked, self._injections, now)
        await asyncio.sleep(self._latency_s + plan.wait_s)
        self._happen(plan)
        answer = plan.answer or true_answer(plan.edits)
        record.status = answer.status
        return await self._send(request, answer, plan)

    async def _send(self, request: web.Request, answer: Answer, plan: Effects) -> web.StreamResponse:
        body = answer.body[: len(answer.body) // 2] if plan.cut else answer.body
        if plan.garbled:
            body = body[: len(body) // 3] + b"\xff" * (len(body) - len(body) // 3)
        headers = {**answer.headers, "Content-Type": answer.content_type}
        whole = plan.drip is None and not plan.reset and not plan.silent
        response = (
            web.Response(status=answer.status, headers=headers, body=body)
            if whole
            else web.StreamResponse(status=answer.status, headers=headers)
        )
        if self._compress:
            response.enable_compression()
        if whole:
            return response
        await response.prepare(request)
        if plan.silent:
            await asyncio.Event().wait()
        if plan.reset:
            await response.write(body[: len(body) // 2])
            await asyncio.sleep(_HEAD_START_S)
            return _aborted(request)
        chunks, delay_s = plan.drip or (1, 0)
        size = max(1, ceil(len(body) / chunks))
        for start in range(0, len(body), size):
            await asyncio.sleep(delay_s)
            await response.write(body[start : start + size])
        await response.write_eof()
        return response


def _aborted(request: web.Request) -> web.StreamResponse:
    """Reset the connection; what is returned reaches nobody."""
    transport = request.transport
    if transport is not None:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    return web.Response()
