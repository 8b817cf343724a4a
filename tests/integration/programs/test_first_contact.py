"""Where the module functions are called from: after a fork, in a loop that runs already, in one loop after another."""

import asyncio
import os
import subprocess
import sys

from fmcsa_orchestrator import close, sync_all_companies, sync_company
from tests.support.passing_time import PATIENCE_S

AFTER_A_FORK = """
import asyncio, os
from fmcsa_orchestrator import sync_all_companies

def synced(force):
    summary = asyncio.run(sync_all_companies(force=force))
    return summary.success, summary.total

first = synced(False)
child = os.fork()
if child == 0:
    print(synced(True), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(first, synced(False))
"""


async def test_a_process_that_has_forked_and_its_child_both_sync(environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", AFTER_A_FORK, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    assert (process.returncode, out.decode().splitlines()) == (0, ["(True, 12)", "(True, 12) (True, 12)"]), err.decode()


async def test_in_a_loop_that_runs_already_as_a_notebook_has_one_they_are_awaited(configured):
    assert (await sync_all_companies()).success
    assert (await sync_company(0)).success
    await close()
    assert (await sync_company(0)).success
    await close()


async def test_one_loop_after_another(configured):
    def once():
        return asyncio.run(sync_company(0))

    for _ in range(3):
        assert (await asyncio.to_thread(once)).success
