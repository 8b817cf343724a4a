"""A source built with the kit for writers of sources: driving events that a telematics service keeps, over HTTP with a key."""

import asyncio
import os
import sys
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from fmcsa_orchestrator import (
    Company,
    Document,
    MalformedPayloadError,
    Outcome,
    RequestRejectedError,
    SourceReport,
    SyncSummary,
    Upstream,
    UsdotNumber,
    open_orchestrator,
    read_json,
)

PAGE_SIZE = 100


class Event(TypedDict):
    """One row as the service gives it."""

    id: str
    kind: str
    at: AwareDatetime


_EVENTS = TypeAdapter(list[Event])


def parse_events(body: Any) -> list[Event]:
    """A page of events. Raises: MalformedPayloadError with the column that is not what we know."""
    try:
        return _EVENTS.validate_python(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        column = str(fault["loc"][1]) if len(fault["loc"]) > 1 else None
        raise MalformedPayloadError(f"events: {column or 'the answer'}: {fault['msg']}", field=column) from None


class TelematicsSource:
    """Driving events of one carrier: a row each in `fmcsaTelematics`, their number and the latest in the company."""

    name = "telematics"
    owns = ("fmcsaData.telematics",)

    def __init__(self, service: Upstream) -> None:
        self._service = service

    async def fetch(self, company: Company) -> SourceReport:
        """All events of the carrier, or the word that the service does not know it."""
        events = await self._events(company.usdot)
        if events is None:
            return SourceReport(outcome=Outcome.NOT_FOUND, message="the service does not know this carrier")
        latest = max((event["at"] for event in events), default=None)
        return SourceReport(
            fields={"fmcsaData.telematics": {"events": len(events), "latest": latest}},
            documents=[Document(event["id"], {"kind": event["kind"], "at": event["at"]}) for event in events],
        )

    async def _events(self, usdot: UsdotNumber) -> list[Event] | None:
        events: list[Event] = []
        while True:
            params = {"page": str(len(events) // PAGE_SIZE)}
            try:
                page = parse_events(await self._service.get(f"/carriers/{usdot:d}/events", params, read_json))
            except RequestRejectedError as error:
                if error.status == 404 and not events:
                    return None
                raise
            events += page
            if len(page) < PAGE_SIZE:
                return events


def open_service(session: aiohttp.ClientSession, url: str, key: str, *, per_second: float = 5, tries: int = 4) -> Upstream:
    """The service, with its key in a header and in no text."""
    limiter = AsyncLimiter(1, 1 / per_second)
    headers = {"X-Api-Key": key}
    return Upstream(session, url, name="telematics", limiter=limiter, tries=tries, headers=headers, secrets=(key,))


async def sync(url: str, key: str) -> SyncSummary:
    """One run of the built-in sources, then ours."""
    async with aiohttp.ClientSession() as session:
        source = TelematicsSource(open_service(session, url, key))
        async with open_orchestrator(extra_sources=[source], session=session) as orchestrator:
            return await orchestrator.sync_all_companies()


if __name__ == "__main__":
    summary = asyncio.run(sync(sys.argv[1], os.environ["TELEMATICS_KEY"]))
    print(f"telematics: {summary.outcomes.get('telematics')}")
    sys.exit(0 if summary.success else 1)
