"""Companies of a window go to the store together: how often it is asked, and what one of them means for the others."""

import asyncio
from collections import Counter

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import CompanyStarted, Document, MongoCompanyRepository, Orchestrator, SourceReport
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.status import LEASE, STATUS
from fmcsa_orchestrator.storage import row_writer
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.backends import WIRES, open_backend
from tests.support.commands import Commands
from tests.support.leases import TTL_S
from tests.support.passing_time import turns

COMPANIES = 150


class Upstream:
    """Three rows and a field for each company, at a version that can be raised; `read` may be replaced."""

    name, batch_size, collection, owns = "rows", 1_000, "fmcsaRows", ("n",)

    def __init__(self):
        self.state = 1
        self.asked = []

    def read(self, company):
        documents = [Document(str(row), {"n": self.state}) for row in range(3)]
        return SourceReport(fields={"n": self.state}, documents=documents, version=f"v{self.state}")

    async def fetch_many(self, companies):
        self.asked += [company.id for company in companies]
        return {company.usdot: self.read(company) for company in companies}

    async def fetch(self, company):
        return (await self.fetch_many([company]))[company.usdot]

    async def version(self):
        return f"v{self.state}"


def orchestrator(repository, *sources, **options):
    return Orchestrator(sources=sources, repository=repository, limiter=AsyncLimiter(100_000, 1), **options)


def companies(count):
    return [{"_id": key, "name": f"C{key}", "dotNumber": 100 + key} for key in range(count)]


@pytest.fixture(params=WIRES)
async def counted(request, wire_uri):
    """A database of 150 companies, and what is asked of its server."""
    commands = Commands()
    async with open_backend(request.param, wire_uri, event_listeners=[commands]) as backend:
        await backend.database["companies"].insert_many(companies(COMPANIES))
        yield backend.database, commands.counts


async def test_the_store_is_asked_a_few_times_for_all_companies_together(counted):
    database, commands = counted
    source = Upstream()
    sync = orchestrator(MongoCompanyRepository(database), source)
    await sync.sync_company(1)  # indexes, the server's time
    for state, limit in ((1, 0.2 * COMPANIES), (2, 0.2 * COMPANIES), (2, 7)):
        source.state = state
        commands.clear()
        summary = await sync.sync_all_companies()
        assert (summary.success, summary.total) == (True, COMPANIES)
        assert commands.total() <= limit, commands


async def test_a_company_on_demand_takes_two_commands_when_nothing_is_to_be_done_and_five_waits_else(counted):
    database, commands = counted
    source = Upstream()
    sync = orchestrator(MongoCompanyRepository(database), source)
    await sync.sync_company(1)  # indexes, the server's time
    for state, expected in (
        (1, {"find": 2, "update": 3}),  # the company; its rows beside the lease; rows; status
        (1, {"find": 1, "update": 1}),
        (2, {"find": 2, "update": 3}),
    ):
        source.state = state
        commands.clear()
        assert (await sync.sync_company(7, force=state == 2)).success
        assert commands == expected


async def test_what_others_hold_or_have_deleted_is_left_out_and_told(backend):
    await backend.add(*companies(6))
    await backend.repository.company_leases.take([await backend.company(2)], "somebody", TTL_S)

    class Deleting(Upstream):
        async def fetch_many(self, companies):
            await delete(backend, 4)
            return await super().fetch_many(companies)

    source = Deleting()
    summary = await orchestrator(backend.repository, source).sync_all_companies()
    assert (summary.stopped, summary.succeeded, summary.skipped, summary.failed) == (None, 4, 2, 0)
    told = {entry["companyId"]: [failure.kind for failure in entry["errors"]] for entry in summary.errors}
    assert told == {2: ["lease_held"], 4: ["company_not_found"]}
    assert {row["companyId"] for row in await backend.rows("fmcsaRows")} == {0, 1, 3, 5}
    assert dig(await backend.company(2), f"{STATUS}.lastRun") is None


