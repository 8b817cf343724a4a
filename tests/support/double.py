"""Addresses of the double's, and shorthands to ask it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from tests.support.passing_time import turns, until

VIOLATIONS, INSPECTIONS = "8mt8-2mdr", "rbkj-cgst"
Get = Callable[..., Awaitable[tuple[aiohttp.ClientResponse, bytes]]]
Jump = Callable[[float], None]


def metadata(dataset: str = VIOLATIONS) -> str:
    return f"/api/views/{dataset}.json"


def carrier(upstream: LocalFmcsa, usdot: int) -> str:
    return f"/qc/services/carriers/{usdot}?webKey={upstream.web_key}"


async def rows(get: Get, **params: str) -> Any:
    response, body = await get(**{name: value for name, value in params.items() if value})
    assert response.status == 200
    return json.loads(body)


async def came_in(upstream: LocalFmcsa) -> None:
    """Wait until the server has a request, and has begun to wait if it is to."""
    await until(lambda: upstream.requests)
    await turns()
