"""A good source for the tests of the kit: a plain aiohttp client of a made-up service, and that service."""

from contextlib import asynccontextmanager

import aiohttp

from fmcsa_orchestrator import (
    AuthError,
    Company,
    Derived,
    Document,
    MaintenanceError,
    MalformedPayloadError,
    Outcome,
    RateLimitedError,
    RequestRejectedError,
    SourceError,
    SourceReport,
    SourceTimeoutError,
    SourceUnavailableError,
    TruncatedPayloadError,
    UsdotNumber,
)
from fmcsa_orchestrator.testing import Answer, LocalUpstream
from fmcsa_orchestrator.testing.contract.suite import SourceContract, World
from tests.support.passing_time import PATIENCE_S

KEY, PAGE = "driver-key-5ec2e7", 10
KNOWN, LARGE, UNKNOWN = (Company(id=usdot, usdot=UsdotNumber(usdot)) for usdot in (7, 8, 9))
DRIVERS = {7: 3, 8: 25}


def respond(request):
    """The service: drivers page by page, and a version."""
    if request.headers.get("X-Key") != KEY:
        return Answer(401, b'{"message": "who are you?"}')
    if request.path == "/version":
        return {"version": "2026-11"}
    usdot, start = int(request.query["dot"]), int(request.query["page"]) * PAGE
    drivers = [{"licence": f"{usdot}-{number}", "state": "OH"} for number in range(DRIVERS.get(usdot, 0))]
    return drivers[start : start + PAGE]


class DriverSource:
    name = "our_drivers"
    owns = ("drivers",)
    derives = ("drivers.enough",)
    batch_size = 5

    def __init__(self, session, url):
        self.session = session
        self.url = url

    async def version(self):
        try:
            return (await self.get("/version"))["version"]
        except (KeyError, TypeError):
            raise MalformedPayloadError("no version", field="version") from None

    async def fetch(self, company):
        return self.report(await self.rows(company))

    async def fetch_many(self, companies):
        found = {}
        for company in companies:
            try:
                found[company.usdot] = await self.fetch(company)
            except SourceError as error:
                found[company.usdot] = error
        return found

    def report(self, rows):
        if not rows:
            return SourceReport(outcome=Outcome.NOT_FOUND)
        return SourceReport(fields={"drivers.total": len(rows)}, documents=[Document(row["licence"], row) for row in rows])

    def derive(self, company):
        drivers = company.document.get("drivers")
        total = drivers.get("total") if isinstance(drivers, dict) else None
        return Derived({"drivers.enough": total > 2 if isinstance(total, int) else None})

    async def rows(self, company):
        rows = []
        while True:
            page = await self.get("/drivers", dot=str(company.usdot), page=str(len(rows) // PAGE))
            rows += self.checked(page)
            if len(page) < PAGE:
                return rows

    def checked(self, page):
        if not isinstance(page, list):
            raise MalformedPayloadError("no array of drivers")
        for row in page:
            if not isinstance(row.get("licence"), str):
                raise MalformedPayloadError("a driver without a licence", field="licence")
        return page

    async def get(self, path, **params):
        try:
            async with self.session.get(self.url + path, params=params, headers={"X-Key": KEY}) as response:
                return await self.body(response)
        except TimeoutError as error:
            raise SourceTimeoutError("the driver service is too slow") from error
        except aiohttp.ClientError as error:
            raise SourceUnavailableError("the driver service cannot be read") from error

    async def body(self, response):
        if response.status != 200:
            raise self.refusal(response.status)
        if response.content_type == "text/html":
            raise MaintenanceError("the driver service gave a web page")
        try:
            return await response.json()
        except ValueError as error:
            raise TruncatedPayloadError("the driver service gave no whole JSON") from error

    def refusal(self, status):
        text = f"the driver service answered {status}"
        if status == 429:
            return RateLimitedError(text)
        if status >= 500:
            return SourceUnavailableError(text)
        return AuthError(text) if status == 401 else RequestRejectedError(text)


class WithoutBatches:
    """The same for one company at a time."""

    name, owns = DriverSource.name, DriverSource.owns

    def __init__(self, session, url):
        self._inner = DriverSource(session, url)

    async def fetch(self, company):
        return await self._inner.fetch(company)


class DriverContract(SourceContract):
    """The contract in the world of the driver service, for whatever `make` gives."""

    make = DriverSource
    patience_s = PATIENCE_S

    @asynccontextmanager
    async def world(self):
        async with LocalUpstream(respond) as upstream, aiohttp.ClientSession() as session:
            yield World(
                source=type(self).make(session, upstream.url),
                known=KNOWN,
                unknown=UNKNOWN,
                upstream=upstream,
                large=LARGE,
                large_rows=DRIVERS[LARGE.usdot],
                columns={"licence": 7},
                secrets=[KEY],
            )
