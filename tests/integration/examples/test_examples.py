"""The examples, run as a reader would run them: against the double of the upstream, on the embedded store."""

import json
import os
import sys
from asyncio import create_subprocess_exec, subprocess
from datetime import UTC, datetime

import httpx
import pytest
from aiohttp.test_utils import TestClient, TestServer
from bson import ObjectId

from fmcsa_orchestrator.testing import Answer, Fault, LocalUpstream
from tests.support.paths import EXAMPLES, ROOT
from tests.support.world import statuses

VIOLATIONS = "8mt8-2mdr"
SOURCES = {"csa_scores", "violations", "inspections"}


async def run(*command):
    """Exit status, standard output and standard error of an example."""
    process = await create_subprocess_exec(
        sys.executable,
        *map(str, command),
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::ResourceWarning"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode(), err.decode()


async def test_cron_syncs_every_company(settings, database, upstream):
    assert await run(EXAMPLES / "cron_sync.py") == (0, "finished: 9 of 9 companies synced, 0 failed\n", "")
    found = await statuses(database)
    assert len(found) == 9
    assert all(status["success"] and status["sources"].keys() == SOURCES for status in found.values())
    assert await database["fmcsaViolations"].count_documents({"companyId": "company-0"}) == 37
    assert await database["fmcsaInspections"].count_documents({"companyId": "company-0"}) == 36
    assert upstream.count("resource", VIOLATIONS) == 1


async def test_cron_tells_of_a_failed_company(settings, database, upstream):
    await database["companies"].delete_many({"_id": {"$nin": ["company-0", "company-1"]}})
    upstream.inject(Fault.status(400), dataset=VIOLATIONS, usdot=32910)  # never retried, so the test need not wait
    code, out, err = await run(EXAMPLES / "cron_sync.py", "--json")
    summary = json.loads(out)
    assert code == 1
    assert (summary["success"], summary["total"], summary["failed"], summary["stopped"]) == (False, 2, 1, None)
    assert [company["companyId"] for company in summary["errors"]] == ["company-0"]
    assert "source=violations kind=rejected" in err
    status = (await statuses(database))["company-0"]
    assert status["sources"]["violations"]["outcome"] == "failed"
    assert status["sources"]["inspections"]["outcome"] == "changed"
    assert "violationsLastSync" not in status
    assert [error["kind"] for error in status["errors"]] == ["rejected"]


async def test_cron_that_cannot_run_says_so():
    code, out, err = await run(EXAMPLES / "cron_sync.py", "--json")
    summary = json.loads(out)
    assert (code, summary["stopped"], summary["total"]) == (2, "could_not_run", 0)
    [[failure]] = [entry["errors"] for entry in summary["errors"]]
    assert failure["kind"] == "settings"
    assert "FMCSA_MONGODB_URI is not set" in failure["error"]
    assert "FMCSA_MONGODB_URI is not set" in err


async def test_own_source_runs_beside_the_built_in_ones(settings, database, tmp_path):
    export = tmp_path / "clearinghouse.csv"
    rows = ["32910,q-1,A. Driver,clear", "USDOT 32910,q-2,B. Driver,prohibited", "4446926,q-3,C. Driver,clear"]
    export.write_text("\n".join(["dot_number,query_id,driver,result", *rows]))
    code, out, _ = await run(EXAMPLES / "custom_source.py", export)
    assert (code, out) == (0, "drug_clearinghouse: {'changed': 2, 'not_found': 7}\n")
    company = await database["companies"].find_one({"_id": "company-0"})
    assert company["fmcsaData"]["drugClearinghouse"] == {"queries": 2, "prohibited": 1}
    status = company["fmcsaData"]["syncStatus"]
    assert status["sources"].keys() == SOURCES | {"drug_clearinghouse"}
    assert "drugClearinghouseLastSync" in status
    stored = await database["fmcsaDrugClearinghouse"].find({"companyId": "company-0"}).to_list()
    assert {(row["driver"], row["result"], bool(row["current"])) for row in stored} == {
        ("A. Driver", "clear", True),
        ("B. Driver", "prohibited", True),
    }


async def test_a_source_built_with_the_kit_runs_beside_the_built_in_ones(settings, database, monkeypatch):
    def respond(request):
        assert request.headers["X-Api-Key"] == "k"
        events = [{"id": f"e{n}", "kind": "braking", "at": "2026-11-02T07:30:00Z"} for n in range(2)]
        return events if "/32910/" in request.path else Answer(404, b"")

    monkeypatch.setenv("TELEMATICS_KEY", "k")
    async with LocalUpstream(respond) as service:
        code, out, _ = await run(EXAMPLES / "telematics_source.py", service.url)
    assert (code, out) == (0, "telematics: {'changed': 1, 'not_found': 8}\n")
    company = await database["companies"].find_one({"_id": "company-0"})
    assert company["fmcsaData"]["telematics"] == {"events": 2, "latest": datetime(2026, 11, 2, 7, 30, tzinfo=UTC)}
    assert await database["fmcsaTelematics"].count_documents({"companyId": "company-0", "kind": "braking"}) == 2


async def test_offline_runs_a_command_against_its_doubles(monkeypatch, capfd):
    """Its settings win over those of the environment; the command's exit status is its own."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from offline import run as run_offline  # noqa: PLC0415

    monkeypatch.setenv("FMCSA_MONGODB_URI", "mongodb://127.0.0.1:1")
    command = """
import os, sys, pymongo
with pymongo.MongoClient(os.environ["FMCSA_MONGODB_URI"]) as client:
    print(client["fmcsa"]["companies"].count_documents({"_id": {"$gte": "company-0"}}), os.environ["FMCSA_SODA_BASE_URL"])
sys.exit(7)
"""
    assert await run_offline([sys.executable, "-c", command]) == 7
    assert capfd.readouterr().out.startswith("10 http://127.0.0.1:")


@pytest.mark.parametrize("key", [None, "the-users"])
async def test_offline_leads_nowhere_else_whatever_the_user_has_set(monkeypatch, capfd, tmp_path, key):
    """In the environment, in names of any case, and in `.env`."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from offline import run as run_offline  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("fmcsa_mongodb_database", "production")
    monkeypatch.setenv("FMCSA_COMPANIES_COLLECTION", "customers")
    monkeypatch.setenv("FMCSA_QCMOBILE_BASE_URL", "https://mobile.invalid")
    names = {"FMCSA_SODA_APP_TOKEN": "the-users", "FMCSA_QCMOBILE_WEB_KEY": key}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in names.items() if value))
    command = """
from fmcsa_orchestrator import Settings
from fmcsa_orchestrator.settings import secret
found = Settings.load()
print(found.mongodb_database, found.companies_collection, found.soda_base_url, found.qcmobile_base_url)
print(secret(found.mongodb_uri), secret(found.soda_app_token), secret(found.qcmobile_web_key))
"""
    assert await run_offline([sys.executable, "-c", command]) == 0
    database, companies, soda, qcmobile, uri, token, web_key = capfd.readouterr().out.split()
    assert (database, companies, token) == ("fmcsa", "companies", "of-the-double")
    assert soda.startswith("http://127.0.0.1:")
    assert qcmobile == f"{soda}/qc/services"
    assert uri.startswith("mongodb://127.0.0.1:")
    assert web_key == ("demo-web-key" if key else "None")


