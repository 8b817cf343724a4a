"""The commands `deliver` and `subscribers`, in a process of their own, against a receiver on this machine."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest
from aiohttp import web
from pymongo import AsyncMongoClient

from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from tests.support.deliveries import event
from tests.support.passing_time import PATIENCE_S, until
from tests.support.programs import command
from tests.support.receivers import SECRET, WebhookReceiver


@pytest.fixture
async def receiver():
    async with WebhookReceiver().served() as receiver:
        yield receiver


@pytest.fixture
async def log(environment):
    async with AsyncMongoClient(environment["FMCSA_MONGODB_URI"], tz_aware=True) as client:
        yield MongoEventLog(client.get_default_database())


@pytest.fixture
def variables(environment):
    return {**environment, "FMCSA_DELIVERY_SECRETS": json.dumps({"ops": [SECRET]}), "FMCSA_WEBHOOK_ALLOW_PRIVATE": "true"}


async def test_a_subscriber_from_the_first_to_the_last(variables, receiver, log):
    async def subscribers(*arguments):
        return await command("subscribers", *arguments, **variables)

    status, out, _ = await subscribers("list")
    assert (status, "nobody is told" in out) == (0, True)
    status, out, err = await subscribers(
        "add",
        "ops",
        "--webhook",
        receiver.url,
        "--secret",
        "ops",
        "--severity",
        "medium",
        "--company",
        "7",
        "--type",
        "violation",
    )
    assert (status, "ops is told from now on" in out) == (0, True), out + err
    status, out, _ = await subscribers("test", "ops")
    assert (status, "ops: 1 accepted" in out, [body["type"] for body in receiver.taken.values()]) == (0, True, ["fmcsa.test"])
    await log.append(
        [event(1, company=7, severity=Severity.HIGH), event(2, company="7", severity=Severity.MEDIUM), event(3, company=7)]
    )
    status, out, _ = await command("deliver", "--json", **variables)
    told = json.loads(out)
    assert (status, told["success"], told["subscribers"]["ops"]["accepted"]) == (0, True, 2)
    assert (len(receiver.taken), receiver.refused) == (3, [])
    status, out, _ = await subscribers("list", "--json")
    [stored] = json.loads(out)
    assert (stored["leastSeverity"], stored["companies"], stored["secret"], SECRET in out) == ("medium", ["7", 7], "ops", False)
    assert (await subscribers("pause", "ops"))[0] == 0
    await log.append([event(4, company=7, severity=Severity.HIGH)])
    status, out, _ = await command("deliver", **variables)
    assert (status, "all good: 0 accepted" in out) == (0, True)
    assert (await subscribers("resume", "ops"))[0] == 0
    receiver.answers = [web.Response(status=410)]
    status, out, _ = await command("deliver", **variables)
    assert (status, "ops: 0 accepted, parked; it answered 410" in out) == (1, True)
    status, out, _ = await command("doctor", **variables)
    assert (status, "subscribers resume ops" in out) == (2, True)
    status, out, _ = await subscribers("list")
    assert "parked" in out
    assert (await subscribers("remove", "ops"))[0] == 0
    status, out, _ = await subscribers("remove", "ops")
    assert (status, "there is no subscriber of the name `ops`" in out) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["x"], "give one of"), (["x", "--apprise", "--callable", "f"], "give one of"),
     (["x", "--webhook", "https://hooks.example.com/x"], "the name of a secret"),
     (["x", "--webhook", "https://hooks.example.com/x", "--secret", "none"], "nothing of the name `none`"),
     (["x", "--webhook", "https://hooks.example.com/x", "--secret", "ops", "--digest", "7"], "for people"),
     (["$x", "--callable", "f"], "cannot be used"), (["x", "--callable", "f", "--time-zone", "Nowhere"], "time zone")],
)  # fmt: skip
async def test_one_that_cannot_be_is_refused_with_exit_status_two(variables, arguments, words):
    status, out, err = await command("subscribers", "add", *arguments, **variables)
    assert (status, words in out + err, "Traceback" in out + err) == (2, True, False), out + err


@pytest.mark.parametrize("arguments", [["deliver"], ["deliver", "--json"], ["subscribers", "list"], ["subscribers", "test", "x"]])
async def test_without_settings_it_says_what_is_missing(arguments):
    status, out, err = await command(*arguments)
    assert (status, "FMCSA_MONGODB_URI is not set" in out, "Traceback" in out + err) == (2, True, False)


async def test_it_follows_until_a_signal_and_writes_down_how_far_it_was(variables, receiver, log):
    await command("subscribers", "add", "ops", "--webhook", receiver.url, "--secret", "ops", **variables)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fmcsa_orchestrator", "deliver", "--follow", "--json", env={**os.environ, **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    await log.append([event(1), event(2)])
    await until(lambda: len(receiver.taken) == 2)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    assert (process.returncode, json.loads(out)["subscribers"]["ops"]["accepted"], b"Traceback" in err) == (0, 2, False)
    await command("deliver", **variables)
    assert len(receiver.seen) == 2


async def test_one_that_is_killed_in_the_middle_is_followed_by_another(variables, receiver, log):
    variables = {**variables, "FMCSA_LEASE_TTL_S": "1"}
    await command("subscribers", "add", "ops", "--webhook", receiver.url, "--secret", "ops", **variables)
    documents = [event(number, company=f"c{number % 2}") for number in range(10)]
    await log.append(documents)
    hang = asyncio.Event()

    async def say_nothing(request):
        await hang.wait()
        return web.Response()

    receiver.answers = [web.Response() for _ in range(5)] + [say_nothing] * 2
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fmcsa_orchestrator", "deliver", env={**os.environ, **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    await until(lambda: len(receiver.seen) > 5)
    process.kill()
    await process.communicate()
    hang.set()
    receiver.answers = []
    async with asyncio.timeout(PATIENCE_S):
        while len(receiver.taken) < 10:  # its lease has a second to run out
            await command("deliver", **variables)
    first_seen = list(dict.fromkeys(receiver.seen))
    for company in ("c0", "c1"):
        ids = [document["id"] for document in documents if document["data"]["companyId"] == company]
        assert [key for key in first_seen if key in ids] == ids
    assert (len(receiver.seen) > 10, set(receiver.taken), receiver.refused) == (
        True,
        {document["id"] for document in documents},
        [],
    )
