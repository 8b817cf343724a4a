"""Where nothing has changed nothing is written, but once a day; what a run has found for all is kept once, and shown for each."""

from datetime import UTC, datetime, timedelta

import pytest

from fmcsa_orchestrator import Outcome, SourceReport
from fmcsa_orchestrator.model.status import STATUS, Verified
from fmcsa_orchestrator.report.read import read_company, read_fleet
from fmcsa_orchestrator.storage.fleet_status import State
from fmcsa_orchestrator.testing.fakes import FakeSource
from tests.support.status_samples import SOURCES
from tests.support.syncs import companies, orchestrator

FLEET = 450  # over two windows, and two more of those that are alike


class Files(FakeSource):
    """A batch source of monthly files."""

    batch_size = 200

    def __init__(self, name="files", version="v1"):
        super().__init__(name, lambda company: SourceReport(fields={name: self.at}, version=self.at), owns=[name])
        self.at = version

    async def fetch_many(self, companies):
        return {company.usdot: await self.fetch(company) for company in companies}

    async def version(self):
        return self.at


def counted(repository):
    """The updates that are saved from now on, by company."""
    saved, save = [], repository.save

    async def noted(updates):
        saved.extend(update.company_id for update in updates)
        return await save(updates)

    repository.save = noted
    return saved


async def set_last_run(backend, ids, at):
    for key in ids:
        if backend.database is None:
            status = backend.repository.companies[key]["fmcsaData"]["syncStatus"]
            status["lastRun"] = at
        else:
            await backend.database["companies"].update_one({"_id": key}, {"$set": {f"{STATUS}.lastRun": at}})


async def test_the_third_look_writes_nothing_and_each_company_is_still_looked_at(backend):
    await backend.add(*companies(FLEET))
    source = Files()
    sync = orchestrator(backend.repository, source)
    assert (await sync.sync_all_companies()).outcomes["files"] == {"changed": FLEET}
    saved = counted(backend.repository)
    for written in (FLEET, 0, 0):  # changed -> unchanged is something new to say
        saved.clear()
        summary = await sync.sync_all_companies()
        assert (summary.total, summary.succeeded, summary.outcomes["files"]) == (FLEET, FLEET, {"unchanged": FLEET})
        assert len(saved) == written
    assert len(source.asked) == FLEET


async def test_what_changes_among_many_that_do_not_is_written(backend):
    await backend.add(*companies(FLEET))
    source = Files()
    sync = orchestrator(backend.repository, source)
    for _ in range(2):
        assert (await sync.sync_all_companies()).success
    saved = counted(backend.repository)
    if backend.database is None:
        backend.repository.companies[300]["dotNumber"] = 999
    else:
        await backend.database["companies"].update_one({"_id": 300}, {"$set": {"dotNumber": 999}})
    if backend.database is not None:
        await backend.add({"_id": "new", "dotNumber": 77})
    summary = await sync.sync_all_companies()
    assert summary.success
    assert set(saved) == {300} | ({"new"} if backend.database is not None else set())
    source.at = "v2"
    saved.clear()
    assert (await sync.sync_all_companies()).outcomes["files"] == {"changed": summary.total}
    assert len(saved) == summary.total


async def test_once_a_day_all_of_it_is_written(backend):
    await backend.add(*companies(6))
    sync = orchestrator(backend.repository, Files())
    for _ in range(2):
        await sync.sync_all_companies()
    await set_last_run(backend, [2, 4], datetime.now(UTC) - timedelta(hours=25))
    saved = counted(backend.repository)
    assert (await sync.sync_all_companies()).total == 6
    assert set(saved) == {2, 4}


async def test_a_time_that_is_still_to_come_is_mended(backend):
    """Left by a wrong clock: else it would stand until then."""
    await backend.add(*companies(3))
    sync = orchestrator(backend.repository, Files())
    for _ in range(2):
        await sync.sync_all_companies()
    await set_last_run(backend, [1], datetime.now(UTC) + timedelta(days=30))
    saved = counted(backend.repository)
    assert (await sync.sync_all_companies()).total == 3
    assert saved == [1]