async def test_offline_with_the_users_keys_syncs_as_ever(monkeypatch, capfd, tmp_path):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from offline import run as run_offline  # noqa: PLC0415

    for name in ("FMCSA_SODA_APP_TOKEN", "FMCSA_QCMOBILE_WEB_KEY"):
        monkeypatch.setenv(name, "the-users")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert await run_offline([sys.executable, "-m", "fmcsa_orchestrator", "sync", "--company", "company-1"]) == 0
    assert "Traceback" not in capfd.readouterr().err


async def test_offline_tells_of_a_command_that_there_is_not():
    assert await run(EXAMPLES / "offline.py", "no-such-command") == (127, "", "no-such-command: no such command\n")


async def test_offline_tells_of_a_setting_that_does_not_fit(monkeypatch):
    monkeypatch.setenv("FMCSA_BATCH_SIZE", "many")
    code, _, err = await run(EXAMPLES / "offline.py", sys.executable, "-V")
    assert code == 1
    assert "FMCSA_BATCH_SIZE" in err


@pytest.fixture(params=["fastapi", "aiohttp"])
async def ask(request, settings, monkeypatch):
    """Asks one of the two apps: method and path in; status and JSON out."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    if request.param == "fastapi":
        from fastapi_app import app  # noqa: PLC0415

        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client,
        ):

            async def ask(method, path):
                response = await client.request(method, path)
                return response.status_code, response.json() if "json" in response.headers["content-type"] else None

            yield ask
    else:
        from aiohttp_app import create_app  # noqa: PLC0415

        async with TestClient(TestServer(create_app())) as client:

            async def ask(method, path):
                async with client.request(method, path) as response:
                    return response.status, await response.json() if "json" in response.content_type else None

            yield ask


async def test_app_syncs_a_company_and_shows_its_status(ask, database):
    assert await ask("GET", "/companies/company-1/status") == (200, {})
    code, result = await ask("POST", "/companies/company-1/sync")
    assert (code, result["company_id"], result["usdot"], result["success"]) == (200, "company-1", 4446926, True)
    assert {name: outcome["outcome"] for name, outcome in result["outcomes"].items()} == dict.fromkeys(SOURCES, "changed")
    assert list(await statuses(database)) == ["company-1"]
    assert await database["fmcsaViolations"].count_documents({}) == 6
    code, status = await ask("GET", "/companies/company-1/status")
    assert code == 200
    assert bool(status["success"])
    assert status["errors"] == []
    assert status["sources"]["violations"]["rows"] == 6
    code, again = await ask("POST", "/companies/company-1/sync")
    assert code == 200
    assert {outcome["outcome"] for outcome in again["outcomes"].values()} == {"unchanged"}


async def test_app_says_what_is_stored_and_syncs_behind(ask, database):
    code, result = await ask("POST", "/companies/company-1/sync?wait=false")
    assert (code, result["success"], set(result["pending"]), result["outcomes"]) == (200, False, set(SOURCES), {})
    code, result = await ask("POST", "/companies/company-1/sync")  # shares what goes on
    assert (code, result["success"]) == (200, True)
    code, result = await ask("POST", "/companies/company-1/sync?wait=false")
    assert (code, result["success"], result["pending"], set(result["outcomes"])) == (200, True, [], set(SOURCES))


async def test_app_takes_a_company_by_its_object_id(ask, database):
    key, at = ObjectId(), datetime(2026, 11, 24, 6, tzinfo=UTC)
    status = {"lastRun": at, "success": True, "errors": []}
    await database["companies"].insert_one({"_id": key, "dotNumber": 11999, "fmcsaData": {"syncStatus": status}})
    code, found = await ask("GET", f"/companies/{key}/status")
    assert (code, found["success"], datetime.fromisoformat(found["lastRun"])) == (200, True, at)
    code, result = await ask("POST", f"/companies/{key}/sync")
    assert (code, result["company_id"], result["success"]) == (200, str(key), True)


async def test_app_refuses_what_it_cannot_sync(ask, database):
    await database["companies"].insert_one({"_id": "odd", "dotNumber": "n/a"})
    assert (await ask("GET", "/companies/nobody/status"))[0] == 404
    for company, code, kind in [("nobody", 404, "company_not_found"), ("odd", 422, "invalid_usdot")]:
        answered, result = await ask("POST", f"/companies/{company}/sync")
        assert (answered, result["success"], [error["kind"] for error in result["errors"]]) == (code, False, [kind])


async def test_apps_describe_themselves(monkeypatch):
    """FastAPI makes its schema from the library's result as it is."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from fastapi_app import app  # noqa: PLC0415

    assert {"CompanySyncResult", "SourceOutcome", "SourceFailure"} <= app.openapi()["components"]["schemas"].keys()
