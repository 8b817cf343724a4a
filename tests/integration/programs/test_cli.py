"""The command line as a user meets it: output, JSON, exit statuses, and nothing left running."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fmcsa_orchestrator.testing import Fault, Fleet, LocalFmcsa
from tests.support.passing_time import PATIENCE_S
from tests.support.programs import command


def read(path):
    return Path(path).read_text(encoding="utf-8")


def running(port):
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return any(f":{port:04X} " in line and " 0A " in line for line in lines)  # 0A: listening


async def test_sync_then_status(environment):
    status, out, _ = await command("status", **environment)
    assert (status, "12 companies" in out, len(re.findall(r"never +never", out))) == (0, True, 12)
    status, out, _ = await command("sync", **environment)
    assert status == 0
    assert "all good: 12 companies" in out
    assert re.search(r"^event=sync_started due=12$", out, re.MULTILINE)
    assert re.search(
        r"^event=sync_finished done=12 due=12 failed=0 .*requests.soda=12 .*violations.changed=12", out, re.MULTILINE
    )
    assert "\x1b" not in out
    status, out, _ = await command("status", "--limit", "3", **environment)
    assert (status, len(re.findall(r"fresh +\d+ s", out)) == 3, "3 of 12 shown" in out) == (0, True, True)


async def test_the_status_in_json(environment):
    await command("sync", **environment)
    status, out, _ = await command("status", "--json", "--limit", "5", **environment)
    found = json.loads(out)
    assert (status, found["fleet"]["total"], found["fleet"]["states"]["fresh"], len(found["companies"])) == (0, 12, 12, 5)
    assert {source["name"]: source["outcomes"] for source in found["fleet"]["sources"]}["violations"] == {"changed": 12}
    status, out, _ = await command("status", "--json", "--stale-after", "0", **environment)
    assert (status, json.loads(out)["fleet"]["states"]) == (0, {"fresh": 0, "stale": 12, "failing": 0, "never": 0})


async def test_the_status_of_one_company(environment, tmp_path):
    await command("sync", **environment)
    status, out, _ = await command("status", "--company", "3", **environment)
    assert status == 0
    for words in ("Unsafe Driving", "not public", "65 general", "violations", "national average", "csa_scores"):
        assert words in out
    status, out, _ = await command("status", "--company", "3", "--json", "--html", str(tmp_path / "one.html"), **environment)
    assert (status, json.loads(out)["companies"][0]["id"], json.loads(out)["fleet"]) == (0, 3, None)
    assert "<h1>FMCSA data of " in read(tmp_path / "one.html")
    status, out, _ = await command("status", "--company", "nobody", "--json", **environment)
    assert (status, json.loads(out)["errors"][0]["kind"]) == (1, "company_not_found")


async def test_the_status_as_a_page(environment, tmp_path):
    status, out, _ = await command("status", "--html", "fleet.html", "--limit", "5", **environment)
    assert (status, out.strip()) == (0, "written to fleet.html")
    assert read("fleet.html").count("<details") == 5
    status, out, _ = await command("status", "--html", str(tmp_path / "missing" / "x.html"), **environment)
    assert (status, "cannot write" in out, "Traceback" in out) == (2, True, False)


async def test_one_company_by_text_and_by_number(environment):
    status, out, _ = await command("sync", "--company", "3", "--json", **environment)
    assert (status, json.loads(out)["success"]) == (0, True)
    status, out, _ = await command("sync", "--company", "nobody", **environment)
    assert (status, "company_not_found" in out) == (1, True)


@pytest.mark.parametrize(
    "arguments", [("sync",), ("status",), ("sync", "--company", "1"), ("sync", "--json"), ("status", "--json")]
)
async def test_without_settings_it_says_what_is_missing(arguments):
    status, out, err = await command(*arguments)
    assert status == 2
    assert "FMCSA_MONGODB_URI is not set" in out
    assert "Traceback" not in out + err
    if "--json" in arguments:
        assert json.loads(out)["success"] is False


@pytest.mark.parametrize(
    "arguments", ["sync", "sync --company 1", "plan", "status", "doctor", "demo", "status --json", "prepare"]
)
async def test_a_file_of_settings_that_cannot_be_read_is_exit_status_two(tmp_path, arguments):
    (tmp_path / ".env").write_text("FMCSA_MONGODB_URI=mongodb://127.0.0.1:1/x\n", encoding="utf-16")
    status, out, err = await command(*arguments.split())
    assert (status, ".env" in out, "Traceback" in out + err, "unexpected" in out + err) == (2, True, False, False)


async def test_a_failing_company_is_exit_status_one(environment):
    fleet = Fleet.uniform(12, violations=3, inspections=2)
    async with LocalFmcsa(fleet) as upstream:
        upstream.inject(Fault.status(400), dataset="8mt8-2mdr")
        status, out, _ = await command("sync", **environment | {"FMCSA_SODA_BASE_URL": upstream.soda_url})
        assert (status, "12 failed" in out, "rejected" in out) == (1, True, True)
        status, out, _ = await command("status", **environment)
        assert (status, len(re.findall(r"failing +\d+ s", out)) == 12, "nothing held" in out) == (1, True, True)
        status, out, _ = await command("status", "--limit", "1", "--html", "page.html", **environment)
        assert (status, "12 failed" in read("page.html")) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_run_with_its_summary_and_leaves_nothing_locked(environment, number):
    fleet = Fleet.uniform(12, violations=3, inspections=2)
    async with LocalFmcsa(fleet) as upstream:
        upstream.inject(Fault.hang(3_600), dataset="8mt8-2mdr", kind="resource")
        slow = environment | {"FMCSA_SODA_BASE_URL": upstream.soda_url}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fmcsa_orchestrator", "sync", "--json", env={**os.environ, **slow},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            while not upstream.count(kind="resource", dataset="8mt8-2mdr"):
                await asyncio.sleep(0.01)
            process.send_signal(number)
            out, err = await process.communicate()
    summary = json.loads(out)
    assert (process.returncode, summary["stopped"], summary["success"]) == (1, "stopped", False)
    assert b"Traceback" not in err
    status, out, _ = await command("sync", "--json", **environment)  # at once: nobody holds a lease
    assert (status, json.loads(out)["succeeded"]) == (0, 12)


async def test_a_collection_without_companies_is_told(environment):
    status, out, _ = await command("sync", **environment | {"FMCSA_COMPANIES_COLLECTION": "carriers"})
    assert (status, "no company has a dotNumber" in out) == (0, True)


async def test_the_demo_needs_nothing_and_leaves_nothing(tmp_path):
    status, out, err = await command("demo", "--companies", "12", "--data-dir", str(tmp_path / "data"))
    assert (status, err) == (0, "")
    parts = re.split(r"\n(First round|Second round|Third round|What that means|Status)", out)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(told) == ["First round", "Second round", "Third round", "What that means", "Status"]
    for name, words in (("First round", "12 changed"), ("Second round", "12 unchanged"), ("Third round", "rows written")):
        assert "all good: 12 companies in" in told[name]
        assert words in told[name]
    assert "0 rows written" in told["Second round"]
    assert ", 0 rows written" not in told["Third round"]
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d  (medium|high|critical) +USDOT \d+ +\w+\.\w+", told["What that means"], re.MULTILINE
    )
    assert re.search(r"^[1-9]\d* events in all", told["What that means"], re.MULTILINE)
    assert "6 of 12 shown" in told["Status"]
    assert len([line for line in out.splitlines() if not line.startswith("event=")]) < 80
    assert (tmp_path / "data" / "fmcsa.db").exists()
    ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", out)]
    assert len(ports) == 2
    assert not any(running(port) for port in ports)


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
async def test_the_demo_leaves_no_process_when_interrupted(kill):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fmcsa_orchestrator", "demo", "--companies", "400", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    seen = b""
    async with asyncio.timeout(PATIENCE_S):
        while b"event=sync_started" not in seen:
            chunk = await process.stdout.read(200)
            assert chunk, seen
            seen += chunk
        ports = [int(port) for port in re.findall(rb"127\.0\.0\.1:(\d+)", seen)]
        assert any(running(port) for port in ports)
        process.send_signal(kill)
        _, err = await process.communicate()
        while any(running(port) for port in ports):
            await asyncio.sleep(0.05)
    assert b"Traceback" not in err
    assert process.returncode == (2 if kill == signal.SIGINT else -signal.SIGKILL)


async def test_the_demo_uses_a_configured_server_and_cleans_up(wire_uri):
    status, out, _ = await command("demo", "--companies", "12", "--json", FMCSA_MONGODB_URI=wire_uri)
    assert (status, [summary["total"] for summary in json.loads(out)["rounds"]]) == (0, [12, 12, 12])
