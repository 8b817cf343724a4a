"""The check-up: what it looks at, what it says, and that it never raises."""

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.app import app
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.cli.terminal.outcomes import show_findings
from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from fmcsa_orchestrator.testing import DATASETS, Fault, Fleet, LocalFmcsa
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.backends import BACKENDS, open_backend
from tests.support.programs import command

pytestmark = pytest.mark.usefixtures("no_pauses")


def lines(out):
    return [line for line in out.splitlines() if line.startswith(("ok", "FAIL"))]


async def test_all_is_well(environment):
    status, out, err = await command("doctor", **environment, FMCSA_SOURCES=", ".join(BUILT_IN))
    assert (status, err) == (0, "")
    assert all(line.startswith("ok") for line in lines(out))
    for what in (
        "settings",
        "MongoDB",
        "clock",
        "companies.fmcsaData.syncStatus.lastRun",
        "fmcsaViolations.companyId",
        *DATASETS,
    ):
        assert what in out
    assert "12 in companies have a dotNumber" in out


async def test_what_is_wrong_comes_with_a_remedy(environment):
    fleet = Fleet.uniform(2)
    async with LocalFmcsa(fleet) as upstream:
        upstream.inject(Fault.missing_column("viol_code"), dataset="8mt8-2mdr")
        upstream.inject(Fault.status(404), dataset="rbkj-cgst")
        bad = environment | {"FMCSA_SODA_BASE_URL": upstream.soda_url, "FMCSA_COMPANIES_COLLECTION": "nobody"}
        status, out, _ = await command("doctor", "--json", **bad)
    faults = {finding["what"]: finding for finding in json.loads(out) if not finding["is_good"]}
    assert status == 2
    assert set(faults) == {"SMS Input - Violation (8mt8-2mdr)", "inspections", "companies"}
    assert "viol_code" in faults["SMS Input - Violation (8mt8-2mdr)"]["text"]
    assert "FMCSA_SODA_BASE_URL" in faults["inspections"]["remedy"]
    assert "FMCSA_COMPANIES_COLLECTION" in faults["companies"]["remedy"]


async def test_of_a_dataset_that_is_closed_no_setting_is_suspected(environment):
    async with LocalFmcsa(Fleet.uniform(2)) as upstream:
        upstream.inject(Fault.closed(), dataset="8mt8-2mdr")
        status, out, _ = await command("doctor", "--json", **environment | {"FMCSA_SODA_BASE_URL": upstream.soda_url})
    (fault,) = [finding for finding in json.loads(out) if not finding["is_good"]]
    assert (status, fault["what"]) == (2, "SMS Input - Violation (8mt8-2mdr)")
    assert "private or retired" in fault["text"]
    assert ("newer version" in fault["remedy"], "BASE_URL" in fault["remedy"]) == (True, False)


async def test_a_source_that_is_left_out_is_not_checked(environment):
    status, out, _ = await command("doctor", **environment, FMCSA_SOURCES="crashes")
    assert status == 0
    asked = [id_ for id_ in DATASETS if id_ in out]
    assert sorted(asked) == ["4wxs-vbns", "aayw-vxb3"]
    assert "fmcsaCrashes.companyId" in out
    assert "fmcsaViolations" not in out
    assert "QCMobile:" not in out


def test_it_can_be_read_on_a_narrow_screen():
    console = Console(file=io.StringIO(), width=80)
    what = "Motus Insur - All With History (c5y8-a4uz)"
    good = Finding(what, True, "all 11 columns are there; replaced 2026-11-12 07:05 UTC")
    show_findings(console, [good, Finding(what, False, f"{what} no longer has the column x", "do [this]")])
    assert [line.rstrip() for line in console.file.getvalue().splitlines()] == [
        f"ok   {what}: all 11 columns are there;",
        "     replaced 2026-11-12 07:05 UTC",
        f"FAIL {what}: no longer has the column x",
        "     -> do [this]",
        "1 of 2 at fault",
    ]


