"""What is sent for handlers, second by second: the saved allowance, then the average, whatever comes at once."""

import asyncio

import pytest

from fmcsa_orchestrator import RequestSent, Settings, open_orchestrator
from fmcsa_orchestrator.testing import Fault, Fleet, InMemoryRepository, LocalFmcsa
from tests.support.passing_time import turns

RATE, BURST = 1.0, 12
COMPANIES = 30


async def seen(jump, calls, *, fault=None, burst=BURST):
    """When requests were sent (on a busy machine, several may come in together), and the results of these calls."""
    times, now = [], asyncio.get_running_loop().time

    def note(event):
        if isinstance(event, RequestSent):
            times.append(now())

    fleet = Fleet.uniform(COMPANIES, violations=3, inspections=3)
    repository = InMemoryRepository({**document, "_id": n} for n, document in enumerate(fleet.company_documents()))
    async with LocalFmcsa(fleet) as upstream:
        settings = Settings(soda_base_url=upstream.soda_url, soda_requests_per_second=RATE, soda_burst=burst)
        if fault is not None:
            upstream.inject(fault, kind="resource", times=1)
        async with open_orchestrator(settings, repository=repository, on_event=note) as orchestrator:
            task = asyncio.gather(*(call(orchestrator) for call in calls))
            while not task.done():
                jump(0.1)
                await turns(100)
            return times, await task


def most_within(times, seconds):
    return max(sum(start <= at < start + seconds for at in times) for start in times)


def handlers(ids):
    return [lambda sync, n=n: sync.sync_company(n, timeout_s=20) for n in ids]


async def test_many_at_once_send_no_more_than_what_is_saved_and_the_average(jump):
    times, results = await seen(jump, handlers(range(20)))
    assert all(result.success for result in results)
    assert len(times) <= 24
    for seconds in (1, 2, 5, 10):
        assert most_within(times, seconds) <= BURST + RATE * seconds + 1


async def test_what_is_saved_by_default_is_a_new_company_of_all_default_sources(jump, monkeypatch):
    """With less, some of its sources would have no answer in a handler's twenty seconds."""
    monkeypatch.delenv("FMCSA_SOURCES")
    burst = Settings().soda_burst
    times, (result,) = await seen(jump, handlers([0]), burst=burst)
    assert result.success, result.errors
    assert 30 <= len(times) <= burst


async def test_a_run_saves_nothing_and_sends_nothing_at_once(jump):
    times, (summary,) = await seen(jump, [lambda sync: sync.sync_all_companies()])
    assert summary.success
    assert most_within(times, 1) <= RATE + 1
    assert len(times) == 12


async def test_beside_a_run_the_average_holds_and_the_run_loses_only_what_handlers_ask(jump):
    alone, _ = await seen(jump, [lambda sync: sync.sync_all_companies()])
    times, results = await seen(jump, [lambda sync: sync.sync_all_companies(), *handlers(range(10))])
    assert all(result.success for result in results)
    for seconds in (1, 5, 10):
        assert most_within(times, seconds) <= BURST + RATE * seconds + 1
    slower_s = (times[-1] - times[0]) - (alone[-1] - alone[0])
    assert slower_s <= (len(times) - len(alone)) / RATE + 1


async def test_a_refusal_empties_what_is_saved(jump):
    async def one_and_then_others(sync):
        await sync.sync_company(0, timeout_s=60)
        return await asyncio.gather(*(sync.sync_company(number, timeout_s=60) for number in range(1, 5)))

    times, _ = await seen(jump, [one_and_then_others], fault=Fault.status(429), burst=40)
    times.sort()
    since = [at - times[6] for at in times[12:]]  # the first six ask for versions, the next ones go out side by side
    assert len(since) >= 6
    assert all(number <= RATE * seconds + 1 for number, seconds in enumerate(since, 1))


@pytest.mark.parametrize("burst", [1, 6])
async def test_the_allowance_is_a_setting(jump, burst):
    times, _ = await seen(jump, handlers(range(5)), burst=burst)
    assert most_within(times, 1) <= burst + RATE + 1
