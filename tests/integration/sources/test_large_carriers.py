"""Carriers of several pages, over the wire: every row once, whatever comes between two pages."""

from contextlib import asynccontextmanager

import aiohttp
import pytest

from fmcsa_orchestrator import Company, InspectionsSource, StaleUpstreamError, UsdotNumber, ViolationsSource
from fmcsa_orchestrator.clients.http import Upstream
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.sources import inspections, violations
from fmcsa_orchestrator.testing import Carrier, Fleet, LocalFmcsa

LARGE, SMALL = 2034567, 1021580
CARRIERS = (
    Carrier(LARGE, "Mesa Coaches 9 Inc.", "large", True, "AB", inspections=2_100, violations=3_300),
    Carrier(SMALL, "Cedar Freight 7 LLC", "small", False, "AB", inspections=4, violations=6),
)
PAGE_SIZE = 1_000
VIOLATIONS, INSPECTIONS = violations.DATASET.id, inspections.DATASET.id


class BeforeEach:
    """A limiter that does something before the nth request."""

    def __init__(self):
        self.requests = 0
        self.steps = {}

    async def acquire(self):
        self.requests += 1
        self.steps.pop(self.requests, lambda: None)()


@asynccontextmanager
async def world(source_type):
    limiter, fleet = BeforeEach(), Fleet(CARRIERS)
    async with LocalFmcsa(fleet) as upstream, aiohttp.ClientSession() as session:
        client = Upstream(session, upstream.soda_url, name="soda", limiter=limiter, tries=1)
        yield source_type(SodaClient(client, page_size=PAGE_SIZE)), upstream, fleet, limiter


def company(usdot):
    return Company(id=usdot, usdot=UsdotNumber(usdot))


async def wanted(fleet, usdot, dataset=VIOLATIONS):
    """The documents of the fleet's own rows, without pages and without packing."""
    parse, documents_of = {
        VIOLATIONS: (violations.parse_violation, violations.violation_documents),
        INSPECTIONS: (inspections.parse_inspection, inspections.inspection_documents),
    }[dataset]
    rows = [parse(row) for row in fleet.rows(dataset, usdot)]
    for row in rows:
        del row["usdot"]
    return {document.id: document for document in await documents_of(rows)}


@pytest.mark.parametrize(
    ("source_type", "dataset", "requests"), [(ViolationsSource, VIOLATIONS, 5), (InspectionsSource, INSPECTIONS, 4)]
)
async def test_all_pages_of_a_large_carrier(source_type, dataset, requests):
    async with world(source_type) as (source, _, fleet, limiter):
        report = await source.fetch(company(LARGE))
        assert limiter.requests == requests
        assert len(report.documents) == len(fleet.rows(dataset, LARGE)) == report.fields[source.owns[0]]["total"]
        assert {document.id: document for document in report.documents} == await wanted(fleet, LARGE, dataset)


async def test_a_replacement_between_two_pages_voids_what_was_read():
    async with world(ViolationsSource) as (source, upstream, fleet, limiter):
        before = await wanted(fleet, LARGE)
        limiter.steps = {3: lambda: upstream.publish(changed=1)}
        report = await source.fetch(company(LARGE))
        assert limiter.requests == 3 + 5
        found = {document.id: document for document in report.documents}
        assert found == await wanted(fleet, LARGE) != before


async def test_a_file_replaced_again_and_again_reports_nothing():
    async with world(ViolationsSource) as (source, upstream, _, limiter):
        limiter.steps = {2 * n: upstream.publish for n in range(1, 4)}
        with pytest.raises(StaleUpstreamError, match="replaced while it was read"):
            await source.fetch(company(LARGE))
        assert limiter.requests == 6


async def test_a_large_carrier_that_is_read_along_with_others():
    async with world(ViolationsSource) as (source, _, fleet, limiter):
        source.files[0].soda.page_size = 5_000
        reports = await source.fetch_many([company(LARGE), company(SMALL)])
        assert limiter.requests == 2  # the page, and a count, since so many rows might have been cut off
        for usdot in (LARGE, SMALL):
            assert {document.id: document for document in reports[usdot].documents} == await wanted(fleet, usdot)


async def test_a_heavy_carrier_is_left_to_be_read_alone():
    async with world(ViolationsSource) as (source, _, fleet, limiter):
        source.files[0].heavy = 3_000
        reports = await source.fetch_many([company(LARGE), company(SMALL)])
        assert limiter.requests == 3  # the page that is full, the counts, the small one
        assert {document.id: document for document in reports[SMALL].documents} == await wanted(fleet, SMALL)
        assert LARGE not in reports
