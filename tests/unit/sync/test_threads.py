"""The module functions from many threads at once, each with event loops of its own: each has its own orchestrator, none fails."""

import asyncio
import sys
import threading

import pytest

from fmcsa_orchestrator import close, health, sync_company

THREADS, ROUNDS = 6, 100


@pytest.fixture
def hasty_threads():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_many_threads_open_and_close_the_default_wiring_at_once():
    wrong, begin = [], threading.Barrier(THREADS)

    async def use():
        result, found = await asyncio.gather(sync_company(1), health())
        if "FMCSA_MONGODB_URI" not in result.errors[0].error or "FMCSA_MONGODB_URI" not in found.reasons[0]:
            wrong.append(result)
        await close()

    def work():
        begin.wait()
        for _ in range(ROUNDS):
            try:
                asyncio.run(use())
            except BaseException as error:
                wrong.append(error)
                raise

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
