"""A host's own source over a dataset of the portal: made with the client that the built-in ones use."""

from collections import Counter
from typing import Annotated, Required

import pytest
from pydantic import Field
from typing_extensions import TypedDict

from fmcsa_orchestrator import SettingsError, SourceReport, open_orchestrator
from fmcsa_orchestrator.soda import Dataset, Found, RowParser, RowSource, SodaClient, SodaFile, Text, Usdot, documents_of
from fmcsa_orchestrator.testing import FakeSource, Fleet
from tests.support.world import open_world

ORDERS = "p2mt-9ige"


class OrderRow(TypedDict, total=False):
    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    reason: Annotated[Text, Field(validation_alias="oos_reason")]


parse = RowParser(OrderRow)
DATASET = Dataset(ORDERS, "Out of Service Orders", parse.columns)


class OurOrders(RowSource):
    name = "our_orders"
    owns = ("ours.orders",)
    collection = "ourOrders"
    revision = 1

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, DATASET, parse)], batch_size)

    async def documents(self, found: Found):
        return await documents_of(found.rows[0], lambda row: row["reason"] or "")

    async def summarize(self, found: Found):
        return {"total": len(found.rows[0])}


class CountingLimiter:
    passed = 0

    async def acquire(self):
        self.passed += 1

    async def __aenter__(self):
        await self.acquire()

    async def __aexit__(self, *_):
        pass


@pytest.mark.parametrize("make", [OurOrders, lambda soda: OurOrders(soda, batch_size=5)], ids=["class", "function"])
async def test_it_is_handed_the_client_of_the_default_wiring(make):
    fleet = Fleet.sample(20)
    fleet.publish_daily(ORDERS, changed=1)
    async with open_world("memory", None, fleet=fleet, sources=("out_of_service_orders",)) as world:
        limiter = CountingLimiter()
        lent = {"repository": world.memory, "limiters": {"soda": limiter}}
        async with open_orchestrator(world.settings, extra_sources=[make], **lent) as orchestrator:
            summary = await orchestrator.sync_all_companies()
        companies, rows = await world.companies(), await world.rows("ourOrders")
        expected = Counter({usdot: len(fleet.rows(ORDERS, usdot)) for usdot in fleet.usdots})
        assert len(world.upstream.requests) == summary.requests == limiter.passed
    assert summary.success
    assert summary.requests == (1 + 2) + (1 + (2 if make is OurOrders else 4))  # windows of 15 and of 5 companies
    assert {company["_id"]: company["ours"]["orders"]["total"] for company in companies} == expected
    assert Counter(row["usdot"] for row in rows) == +expected


async def test_made_sources_stand_in_their_order_among_the_others_and_share_one_client():
    clients, seen = [], []

    def make(name):
        def made(soda):
            clients.append(soda)
            return FakeSource(name, lambda _: seen.append(name) or SourceReport())

        return made

    extra = [make("first"), FakeSource("second", lambda _: seen.append("second") or SourceReport()), make("third")]
    async with (
        open_world("memory", None, fleet=Fleet.sample(1), sources=("violations",)) as world,
        open_orchestrator(world.settings, repository=world.memory, extra_sources=extra) as orchestrator,
    ):
        assert (await orchestrator.sync_all_companies()).success
    assert seen == ["first", "second", "third"]
    assert clients[0] is clients[1]


@pytest.mark.parametrize("extra", [lambda _: None, lambda _: "a source", None, 7])
async def test_what_is_no_source_is_told_at_once(extra):
    async with open_world("memory", None, fleet=Fleet.sample(1)) as world:
        with pytest.raises(SettingsError):
            async with open_orchestrator(world.settings, repository=world.memory, extra_sources=[extra]):
                pass
