"""Motor and PyMongo's async API as equals: the default wiring and the command line on both, over the wire."""

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest
from pymongo.errors import InvalidOperation

from fmcsa_orchestrator import Settings, SettingsError, close, open_orchestrator, sync_all_companies, sync_company
from fmcsa_orchestrator.storage.mongodb import driver

DRIVERS = ["motor", "pymongo"]
WITHOUT_MOTOR = "import sys; sys.modules['motor'] = None\n"  # importing it then fails, as if it were not installed
COMMAND = "import sys; sys.argv[1:] = {arguments!r}\nfrom fmcsa_orchestrator.cli.app import main; main()"


async def run_program(text, variables):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error::ResourceWarning",
        "-c",
        text,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def run_command(*arguments, variables, head=""):
    return await run_program(head + COMMAND.format(arguments=arguments), variables)


@pytest.mark.parametrize("name", DRIVERS)
async def test_the_module_functions_use_the_driver_that_is_set_and_close_it(name, configured, monkeypatch):
    monkeypatch.setenv("FMCSA_MONGODB_DRIVER", name)
    opened, connect = [], driver.connect
    monkeypatch.setattr(driver, "connect", lambda *given: opened.append(connect(*given)) or opened[-1])
    summary = await sync_all_companies()
    assert (summary.success, summary.total, summary.outcomes["violations"]) == (True, 12, {"changed": 12})
    assert (await sync_company(3)).outcomes["violations"].outcome == "unchanged"
    await close()
    (client,) = opened
    assert type(client).__module__.startswith("motor" if name == "motor" else "pymongo.asynchronous")
    with pytest.raises(InvalidOperation, match="close"):
        await client.admin.command("ping")


async def test_ten_runs_in_one_process_on_pymongo_without_a_word(environment):
    program = textwrap.dedent("""
        import asyncio
        from fmcsa_orchestrator import sync_all_companies
        for _ in range(10):
            summary = asyncio.run(sync_all_companies())
            print(summary.success, summary.total)
    """)
    assert await run_program(program, environment | {"FMCSA_MONGODB_DRIVER": "pymongo"}) == (0, "True 12\n" * 10, "")


async def test_pymongo_needs_no_motor(environment):
    variables = environment | {"FMCSA_MONGODB_DRIVER": "pymongo"}
    status, out, err = await run_command("sync", variables=variables, head=WITHOUT_MOTOR)
    assert (status, err, "all good: 12 companies" in out) == (0, "", True)
    status, out, err = await run_command("status", variables=variables, head=WITHOUT_MOTOR)
    assert (status, err, out.count(" fresh ")) == (0, "", 13)
    for place in ({"FMCSA_MONGODB_URI": environment["FMCSA_MONGODB_URI"]}, {}):  # the configured server, the embedded store
        chosen = place | {"FMCSA_MONGODB_DRIVER": "pymongo"}
        status, out, err = await run_command("demo", "--companies", "3", variables=chosen, head=WITHOUT_MOTOR)
        assert (status, err, out.count("all good: 3 companies")) == (0, "", 3)


async def test_motor_that_is_missing_is_named_with_the_remedy(environment):
    status, out, _ = await run_command("sync", variables=environment, head=WITHOUT_MOTOR)
    assert status == 2
    assert "motor is not installed: install it, or set FMCSA_MONGODB_DRIVER to pymongo" in out


async def test_a_driver_that_nobody_knows_is_refused(monkeypatch):
    monkeypatch.setenv("FMCSA_MONGODB_URI", "mongodb://127.0.0.1:9")
    monkeypatch.setenv("FMCSA_MONGODB_DRIVER", "mongoengine")
    with pytest.raises(SettingsError, match="FMCSA_MONGODB_DRIVER.*'motor' or 'pymongo'"):
        Settings.load()


@pytest.mark.parametrize("name", DRIVERS)
async def test_a_uri_that_cannot_be_read_is_not_repeated(name):
    settings = Settings(mongodb_uri="mongodb://u:s3cret@h:port", mongodb_driver=name)
    with pytest.raises(SettingsError, match="FMCSA_MONGODB_URI") as raised:
        async with open_orchestrator(settings):
            pass
    assert "s3cret" not in str(raised.value)