async def test_a_status_is_written_twice_before_it_would_be_stale(backend):
    await backend.add(*companies(2))
    sync = orchestrator(backend.repository, Files(), stale_after_h=2)
    for _ in range(2):
        await sync.sync_all_companies()
    await set_last_run(backend, [1], datetime.now(UTC) - timedelta(minutes=61))
    saved = counted(backend.repository)
    await sync.sync_all_companies()
    assert saved == [1]


async def test_one_that_fails_is_written_each_time(backend):
    class Failing(Files):
        async def fetch_many(self, companies):
            raise ValueError("no")

    await backend.add(*companies(3))
    sync = orchestrator(backend.repository, Failing())
    for _ in range(3):
        saved = counted(backend.repository)
        assert (await sync.sync_all_companies()).failed == 3
        assert len(saved) == 3


async def test_what_a_run_found_for_all_is_kept_once_and_shown_for_each(backend):
    if backend.database is None:
        pytest.skip("the status is shown from MongoDB")
    await backend.add(*companies(5))
    sync = orchestrator(backend.repository, Files("csa_scores"))
    for _ in range(2):
        await sync.sync_all_companies()
    long_ago = datetime.now(UTC) - timedelta(hours=10)
    times = {f"{STATUS}.lastRun": long_ago, f"{STATUS}.sources.csa_scores.lastSuccess": long_ago}
    await backend.database["companies"].update_many({}, {"$set": times})
    await backend.database["companies"].update_one({"_id": 3}, {"$set": {f"{STATUS}.sources.csa_scores.version": "v0"}})
    facts = await backend.repository.last_run()
    assert facts["verified"]["csa_scores"]["version"] == "v1"
    overview = await read_fleet(backend.database, "companies", SOURCES, limit=10, stale_after_h=5)
    assert overview.fleet.states.by_state() == {State.FRESH: 4, State.STALE: 1, State.FAILING: 0, State.NEVER: 0}
    (source,) = [counts for counts in overview.fleet.sources if counts.name == "csa_scores"]
    assert source.states.by_state() == overview.fleet.states.by_state()
    by_id = {view.id: view for view in overview.companies}
    at = Verified.of(facts).at
    assert {key: (view.state, view.last_run > long_ago) for key, view in by_id.items()} == {
        key: (State.STALE, False) if key == 3 else (State.FRESH, True) for key in range(5)
    }
    one = (await read_company(backend.database, "companies", "1", SOURCES, stale_after_h=5)).companies[0]
    assert (one.last_run, one.sources[0].last_success, one.state) == (at, at, State.FRESH)


async def test_what_an_earlier_run_has_found_is_kept_when_the_next_learns_nothing(backend):
    await backend.add(*companies(2))
    await orchestrator(backend.repository, Files()).sync_all_companies()
    before = await backend.repository.last_run()
    await orchestrator(
        backend.repository, FakeSource("other", lambda _: SourceReport(outcome=Outcome.NOT_FOUND))
    ).sync_all_companies()
    after = await backend.repository.last_run()
    assert (after["verified"], after["startedAt"] > before["startedAt"]) == (before["verified"], True)


@pytest.mark.parametrize(
    "facts", [None, {}, {"verified": None}, {"verified": {"a": 7}}, {"verified": {"a": {"version": 1, "at": "x"}}}]
)
def test_whatever_lies_there_verifies_nothing(facts):
    verified = Verified.of(facts)
    assert (verified.at, verified.holds_of("a", {"version": 1}), verified.holds_of_all({})) == (None, False, False)


async def test_a_fleet_in_which_nothing_changes_is_left_as_it_is(backend):
    """Not a field of any document differs, so that who watches the collection hears of nothing."""
    if backend.database is None:
        pytest.skip("of documents in a database")
    await backend.add(*companies(300))
    sync = orchestrator(backend.repository, Files())
    for _ in range(2):
        await sync.sync_all_companies()
    before = await backend.database["companies"].find({}, {STATUS: 1}).to_list(None)
    assert (await sync.sync_all_companies()).succeeded == 300
    assert await backend.database["companies"].find({}, {STATUS: 1}).to_list(None) == before
