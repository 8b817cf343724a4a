"""An upstream for the tests of any source: a function gives its answers, and it fails on demand."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from fmcsa_orchestrator.testing.server.base import LocalServer
from fmcsa_orchestrator.testing.server.faults import Answer, Asked, Edits

Respond = Callable[[web.Request], Any]


class LocalUpstream(LocalServer):
    """Serves, under any path and method, what `respond(request)` gives: a JSON value, or an `Answer` with a status of its own.

    Of the faults those work that need no table behind the answer: statuses, pages of HTML, broken and late bodies,
    `not_an_array`, `missing_column` and `bad_value` (wherever in the value a key has that name).
    """

    def __init__(self, respond: Respond, *, port: int = 0, latency_s: float = 0.0) -> None:
        super().__init__([web.route("*", "/{path:.*}", self._handle)], port=port, latency_s=latency_s)
        self._respond = respond

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        return await self._serve(request, Asked("other"), request.query, lambda edits: self._answer(request, edits))

    def _answer(self, request: web.Request, edits: Edits) -> Answer:
        value = self._respond(request)
        if isinstance(value, Answer):
            return value
        value = _edited(value, edits)
        return Answer(200, json.dumps({"rows": value} if edits.wrapped else value).encode())


def _edited(value: Any, edits: Edits) -> Any:
    """The JSON value as the faults leave it, however deep the columns lie."""
    if isinstance(value, list):
        return [_edited(item, edits) for item in value]
    if not isinstance(value, dict):
        return value
    bad = {column: wrong for column, wrong, _ in edits.values if column in value}
    return {key: _edited(item, edits) for key, item in (value | bad).items() if key not in edits.gone}
