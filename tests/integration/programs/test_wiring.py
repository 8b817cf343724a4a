"""The module functions: one orchestrator per event loop, opened lazily, closed by itself, never raising."""

import asyncio
import os
import subprocess
import sys
import textwrap

import aiohttp
import pytest

from fmcsa_orchestrator import Settings, SettingsError, close, open_orchestrator, sync_all_companies, sync_company
from fmcsa_orchestrator.api import default_wiring
from fmcsa_orchestrator.testing.fakes import InMemoryRepository


async def run_program(text, environment):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "dev", "-c", textwrap.dedent(text), env={**os.environ, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    words = [line for line in err.decode().splitlines() if not line.startswith("Executing <")]  # slow: the machine is busy
    return process.returncode, out.decode(), "\n".join(words)


async def test_ten_runs_in_one_process_without_a_word(environment):
    program = """
        import asyncio
        from fmcsa_orchestrator import sync_all_companies
        for _ in range(10):
            summary = asyncio.run(sync_all_companies())
            print(summary.success, summary.total)
    """
    assert await run_program(program, environment) == (0, "True 12\n" * 10, "")


async def test_fifty_handlers_in_one_loop_without_a_word(environment):
    program = """
        import asyncio
        from fmcsa_orchestrator import sync_company
        async def main():
            return await asyncio.gather(*(sync_company(n % 12) for n in range(50)))
        print(all(result.success for result in asyncio.run(main())))
    """
    assert await run_program(program, environment) == (0, "True\n", "")


async def test_two_loops_in_two_threads(environment):
    program = """
        import asyncio, threading
        from fmcsa_orchestrator import sync_company
        done = []
        def work(n):
            done.append(asyncio.run(sync_company(n)).success)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        [thread.start() for thread in threads]; [thread.join() for thread in threads]
        print(done)
    """
    assert await run_program(program, environment) == (0, f"{[True] * 4}\n", "")


async def test_one_orchestrator_serves_all_until_close(configured):
    assert (await sync_company(0)).success
    first = await default_wiring().get()
    assert await default_wiring().get() is first
    await close()
    assert (await sync_company(0)).success
    assert await default_wiring().get() is not first
    await close()
    await close()


@pytest.mark.parametrize(
    ("variables", "kind", "named"),
    [({}, "settings", "FMCSA_MONGODB_URI"), ({"FMCSA_MONGODB_URI": "mongodb://u:s3cret@h:port"}, "settings", "FMCSA_MONGODB_URI"),
     ({"FMCSA_MONGODB_URI": "mongodb://u:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100"}, "database", "FMCSA_MONGODB_URI"),
     ({"FMCSA_MONGODB_URI": "mongodb://127.0.0.1:9", "FMCSA_BATCH_SIZE": "many"}, "settings", "FMCSA_BATCH_SIZE"),
     ({"FMCSA_MONGODB_URI": "mongodb://127.0.0.1:9", "FMCSA_SODA_BASE_URL": "ftp://x"}, "settings", "FMCSA_SODA_BASE_URL"),
     ({"FMCSA_MONGODB_URI": "mongodb://127.0.0.1:9", "FMCSA_REQUEST_TIMEOUT_S": "-1"}, "settings", "FMCSA_REQUEST_TIMEOUT_S")],
)  # fmt: skip
async def test_what_cannot_run_says_which_variable(monkeypatch, caplog, variables, kind, named):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    summary = await sync_all_companies()
    (error,) = summary.errors[0]["errors"]
    assert (summary.stopped, summary.success, summary.exit_status, error.kind) == ("could_not_run", False, 2, kind)
    assert named in error.error
    result = await sync_company(0)
    assert (result.success, result.errors[0].kind, result.exit_status) == (False, kind, 2)
    assert "s3cret" not in str(summary.as_dict()) + str(result.as_dict()) + caplog.text
    await close()


async def test_settings_can_be_put_right_without_a_restart(monkeypatch, environment):
    assert (await sync_company(0)).errors[0].kind == "settings"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (await sync_company(0)).success
    await close()


async def test_what_is_lent_is_not_closed_and_what_is_opened_is(monkeypatch):
    opened = []
    original = aiohttp.ClientSession.__init__
    monkeypatch.setattr(
        aiohttp.ClientSession, "__init__", lambda self, *a, **k: (opened.append(self), original(self, *a, **k))[1]
    )
    async with open_orchestrator(Settings(), repository=InMemoryRepository()):
        pass
    assert [session.closed for session in opened] == [True]
    async with aiohttp.ClientSession() as session:
        async with open_orchestrator(Settings(), repository=InMemoryRepository(), session=session):
            pass
        assert not session.closed


async def test_opening_by_hand_tells_bad_settings_at_once():
    with pytest.raises(SettingsError, match="FMCSA_MONGODB_URI"):
        async with open_orchestrator():
            pass
