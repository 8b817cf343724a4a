"""The contract of a source, for `telematics_source.py`: `pytest examples`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from telematics_source import PAGE_SIZE, TelematicsSource, open_service

from fmcsa_orchestrator import Company, UsdotNumber
from fmcsa_orchestrator.testing import Answer, LocalUpstream, SourceContract, World

KEY = "a-key-that-must-not-show"
EVENTS = {1021580: 3, 2034567: 2 * PAGE_SIZE + 1}  # by USDOT number


def respond(request: web.Request) -> Any:
    """The service as it is documented: pages of events, 401 without the key, 404 for a carrier that it does not know."""
    if request.headers.get("X-Api-Key") != KEY:
        return Answer(401, b'{"message": "unknown key"}')
    usdot, start = int(request.path.split("/")[2]), int(request.query["page"]) * PAGE_SIZE
    if usdot not in EVENTS:
        return Answer(404, b'{"message": "unknown carrier"}')
    rows = [{"id": f"e{n}", "kind": "braking", "at": "2026-11-02T07:30:00Z"} for n in range(EVENTS[usdot])]
    return rows[start : start + PAGE_SIZE]


def company(usdot: int) -> Company:
    """A company as the orchestrator hands it over."""
    return Company(id=f"company-{usdot}", usdot=UsdotNumber(usdot))


class TestTelematicsSource(SourceContract):
    """Every check of the contract, in a world of ours."""

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """The source at the local service; quick, and with a single try per request, so that no check waits for a pause."""
        async with LocalUpstream(respond) as upstream, aiohttp.ClientSession() as session:
            yield World(
                source=TelematicsSource(open_service(session, upstream.url, KEY, per_second=1_000, tries=1)),
                known=company(1021580),
                unknown=company(77),
                upstream=upstream,
                large=company(2034567),
                large_rows=EVENTS[2034567],
                columns={"id": 7, "kind": None, "at": "yesterday"},
                secrets=[KEY],
            )
