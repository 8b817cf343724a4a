"""Batches: shared, split in halves, given up when the upstream itself is down; versions asked once. All with exact counts."""

import asyncio

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import (
    AuthError,
    Company,
    MalformedPayloadError,
    Orchestrator,
    RequestRejectedError,
    SourceFailure,
    SourceReport,
    SourceUnavailableError,
    UsdotNumber,
)
from fmcsa_orchestrator.sync.batch_reader import BatchReader
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.testing.fakes import InMemoryRepository


class Batch:
    """A batch source that refuses whatever batch holds one of the bad numbers."""

    name = "batch"

    def __init__(self, *, bad=(), error=None, size=8, leaves_out=(), versions=("v1",)):
        self.batch_size = size
        self.bad = set(bad)
        self.error = error or RequestRejectedError("bad one")
        self.leaves_out = set(leaves_out)
        self.versions = list(versions)
        self.asked = []
        self.singles = []
        self.versions_asked = 0

    async def fetch(self, company):
        self.singles.append(int(company.usdot))
        return SourceReport(fields={"a": int(company.usdot)})

    async def fetch_many(self, companies):
        numbers = [int(company.usdot) for company in companies]
        self.asked.append(numbers)
        if self.bad.intersection(numbers):
            raise self.error
        return {
            company.usdot: SourceReport(fields={"a": int(company.usdot)})
            for company in companies
            if company.usdot not in self.leaves_out
        }

    async def version(self):
        self.versions_asked += 1
        answer = self.versions.pop(0) if len(self.versions) > 1 else self.versions[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def reader():
    return BatchReader(SourceCaller(AsyncLimiter(10_000, 1), Isolation()), 5)


def subjects(*usdots):
    return [Company(number, UsdotNumber(number)) for number in usdots]


def failed(found):
    return sorted(int(usdot) for usdot, answer in found.items() if isinstance(answer, SourceFailure))


async def test_a_window_is_asked_for_in_batches_and_each_number_once():
    source = Batch(size=3)
    found = await reader().read(source, subjects(1, 2, 3, 4, 2, 1))
    assert source.asked == [[1, 2, 3], [4]]
    assert (len(found), failed(found)) == (4, [])


@pytest.mark.parametrize(
    "error", [RequestRejectedError("400"), MalformedPayloadError("odd"), ValueError("bug"), SourceUnavailableError("500")]
)
async def test_one_bad_company_costs_only_itself(error):
    source = Batch(bad=[3], error=error)
    found = await reader().read(source, subjects(*range(1, 9)))
    assert failed(found) == [3]
    assert len(source.asked) == 7  # 8, then both halves three times


async def test_two_bad_companies_cost_only_themselves():
    source = Batch(bad=[1, 8])
    found = await reader().read(source, subjects(*range(1, 9)))
    assert (failed(found), len(source.asked)) == ([1, 8], 11)


async def test_an_upstream_that_is_down_is_asked_three_times_and_no_more():
    source = Batch(bad=range(1, 9), error=SourceUnavailableError("503"))
    found = await reader().read(source, subjects(*range(1, 9)))
    assert failed(found) == list(range(1, 9))
    assert len(source.asked) == 3


async def test_a_refused_key_is_not_asked_for_again():
    source = Batch(bad=[1], error=AuthError("key"))
    found = await reader().read(source, subjects(1, 2, 3))
    assert (failed(found), len(source.asked)) == ([1, 2, 3], 1)


async def test_answers_for_others_are_dropped_and_a_wrong_type_is_told():
    class Odd(Batch):
        async def fetch_many(self, companies):
            return {UsdotNumber(99): SourceReport()}

    assert await reader().read(Odd(), subjects(1)) == {}

    class Wrong(Batch):
        async def fetch_many(self, companies):
            return []

    assert failed(await reader().read(Wrong(), subjects(1))) == [1]


def world(source, count=20, batch_size=8):
    repository = InMemoryRepository({"_id": n, "dotNumber": n} for n in range(1, count + 1))
    return repository, Orchestrator(
        sources=[source], repository=repository, limiter=AsyncLimiter(10_000, 1), batch_size=batch_size
    )


async def test_a_run_asks_each_window_once_and_nothing_when_the_version_stands():
    source = Batch(size=100)
    repository, orchestrator = world(source)
    assert (await orchestrator.sync_all_companies()).success
    assert ([len(batch) for batch in source.asked], source.singles, source.versions_asked) == ([8, 8, 4], [], 1)
    saves = repository.saves
    assert (await orchestrator.sync_all_companies()).outcomes == {"batch": {"unchanged": 20}}
    assert (len(source.asked), source.versions_asked, repository.saves - saves) == (3, 2, 3)  # one bulk a window


async def test_a_company_that_the_batch_leaves_out_is_fetched_at_its_turn():
    source = Batch(size=100, leaves_out=[5, 17])
    repository, orchestrator = world(source)
    assert (await orchestrator.sync_all_companies()).success
    assert source.singles == [5, 17]
    assert {company["a"] for company in repository.companies.values()} == set(range(1, 21))


async def test_a_version_that_moves_makes_everything_due_once():
    source = Batch(size=100, versions=["v1", "v2"])
    _, orchestrator = world(source)
    for requests in (3, 6, 6):
        await orchestrator.sync_all_companies()
        assert len(source.asked) == requests


@pytest.mark.parametrize("answer", [None, 5, SourceUnavailableError("down"), RuntimeError("bug")])
async def test_a_version_that_cannot_be_told_means_reading(answer):
    source = Batch(size=100, versions=[answer])
    _, orchestrator = world(source)
    for requests in (3, 6):
        assert (await orchestrator.sync_all_companies()).success
        assert len(source.asked) == requests


async def test_a_company_that_failed_is_due_again_at_the_same_version():
    source = Batch(size=100, bad=[3])
    _, orchestrator = world(source)
    assert (await orchestrator.sync_all_companies()).failed == 1
    source.bad, source.asked = set(), []
    summary = await orchestrator.sync_all_companies()
    assert (summary.success, source.asked, summary.outcomes) == (True, [[3]], {"batch": {"changed": 1, "unchanged": 19}})


async def test_handlers_share_one_question_for_the_version():
    source = Batch()
    _, orchestrator = world(source)
    results = await asyncio.gather(*(orchestrator.sync_company(n) for n in range(1, 21)))
    assert all(result.success for result in results)
    found = (source.versions_asked, [sorted(numbers) for numbers in source.asked])
    assert found == (1, [list(range(1, 9)), list(range(9, 17)), list(range(17, 21))])
    await orchestrator.sync_company(1)
    assert (source.versions_asked, len(source.asked)) == (1, 3)
    await orchestrator.sync_company(1, force=True)
    assert (source.versions_asked, source.asked[3:], source.singles) == (2, [[1]], [])