@pytest.mark.parametrize(
    ("variables", "named"),
    [({}, "FMCSA_MONGODB_URI"), ({"FMCSA_MONGODB_URI": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100"}, "FMCSA_MONGODB_URI"),
     ({"FMCSA_MONGODB_URI": "mongodb://127.0.0.1:9", "FMCSA_BATCH_SIZE": "x"}, "FMCSA_BATCH_SIZE")],
)  # fmt: skip
def test_what_cannot_be_opened_is_a_finding(monkeypatch, variables, named):
    unreachable = {"FMCSA_SODA_BASE_URL": "http://127.0.0.1:9", "FMCSA_SODA_REQUESTS_PER_SECOND": "1000"}
    for name, value in (unreachable | variables).items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, named in done.output, "Traceback" in done.output) == (2, True, False)


async def test_indexes_are_made_by_a_command_of_its_own(environment):
    for what in ("has been made", "is there"):
        status, out, err = await command("prepare", **environment)
        # The embedded store does not keep an index on `id`: that one is made each time.
        indexes = [line for line in lines(out) if line.endswith(what) or "fmcsaEvents.id" in line]
        assert (status, err, len(lines(out)), len(indexes)) == (0, "", 9, 8), out
    days = {"FMCSA_ENDED_ROWS_KEPT_DAYS": "30"}
    status, out, _ = await command("prepare", "--timeout", "30", "--json", **environment, **days)
    found = [finding["text"] for finding in json.loads(out) if finding["what"] == "ended rows"]
    assert (status, len(found), "after 30 days" in found[0]) == (0, 3, True)


@pytest.mark.parametrize(
    ("variables", "named"),
    [({}, "FMCSA_MONGODB_URI"), ({"FMCSA_MONGODB_URI": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100"}, "FMCSA_MONGODB_URI"),
     ({"FMCSA_ENDED_ROWS_KEPT_DAYS": "0"}, "FMCSA_ENDED_ROWS_KEPT_DAYS"), ({"FMCSA_ENDED_ROWS_KEPT_DAYS": "30000"}, "FMCSA_ENDED_ROWS_KEPT_DAYS")],
)  # fmt: skip
async def test_a_store_that_cannot_be_prepared_is_exit_status_two(variables, named):
    status, out, err = await command("prepare", **variables)
    assert (status, len(lines(out)), named in out, "->" in out, "Traceback" in out + err) == (2, 1, True, True, False)


@pytest.mark.parametrize(("key", "is_good"), [("right", True), ("wrong", False)])
async def test_the_web_key_is_tried_and_never_shown(key, is_good):
    fleet = Fleet.sample(3)
    async with LocalFmcsa(fleet, web_key="s3cret-right") as upstream:
        settings = demo_settings(upstream).model_copy(
            update={"qcmobile_web_key": type(demo_settings(upstream).qcmobile_web_key)(f"s3cret-{key}")}
        )
        async with open_orchestrator(settings, repository=InMemoryRepository([{"_id": 1}])) as orchestrator:
            findings = await orchestrator.check()
    assert all(finding.is_good for finding in findings) is is_good
    assert "s3cret" not in str(findings)
    if not is_good:
        (fault,) = [finding for finding in findings if not finding.is_good]
        assert "FMCSA_QCMOBILE_WEB_KEY" in fault.text
        assert "FMCSA_SODA_APP_TOKEN" not in fault.text + fault.remedy


@pytest.mark.parametrize("kind", BACKENDS)
async def test_every_store_can_be_looked_at(kind, wire_uri):
    async with open_backend(kind, wire_uri) as backend:
        await backend.add({"_id": 1, "dotNumber": 7})
        assert all(finding.is_good for finding in await backend.repository.check(["rows"]))


async def test_a_source_with_a_bug_in_its_check_is_a_finding(wire_uri):
    class Broken(FakeSource):
        async def check(self):
            raise KeyError("oops")

    async with LocalFmcsa(Fleet.uniform(2)) as upstream:
        extra = [Broken("broken", lambda _: None), FakeSource("silent", lambda _: None)]
        repository = InMemoryRepository([{"_id": 1}])
        async with open_orchestrator(demo_settings(upstream), repository=repository, extra_sources=extra) as orchestrator:
            findings = {finding.what: finding for finding in await orchestrator.check()}
    assert (findings["broken"].is_good, "KeyError" in findings["broken"].text) == (False, True)
    assert findings["silent"].text == "has no check of its own"
