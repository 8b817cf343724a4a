"""MongoDB that dies, comes back, loses an answer: the result says so, nothing is raised, and the next run mends all."""

from itertools import count

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Document, MongoCompanyRepository, Orchestrator, SourceReport
from fmcsa_orchestrator.model.events import CompanyStarted
from fmcsa_orchestrator.testing import Fleet
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.backends import open_backend
from tests.support.equality import differences
from tests.support.failing import Failing, Plan
from tests.support.real_store import KINDS
from tests.support.world import answered, open_world, run_out, status_of


def orchestrator(database, number):
    def report(_):
        documents = [Document(f"{row}", {"n": number}) for row in range(number, number + 2)]
        return SourceReport(fields={"n": number}, documents=documents)

    return Orchestrator(
        sources=[FakeSource("s", report)], repository=MongoCompanyRepository(database), limiter=AsyncLimiter(10_000, 1)
    )


async def mixed(backend, number):
    """Companies whose fields and status do not go together, and, once all is `number`, those that are not there yet."""
    found = []
    for key in (1, 2):
        company = await backend.company(key)
        status = company.get("fmcsaData", {}).get("syncStatus", {})
        rows = {row["_id"]: row["n"] for row in await backend.rows("fmcsaS") if row["companyId"] == key and row["current"]}
        if ("n" in company) != ("lastRun" in status):
            found.append(company)
        if company.get("n") == number and rows != {f"{key}:{row}": number for row in range(number, number + 2)}:
            found.append((company, rows))
    return found


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("how", [{}, {"done_first": True}, {"lasting": True}], ids=["lost", "answer lost", "down from then on"])
@pytest.mark.parametrize(
    ("kind", "stride"), [("mongomock", 1), ("wire-motor", 4), ("wire-pymongo", 4), *((kind, 4) for kind in KINDS)]
)
@pytest.mark.parametrize("what", ["run", "handler"])
async def test_at_every_call_to_mongodb(wire_uri, kind, stride, how, what):
    async with open_backend(kind, wire_uri) as backend:
        await backend.add(*({"_id": key, "name": f"C{key}", "dotNumber": 100 + key} for key in (1, 2)))
        for number, at in enumerate(count(0, stride), 1):
            plan = Plan(at, **how)
            failing = orchestrator(Failing(backend.database, plan), number)
            if what == "run":
                summary = await failing.sync_all_companies()
                told = summary.stopped in {"database", "could_not_run", None}
                told = told and (summary.stopped is not None or summary.succeeded + summary.skipped + summary.failed == 2)
            else:
                result = await failing.sync_company(1)
                told = result.success or {error.kind for error in result.errors} <= {"database"}
            assert told, (at, plan.calls)
            assert not await mixed(backend, number), (at, plan.calls)
            if not plan.has_failed:
                break
            plan.is_over = True
            await run_out(backend.database)
            assert (await failing.sync_all_companies()).success, (at, plan.calls)
            assert not await mixed(backend, number)
            assert [(await backend.company(key))["n"] for key in (1, 2)] == [number] * 2
        assert at > 6


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
@pytest.mark.parametrize("back_at_once", [False, True], ids=["stays away", "back at once"])
async def test_killed_in_the_middle_of_a_run(driver, back_at_once):
    async with (
        EmbeddedStore() as store,
        open_world(driver, f"{store.uri}/?serverSelectionTimeoutMS=250", fleet=Fleet.uniform(8), batch_size=4) as world,
    ):
        assert (await world.orchestrator.sync_all_companies()).success
        for at in (3,):
            world.upstream.publish(changed=1.0)
            started = []

            async def kill(event, at=at, started=started):
                if isinstance(event, CompanyStarted):
                    started.append(event)
                    if len(started) == at + 1:
                        await store.kill()
                        if back_at_once:
                            await store.start()

            summary = await world.orchestrator.sync_all_companies(on_event=kill)
            assert summary.stopped in ({"database", None} if back_at_once else {"database"})
            assert len(started) > at
            if not back_at_once:
                again = await world.orchestrator.sync_all_companies()
                assert (again.stopped, again.errors[0]["errors"][0].kind) == ("could_not_run", "database")
                handler = await world.orchestrator.sync_company(world.fleet.usdots[0])
                assert [error.kind for error in handler.errors] == ["database"]
                await store.start()
            await answered(world.database)
            await run_out(world.database)
            assert (await world.orchestrator.sync_all_companies()).success
            assert await differences(world) == []
            assert all(status_of(company)["success"] is True for company in await world.companies())
