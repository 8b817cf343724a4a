"""The local double of the upstream: one HTTP server on 127.0.0.1 that plays the portal and QCMobile, with faults on demand."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.portal import SodaDouble
from fmcsa_orchestrator.testing.fmcsa.qcmobile import QcMobileDouble
from fmcsa_orchestrator.testing.server.base import LocalServer, RequestRecord
from fmcsa_orchestrator.testing.server.faults import Answer, Asked, Edits, Effects

__all__ = ["LocalFmcsa", "RequestRecord"]

_LONGEST_TARGET = 8_190  # bytes of path and query
_TOO_LONG = Answer(414, b"<html><head><title>414 Request-URI Too Large</title></head></html>", "text/html;charset=utf-8")


class LocalFmcsa(LocalServer):
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
        routes = [
            web.get("/resource/{dataset}.json", self._resource),
            web.get("/api/views/{dataset}.json", self._metadata),
            web.get(r"/qc/services/carriers/{usdot:\d{1,12}}{part:(/[a-z-]+)?}", self._carrier),
        ]
        super().__init__(routes, port=port, latency_s=latency_s, compress=compress)
        self.web_key = web_key
        self._fleet = fleet
        self._soda = SodaDouble(fleet, app_token)
        self._qcmobile = QcMobileDouble(fleet, web_key)

    @property
    def soda_url(self) -> str:
        """The portal's address."""
        return self.url

    @property
    def qcmobile_url(self) -> str:
        """QCMobile's address."""
        return f"{self.url}/qc/services"

    def publish(self, *, dataset: str | None = None, changed: float = 0.2) -> None:
        """A new monthly file, with so much of the content changed; of one dataset only, with its content as it is."""
        if dataset is None:
            self._fleet.publish(changed=changed)
        else:
            self._soda.moved[dataset] += 1

    def _happen(self, plan: Effects) -> None:
        if plan.publish:
            self.publish(dataset=plan.publish if isinstance(plan.publish, str) else None)

    async def _resource(self, request: web.Request) -> web.StreamResponse:
        dataset, query = request.match_info["dataset"], request.query
        texts = (query.get("$where", ""), query.get("$query", ""), f"'{query.get('dot_number', '')}'")
        asked = Asked("resource", dataset, _mentioned(" ".join(texts)))
        return await self._play(request, asked, query, lambda edits: self._soda.resource(dataset, query, request.headers, edits))

    async def _metadata(self, request: web.Request) -> web.StreamResponse:
        dataset = request.match_info["dataset"]
        asked = Asked("metadata", dataset)
        return await self._play(request, asked, request.query, lambda edits: self._soda.metadata(dataset, request.headers, edits))

    async def _carrier(self, request: web.Request) -> web.StreamResponse:
        usdot, part = int(request.match_info["usdot"]), request.match_info["part"].lstrip("/")
        asked = Asked("qcmobile", None, frozenset({usdot}))
        key = request.query.get("webKey")
        return await self._play(request, asked, request.query, lambda _: self._qcmobile.carrier(usdot, part, key))

    async def _play(
        self, request: web.Request, asked: Asked, query: Mapping[str, Any], true_answer: Callable[[Edits], Answer]
    ) -> web.StreamResponse:
        """Serve the true answer, unless the address is longer than the portal takes."""
        too_long = len(request.raw_path) > _LONGEST_TARGET
        return await self._serve(request, asked, query, lambda edits: _TOO_LONG if too_long else true_answer(edits))


def _mentioned(text: str) -> frozenset[int]:
    """The numbers of a list, or in quotes: of a query, its carriers."""
    return frozenset(map(int, re.findall(r"['(,](\d{1,12})(?=[',)])", text)))
