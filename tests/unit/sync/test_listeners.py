"""A host's listener that raises whatever it likes, wherever it likes: nothing stops, nothing leaves the public methods."""

import asyncio

import pytest

from fmcsa_orchestrator import CompanyStarted, SourceReport
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.steps import Batched
from tests.support.syncs import companies, orchestrator, value


class OddError(BaseException):
    pass


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text for you")


ERRORS = [RuntimeError("bug"), UnprintableError(), OddError("bug"), asyncio.CancelledError(), GeneratorExit(), StopIteration(),
          TimeoutError("bug"), BaseExceptionGroup("g", [OddError()])]  # fmt: skip


def at_once(error):
    def listen(event):
        raise error

    return listen


def when_awaited(error):
    async def listen(event):
        raise error

    return listen


def later(error):
    async def listen(event):
        await asyncio.sleep(0)
        raise error

    return listen


def future(error):
    def listen(event):
        answer = asyncio.get_running_loop().create_future()
        if isinstance(error, asyncio.CancelledError | StopIteration):
            answer.cancel()
        else:
            answer.set_exception(error)
        return answer

    return listen


class Awaitable:
    def __init__(self, error):
        self.error = error

    def __await__(self):
        raise self.error


def awaitable(error):
    return lambda event: Awaitable(error)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", [at_once, when_awaited, later, future, awaitable])
async def test_nothing_that_a_listener_raises_leaves_or_stops_anything(way, error, caplog):
    repository = InMemoryRepository(companies(3))
    seen = []
    sync = orchestrator(repository, Batched("s", value("s"), lambda: 1), FakeSource("t", value("t")), on_event=way(error))
    summary = await sync.sync_all_companies(on_event=seen.append)
    assert (summary.success, summary.total) == (True, 3)
    assert type(seen[-1]).__name__ == "RunFinished"
    assert (await sync.sync_company(0)).success
    stored = await sync.sync_company(0, wait=False)
    assert stored.success
    await sync.close()
    assert "listener_failed" in caplog.text
    assert all(company["s"] == company["t"] == 1 for company in repository.companies.values())


@pytest.mark.parametrize("cut", ["cancel", "stop"])
@pytest.mark.parametrize("way", ["run", "company"])
async def test_a_sync_that_is_ended_while_a_listener_is_waited_for_ends(cut, way):
    began = asyncio.Event()

    async def listen(event):
        if isinstance(event, CompanyStarted):
            began.set()
            await asyncio.Event().wait()

    repository = InMemoryRepository(companies(2))
    sync = orchestrator(repository, FakeSource("s", lambda _: SourceReport()), on_event=listen)
    task = asyncio.create_task(sync.sync_all_companies() if way == "run" else sync.sync_company(0))
    await began.wait()
    if cut == "stop":
        sync.stop()
        result = await task
        assert not result.success
    else:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert dig(repository.companies[0], "fmcsaData.syncStatus.lease.owner") is None
