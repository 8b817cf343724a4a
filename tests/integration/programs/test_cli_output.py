"""Where the command line's output goes: encodings that lack a letter, readers that have gone."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from pymongo import MongoClient

import fmcsa_orchestrator
from tests.support.passing_time import PATIENCE_S
from tests.support.programs import command

NAME = "Ł 北"


@pytest.fixture
def named(environment):
    """The companies have names that not every encoding has."""
    with MongoClient(environment["FMCSA_MONGODB_URI"]) as client:
        client.get_default_database()["companies"].update_many({}, {"$set": {"name": NAME}})
    return environment


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
async def test_a_letter_that_the_terminal_lacks_is_replaced(named, encoding):
    variables = named | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for arguments in ("sync --company 3", "status", "status --company 3"):
        status, out, err = await command(*arguments.split(), **variables)
        assert (status, "?" in out, "Traceback" in out + err) == (0, True, False), arguments
    status, out, err = await command("status", "--company", "3", "--json", **variables)
    assert (status, json.loads(out)["companies"][0]["name"]) == (0, NAME)
    wrong = {"FMCSA_COMPANIES_COLLECTION": "北"}
    status, out, err = await command("doctor", **variables | wrong)
    assert (status, "?" in out, "Traceback" in out + err) == (2, True, False)


def into_a_closed_pipe(arguments, environment, *, errors_too=False):
    """The exit status, and what was said on standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = subprocess.run(
            [sys.executable, "-m", "fmcsa_orchestrator", *arguments.split()], env={**os.environ, **environment},
            stdout=writer, stderr=writer if errors_too else subprocess.PIPE, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    return process.returncode, (process.stderr or b"").decode()


@pytest.mark.parametrize("errors_too", [False, True], ids=["output", "output-and-errors"])
@pytest.mark.parametrize("arguments", ["sync", "sync --verbose", "sync --json", "sync --company 3"])
async def test_a_sync_whose_reader_has_gone_goes_on_to_its_end(environment, arguments, errors_too):
    status, err = await asyncio.to_thread(into_a_closed_pipe, arguments, environment, errors_too=errors_too)
    assert (status, "Traceback" in err, "listener_failed" in err) == (0, False, False)
    status, out, _ = await command("sync", "--json", **environment)  # at once: nobody holds a lease
    assert (status, json.loads(out)["success"]) == (0, True)
    done = json.loads(out)["outcomes"]["violations"]
    assert done == ({"changed": 11, "unchanged": 1} if "--company" in arguments else {"unchanged": 12})


@pytest.mark.parametrize("arguments", ["status", "status --json", "doctor", "doctor --json", "plan", "status --company 3"])
async def test_a_report_whose_reader_has_gone_ends_as_it_would(environment, arguments):
    assert await asyncio.to_thread(into_a_closed_pipe, arguments, environment) == (0, "")


async def test_the_json_is_there_though_nobody_reads_what_is_for_people(environment):
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fmcsa_orchestrator", "sync", "--json", env={**os.environ, **environment},
        stdout=subprocess.PIPE, stderr=writer,
    )  # fmt: skip
    os.close(writer)
    async with asyncio.timeout(PATIENCE_S):
        out, _ = await process.communicate()
    assert (process.returncode, json.loads(out)["succeeded"]) == (0, 12)


async def test_it_tells_its_version():
    assert await command("--version") == (0, f"fmcsa-orchestrator {fmcsa_orchestrator.__version__}\n", "")


def keys_in(value):
    """All keys of objects, at any depth."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_in(inner)


async def test_the_keys_of_json_are_written_in_one_way(environment):
    with MongoClient(environment["FMCSA_MONGODB_URI"]) as client:
        client.get_default_database()["companies"].update_one({"_id": 3}, {"$set": {"dotNumber": "none"}})
    _, out, _ = await command("sync", "--json", **environment)
    [entry] = json.loads(out)["errors"]
    assert entry["company_id"] == entry["companyId"] == 3  # the latter is its name of before, for one version more
    assert {key for key in keys_in(json.loads(out)) if not key.islower()} == {"companyId"}
    for arguments in (
        "sync --company 3",
        "sync --company 1",
        "sync --company nobody",
        "status",
        "status --company 3",
        "doctor",
        "plan",
    ):
        _, out, _ = await command(*arguments.split(), "--json", **environment)
        assert not [key for key in keys_in(json.loads(out)) if not key.islower()], arguments


@pytest.mark.parametrize("arguments", ["sync", "sync --company 1", "status", "plan", "demo"])
async def test_settings_that_do_not_fit_are_told_in_one_sentence(arguments):
    status, out, _ = await command(*arguments.split(), FMCSA_BATCH_SIZE="many", FMCSA_SODA_BASE_URL="x")
    said = "cannot run: FMCSA_SODA_BASE_URL cannot be used: it must start with http:// or https://; FMCSA_BATCH_SIZE cannot be used: it should be"
    assert status == 2
    assert any(line.strip().startswith(said) for line in out.splitlines()), out