async def test_an_id_that_is_an_object_is_that_companys_failure_and_stops_nobody(backend):
    if backend.database is None:
        pytest.skip("memory has no such ids")
    odd = {"tenant": 7, "number": 1}
    await backend.add({"_id": odd, "name": "Odd", "dotNumber": 99}, *companies(3))
    for _ in range(2):
        summary = await orchestrator(backend.repository, Upstream(), batch_size=2).sync_all_companies(force=True)
        assert (summary.stopped, summary.succeeded, summary.failed) == (None, 3, 1)
        (entry,) = summary.errors
        assert (entry["companyId"], entry["errors"][0].kind) == (odd, "database")
        assert "an _id of type dict" in entry["errors"][0].error
        assert summary.as_dict()["errors"][0]["companyId"] == str(odd)


async def delete(backend, key):
    if backend.database is None:
        del backend.repository.companies[key]
    else:
        await backend.database["companies"].delete_one({"_id": key})


async def test_rows_that_cannot_be_stored_are_one_companys_failure(backend):
    if backend.database is None:
        pytest.skip("memory holds anything")
    await backend.add(*companies(7))

    class Bad(Upstream):
        def read(self, company):
            report = super().read(company)
            return report if company.id != 3 else SourceReport(fields={"n": 1}, documents=[Document("0", {"n": 2**70})])

    summary = await orchestrator(backend.repository, Bad()).sync_all_companies()
    assert (summary.stopped, summary.succeeded, summary.failed) == (None, 6, 1)
    assert [entry["companyId"] for entry in summary.errors] == [3]
    bad = await backend.company(3)
    assert (bad.get("n"), dig(bad, f"{STATUS}.sources.rows.outcome"), dig(bad, f"{LEASE}owner")) == (None, "failed", None)
    assert len(await backend.rows("fmcsaRows")) == 18


async def test_a_stop_in_the_middle_gives_all_back_and_only_the_one_in_its_turn_has_ended_early(backend):
    await backend.add(*companies(6))

    class Asking(Upstream):
        """Nobody but the fourth takes time."""

        completes = True

        async def complete(self, company, report):
            if company.id == 3 and self.state == 1:
                stopping.stop()
                await asyncio.Event().wait()
            return report

    source = Asking()
    stopping = orchestrator(backend.repository, source)
    summary = await stopping.sync_all_companies()
    assert summary.stopped == "stopped"
    early = []
    for key in range(6):
        lease = dig(await backend.company(key), LEASE.rstrip(".")) or {}
        assert lease.get("owner") is None
        if lease.get("token", 0) != (lease.get("finishedToken") or 0):
            early.append(key)
    assert early == [3]
    source.state = 2
    assert (await orchestrator(backend.repository, source).sync_all_companies()).succeeded == 6


async def test_leases_are_renewed_only_when_half_of_their_time_is_gone(backend, jump):
    await backend.add(*companies(3))
    renewals = []
    leases = backend.repository.company_leases
    original = leases.renew

    async def renew(held, ttl_s):
        renewals.append([lease.key for lease in held])
        return await original(held, ttl_s)

    leases.renew = renew
    source = Upstream()
    sync = orchestrator(backend.repository, source, lease_ttl_s=TTL_S)
    assert (await sync.sync_all_companies()).success
    assert renewals == []

    async def slow(event):
        if isinstance(event, CompanyStarted) and event.company_id == 1:
            jump(TTL_S / 2 + 1)

    source.state = 2
    assert (await sync.sync_all_companies(on_event=slow)).success
    assert renewals == [[0, 1, 2]]


async def test_a_lease_that_is_given_back_with_the_status_is_not_renewed_and_so_not_lost(backend, jump):
    await backend.add(*companies(3))
    save = backend.repository.save

    async def slow(updates):
        refused = await save(updates)
        jump(TTL_S / 2 + 1)
        await turns()
        return refused

    backend.repository.save = slow
    summary = await orchestrator(backend.repository, Upstream(), lease_ttl_s=TTL_S).sync_all_companies()
    assert (summary.stopped, summary.succeeded, summary.skipped) == (None, 3, 0)


