"""The contract of a source, for `process_agents_source.py`: `pytest examples`."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiolimiter import AsyncLimiter
from process_agents_source import DATASET, ProcessAgentsSource

from fmcsa_orchestrator import Company, Upstream, UsdotNumber
from fmcsa_orchestrator.soda import SodaClient
from fmcsa_orchestrator.testing import LocalUpstream, SourceContract, World

PAGE_SIZE = 50
AGENTS = {1021580: 3, 2034567: 2 * PAGE_SIZE + 1}  # rows by USDOT number


def rows_of(usdot: int) -> list[dict[str, str]]:
    """As the portal has them: text only, and nothing where a column is null."""
    place = {"docket_number": f"MC{usdot}", "state_code": "OH", "city": "DAYTON"}
    return [{"usdot_number": str(usdot), "co_name": f"AGENT {n}", **place} for n in range(AGENTS.get(usdot, 0))]


def respond(request: web.Request) -> Any:
    """The portal, for this dataset: when it was replaced, rows by carrier and page, and counts of them."""
    query = request.query
    if request.path == f"/api/views/{DATASET.id}.json":
        columns = [{"fieldName": name, "dataTypeName": "text"} for name in sorted(DATASET.columns)]
        return {"rowsUpdatedAt": 1_790_000_000, "columns": columns}
    usdots = [int(usdot) for usdot in re.findall(r"'(\d+)'", query["$where"])] if "$where" in query else list(AGENTS)
    rows = [row for usdot in usdots for row in rows_of(usdot)]
    if "$group" in query:
        return [{"usdot_number": str(usdot), "count": str(len(rows_of(usdot)))} for usdot in usdots if usdot in AGENTS]
    if query.get("$select") == "count(*)":
        return [{"count": str(len(rows))}]
    start = int(query["$offset"])
    return rows[start : start + int(query["$limit"])]


def company(usdot: int) -> Company:
    """A company as the orchestrator hands it over."""
    return Company(id=f"company-{usdot}", usdot=UsdotNumber(usdot))


class TestProcessAgentsSource(SourceContract):
    """Every check of the contract, in a world of ours."""

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """The source at the local portal; quick, and with a single try per request, so that no check waits for a pause."""
        async with LocalUpstream(respond) as upstream, aiohttp.ClientSession() as session:
            portal = Upstream(session, upstream.url, name="soda", limiter=AsyncLimiter(1, 0.001), tries=1)
            yield World(
                source=ProcessAgentsSource(SodaClient(portal, page_size=PAGE_SIZE)),
                known=company(1021580),
                unknown=company(77),
                upstream=upstream,
                large=company(2034567),
                large_rows=AGENTS[2034567],
                columns={"usdot_number": "none", "co_name": 7},
            )
