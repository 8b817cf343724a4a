"""Addresses of the double's, and shorthands to ask it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa

VIOLATIONS, INSPECTIONS = "8mt8-2mdr", "rbkj-cgst"
Get = Callable[..., Awaitable[tuple[aiohttp.ClientResponse, bytes]]]


def metadata(dataset: str = VIOLATIONS) -> str:
    return f"/api/views/{dataset}.json"


def carrier(upstream: LocalFmcsa, usdot: int) -> str:
    return f"/qc/services/carriers/{usdot}?webKey={upstream.web_key}"


async def rows(get: Get, **params: str) -> Any:
    response, body = await get(**{name: value for name, value in params.items() if value})
    assert response.status == 200
    return json.loads(body)


async def came_in(upstream: LocalFmcsa) -> None:
    """Wait until the server has a request."""
    for _ in range(1_000):
        if upstream.requests:
            return
        await asyncio.sleep(0.001)