async def test_of_a_chunk_that_was_left_without_a_word_each_goes_alone_next_time(backend):
    """As after a kill: which of them it was that ended the run cannot be told, so that they are tried one by one."""
    await backend.add(*companies(4))
    source = Upstream()
    killed = orchestrator(backend.repository, source)

    async def no_word(*_):
        """Nothing is given back."""

    repository, leases = backend.repository, backend.repository.company_leases
    save, release = repository.save, leases.release

    async def die(_):
        raise asyncio.CancelledError

    repository.save, leases.release = die, no_word
    with pytest.raises(asyncio.CancelledError):
        await killed.sync_all_companies()
    repository.save, leases.release = save, release
    await forget_leases(backend)
    together = []

    async def saved(updates):
        together.append([update.company_id for update in updates])
        return await save(updates)

    repository.save = saved
    assert (await orchestrator(repository, source).sync_all_companies()).succeeded == 4
    assert sorted(together) == [[0], [1], [2], [3]]
    assert len(await backend.rows("fmcsaRows")) == 12


async def forget_leases(backend):
    """As if the time of all had passed."""
    past = {"expiresAt": None, f"{LEASE}expiresAt": None}
    if backend.database is not None:
        for name in ("companies", "fmcsaLeases"):
            await backend.database[name].update_many({}, {"$set": past})
        return
    for documents in (backend.repository.companies, backend.repository.run_leases.documents):
        for document in documents.values():
            place = dig(document, LEASE.rstrip(".")) or document
            place["expiresAt"] = None


async def test_a_large_carriers_rows_are_written_in_slices(backend, monkeypatch):
    monkeypatch.setattr(row_writer, "LARGE", 20)
    monkeypatch.setattr(row_writer, "BULK", 8)
    await backend.add(*companies(2))

    def read(company):
        count = 50 if company.id == 1 else 3
        documents = [Document(f"{row:02}", {"n": state["n"] if row % 2 else 0}) for row in range(state["first"], count)]
        return SourceReport(documents=documents)

    state = {"n": 1, "first": 0}
    bulks = []
    write = backend.repository.write_rows

    async def written(collection, rows, at):
        bulks.append(len(rows))
        return await write(collection, rows, at)

    backend.repository.write_rows = written
    source = FakeSource("rows", read, collection="fmcsaRows")
    sync = orchestrator(backend.repository, source)
    for change, rows in (({}, 53), ({}, 0), ({"n": 2}, 26), ({"first": 3}, 6), ({"first": 0}, 6)):
        state |= change
        summary = await sync.sync_all_companies(force=True)
        assert (summary.success, summary.rows_written) == (True, rows)
    assert max(bulks) == 8
    current = [row for row in await backend.rows("fmcsaRows") if row["current"]]
    assert Counter(row["companyId"] for row in current) == {0: 3, 1: 50}
    state["first"] = 50
    summary = await sync.sync_all_companies(force=True)
    assert [failure.kind for entry in summary.errors for failure in entry["errors"]] == ["implausible_empty"]
    assert sum(row["current"] for row in await backend.rows("fmcsaRows")) == 50


@pytest.mark.parametrize("number", [3, 50])
async def test_two_rows_of_one_id_are_that_companys_failure(backend, monkeypatch, number):
    monkeypatch.setattr(row_writer, "LARGE", 20)
    await backend.add(*companies(2))

    def read(company):
        documents = [Document(str(row), {"n": row}) for row in range(number)]
        return SourceReport(documents=documents + documents[:1] * (company.id == 1))

    summary = await orchestrator(backend.repository, FakeSource("rows", read)).sync_all_companies()
    (entry,) = summary.errors
    assert (entry["companyId"], "two rows have the id '0'" in entry["errors"][0].error) == (1, True)
