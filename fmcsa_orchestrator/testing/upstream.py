"""The local double of the upstream: one HTTP server on 127.0.0.1 that plays the portal and QCMobile, with faults on demand."""

import asyncio
import json
import re
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from fmcsa_orchestrator.testing.faults import Answer, Asked, Edits, Fault, Injection, Kind, Plan, plan_for
from fmcsa_orchestrator.testing.fleet import Fleet
from fmcsa_orchestrator.testing.qcmobile_double import QcMobileDouble
from fmcsa_orchestrator.testing.soda_double import SodaDouble

_LONGEST_TARGET = 8_190  # bytes of path and query
_READABLE_LINE = 65_536  # what we read at all, to be able to refuse it as the portal does
_TOO_LONG = Answer(414, b"<html><head><title>414 Request-URI Too Large</title></head></html>", "text/html;charset=utf-8")
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


class Upstream:
    """Serves a fleet while the context is open. Without `app_token` every X-App-Token is a wrong one."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        web_key: str = "demo-web-key",
        app_token: str | None = None,
        port: int = 0,
        latency_s: float = 0.0,
        compress: bool = False,
    ) -> None:
        self.web_key = web_key
        self.requests: deque[RequestRecord] = deque(maxlen=10_000)
        self._fleet = fleet
        self._soda = SodaDouble(fleet, app_token)
        self._qcmobile = QcMobileDouble(fleet, web_key)
        self._port = port
        self._latency_s = latency_s
        self._compress = compress
        self._counts: Counter[tuple[Kind, str | None]] = Counter()
        self._injections: list[Injection] = []
        self._runner: web.AppRunner | None = None

    @property
    def soda_url(self) -> str:
        """The portal's address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def qcmobile_url(self) -> str:
        """QCMobile's address."""
        return f"{self.soda_url}/qc/services"

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
        app.add_routes(
            [
                web.get("/resource/{dataset}.json", self._resource),
                web.get("/api/views/{dataset}.json", self._metadata),
                web.post("/api/v3/views/{dataset}/query.json", self._soda3),
                web.get(r"/qc/services/carriers/{usdot:\d{1,12}}{part:(/[a-z-]+)?}", self._carrier),
            ]
        )
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

    def publish(self, *, dataset: str | None = None, changed: float = 0.2) -> None:
        """A new monthly file, with so much of the content changed; of one dataset only, with its content as it is."""
        if dataset is None:
            self._fleet.publish(changed=changed)
        else:
            self._soda.moved[dataset] += 1

    async def _resource(self, request: web.Request) -> web.StreamResponse:
        dataset, query = request.match_info["dataset"], request.query
        texts = (query.get("$where", ""), query.get("$query", ""), f"'{query.get('dot_number', '')}'")
        asked = Asked("resource", dataset, _mentioned(" ".join(texts)))
        return await self._serve(request, asked, query, lambda edits: self._soda.resource(dataset, query, request.headers, edits))

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        dataset = request.match_info["dataset"]
        asked = Asked("metadata", dataset)
        return await self._serve(
            request, asked, request.query, lambda edits: self._soda.metadata(dataset, request.headers, edits)
        )

    async def _soda3(self, request: web.Request) -> web.StreamResponse:
        dataset, text = request.match_info["dataset"], await request.text()
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        query = body if isinstance(body, dict) else {}
        asked = Asked("soda3", dataset, _mentioned(str(query.get("query"))))
        return await self._serve(request, asked, query, lambda edits: self._soda.soda3(dataset, body, request.headers, edits))

    async def _carrier(self, request: web.Request) -> web.StreamResponse:
        usdot, part = int(request.match_info["usdot"]), request.match_info["part"].lstrip("/")
        asked = Asked("qcmobile", None, frozenset({usdot}))
        key = request.query.get("webKey")
        return await self._serve(request, asked, request.query, lambda _: self._qcmobile.carrier(usdot, part, key))

    async def _serve(
        self, request: web.Request, asked: Asked, query: Mapping[str, Any], true_answer: Callable[[Edits], Answer]
    ) -> web.StreamResponse:
        """Record the request, let the faults do their work, answer."""
        now = asyncio.get_running_loop().time()
        record = RequestRecord(now, request.method, asked.kind, asked.dataset, request.path, dict(query), dict(request.headers))
        self.requests.append(record)
        self._counts[asked.kind, asked.dataset] += 1
        plan = plan_for(asked, self._injections, now)
        await asyncio.sleep(self._latency_s + plan.wait_s)
        if plan.publish:
            self.publish()
        too_long = _TOO_LONG if len(request.raw_path) > _LONGEST_TARGET else None
        answer = plan.answer or too_long or true_answer(plan.edits)
        record.status = answer.status
        return await self._send(request, answer, plan)

    async def _send(self, request: web.Request, answer: Answer, plan: Plan) -> web.StreamResponse:
        body = answer.body[: len(answer.body) // 2] if plan.cut else answer.body
        headers = {**answer.headers, "Content-Type": answer.content_type}
        whole = plan.drip is None and not plan.reset
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


def _mentioned(text: str) -> frozenset[int]:
    """The numbers in quotes: of a query, its carriers."""
    return frozenset(map(int, re.findall(r"'(\d{1,12})'", text)))


def _aborted(request: web.Request) -> web.StreamResponse:
    """Reset the connection; what is returned reaches nobody."""
    transport = request.transport
    if transport is not None:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    return web.Response()
