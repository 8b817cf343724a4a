"""The orchestrator with fakes only: order, isolation, ownership, time, cancellation, and that nothing is ever raised."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import (
    Company,
    CompanySynced,
    Document,
    MalformedPayloadError,
    Orchestrator,
    Outcome,
    RepositoryError,
    RunFinished,
    RunStarted,
    SettingsError,
    SourceReport,
    SourceUnavailableError,
)
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def companies(count, **fields):
    return [{"_id": n, "name": f"Company {n}", "dotNumber": 100 + n, **fields} for n in range(count)]


def value(path, content=1):
    return lambda company: SourceReport(fields={path: content})


def raises(error):
    def fetch(company):
        raise error

    return fetch


def orchestrator(repository, *sources, **options):
    return Orchestrator(sources=sources, repository=repository, limiter=AsyncLimiter(10_000, 1), **options)


def status(repository, company_id=0):
    return repository.companies[company_id]["fmcsaData"]["syncStatus"]


async def test_the_longest_unattempted_go_first_one_at_a_time():
    running = 0

    async def fetch(company):
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        return SourceReport()

    ages = {0: None, 1: 3, 2: 9, 3: 1}
    stored = [
        company
        | (
            {"fmcsaData": {"syncStatus": {"lastRun": LONG_AGO - timedelta(days=ages[company["_id"]])}}}
            if ages[company["_id"]]
            else {}
        )
        for company in companies(4)
    ]
    source = FakeSource("one", fetch)
    repository = InMemoryRepository(stored)
    summary = await orchestrator(repository, source, batch_size=2).sync_all_companies()
    assert [company.id for company in source.asked] == [0, 2, 1, 3]
    assert (summary.total, summary.succeeded, summary.success, summary.stopped) == (4, 4, True, None)


class UnprintableError(Exception):
    def __str__(self):
        raise ValueError("no text for you")


class Odd(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "kind"),
    [(SourceUnavailableError("down"), "upstream_unavailable"), (MalformedPayloadError("odd"), "malformed"), (RuntimeError("bug"), "unexpected"),
     (UnprintableError(), "unexpected"), (Odd("base"), "unexpected"), (asyncio.CancelledError(), "unexpected"), (GeneratorExit(), "unexpected"),
     (TimeoutError("own"), "timeout"), (BaseExceptionGroup("g", [Odd()]), "unexpected"), (StopAsyncIteration(), "unexpected")],
)  # fmt: skip
async def test_a_source_that_raises_anything_fails_alone(error, kind, caplog):
    repository = InMemoryRepository(companies(2))
    good = [FakeSource("before", value("a.x")), FakeSource("after", value("b.x"))]
    summary = await orchestrator(repository, good[0], FakeSource("bad", raises(error)), good[1]).sync_all_companies()
    assert (summary.total, summary.failed) == (2, 2)
    assert summary.errors[0]["companyId"] == 0
    assert [(failure.source, failure.kind) for failure in summary.errors[0]["errors"]] == [("bad", kind)]
    stored = status(repository)
    assert {name: source["outcome"] for name, source in stored["sources"].items()} == {
        "before": "changed", "bad": "timed_out" if kind == "timeout" else "failed", "after": "changed",
    }  # fmt: skip
    assert stored["success"] is False
    assert "badLastSync" not in stored
    assert {"beforeLastSync", "afterLastSync"} <= stored.keys()
    assert ("Traceback" in caplog.text) is (kind == "unexpected")


@pytest.mark.parametrize("answer", [None, {}, "text", 5, [SourceReport()]])
async def test_a_source_of_the_wrong_type_fails_alone(answer):
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("bad", lambda _: answer), FakeSource("good", value("b"))).sync_company(0)
    assert (result.outcomes["bad"].outcome, result.outcomes["good"].outcome) == (Outcome.FAILED, Outcome.CHANGED)
    assert "not a SourceReport" in result.errors[0].error


async def test_a_source_that_hangs_is_cancelled_and_the_others_get_their_time():
    cancelled = asyncio.Event()

    async def hang(company):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    repository = InMemoryRepository(companies(1))
    result = await orchestrator(
        repository, FakeSource("bad", hang), FakeSource("good", value("b")), company_timeout_s=0.1
    ).sync_company(0)
    assert cancelled.is_set()
    assert (result.outcomes["bad"].outcome, result.outcomes["good"].outcome) == (Outcome.TIMED_OUT, Outcome.CHANGED)
    assert result.errors[0].kind == "timeout"


@pytest.mark.parametrize(
    "path",
    [
        "_id",
        "dotNumber",
        "name",
        "fmcsaData",
        "fmcsaData.syncStatus",
        "fmcsaData.syncStatus.success",
        "theirs",
        "theirs.x.y",
        "",
        "a..b",
        "$set",
        "a.$x",
        "a\0b",
        5,
    ],
)
@pytest.mark.parametrize("declared", [(), ("mine",)])
async def test_a_path_that_is_not_its_own_fails_the_source_and_is_not_written(path, declared):
    repository = InMemoryRepository(companies(1))
    before = dict(repository.companies[0])
    bad = FakeSource("bad", value(path, "stolen"), owns=declared)
    result = await orchestrator(repository, bad, FakeSource("other", value("theirs.x"), owns=("theirs",))).sync_company(0)
    assert result.outcomes["bad"].outcome is Outcome.FAILED
    assert "stolen" not in str(repository.companies[0])
    assert {key: repository.companies[0][key] for key in before} == before


async def test_two_values_at_one_path_are_refused():
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("s", lambda _: SourceReport(fields={"a": {}, "a.b": 1}))).sync_company(0)
    assert "twice" in result.errors[0].error


@pytest.mark.parametrize(
    "sources",
    [[FakeSource("a", value("x")), FakeSource("a", value("y"))], [FakeSource("a_b", value("x")), FakeSource("aB", value("y"))],
     [FakeSource("a", value("x"), owns=("p",)), FakeSource("b", value("y"), owns=("p.q",))], [FakeSource("a.b", value("x"))],
     [FakeSource("a", value("x"), owns=("fmcsaData.syncStatus.mine",))],
     [FakeSource("a", value("x"), collection="c"), FakeSource("b", value("y"), collection="c")]],
)  # fmt: skip
def test_sources_that_claim_one_thing_are_refused_at_once(sources):
    with pytest.raises(SettingsError):
        orchestrator(InMemoryRepository(), *sources)


async def test_a_later_source_sees_the_company_as_earlier_ones_left_it():
    seen = []

    def look(company):
        seen.append(company.document["score"]["value"])
        return SourceReport()

    repository = InMemoryRepository(companies(1, score={"value": 1, "own": "kept"}))
    await orchestrator(repository, FakeSource("first", value("score.value", 2)), FakeSource("second", look)).sync_company(0)
    assert seen == [2]
    assert repository.companies[0]["score"] == {"value": 2, "own": "kept"}


async def test_changed_then_unchanged_with_honest_stamps():
    repository = InMemoryRepository(companies(1))
    sync = orchestrator(repository, FakeSource("s", lambda _: SourceReport(fields={"a": 1}, documents=[Document("1", {"n": 1})])))
    first = await sync.sync_company(0)
    after_first = status(repository)["sources"]["s"]
    second = await sync.sync_company(0)
    after_second = status(repository)["sources"]["s"]
    assert (first.outcomes["s"].outcome, first.outcomes["s"].written) == (Outcome.CHANGED, 1)
    assert (second.outcomes["s"].outcome, second.outcomes["s"].written) == (Outcome.UNCHANGED, 0)
    assert after_second["lastChanged"] == after_first["lastChanged"] <= after_second["lastSuccess"]
    assert repository.current_rows("fmcsaS", 0)[0]["n"] == 1


async def test_a_failure_keeps_data_and_stamps_of_the_last_success():
    repository = InMemoryRepository(companies(1))
    good = FakeSource("s", lambda _: SourceReport(fields={"a": 1}, documents=[Document("1", {"n": 1})]))
    await orchestrator(repository, good).sync_company(0)
    before, stamp = repository.companies[0], status(repository)["sLastSync"]
    await orchestrator(repository, FakeSource("s", raises(SourceUnavailableError("down")))).sync_company(0)
    assert repository.companies[0]["a"] == before["a"]
    assert len(repository.current_rows("fmcsaS", 0)) == 1
    assert status(repository)["sLastSync"] == stamp == status(repository)["sources"]["s"]["lastSuccess"]
    assert (status(repository)["sources"]["s"]["outcome"], status(repository)["success"]) == ("failed", False)
    assert status(repository)["errors"][0]["kind"] == "upstream_unavailable"
    await orchestrator(repository, good).sync_company(0)
    assert (status(repository)["errors"], status(repository)["success"]) == ([], True)


async def test_what_is_incomplete_is_stored_and_told():
    report = SourceReport(fields={"a": 1}, version="v", incomplete=SourceUnavailableError("second half"))
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("s", lambda _: report)).sync_company(0)
    assert (result.success, repository.companies[0]["a"], result.errors[0].kind) == (False, 1, "upstream_unavailable")
    assert "sLastSync" not in status(repository)
    assert status(repository)["sources"]["s"]["version"] is None


@pytest.mark.parametrize("number", ["abc", "123456789", -5, 1.5, [], {"$gt": ""}])
async def test_a_bad_number_is_that_companys_error_and_no_request(number):
    source = FakeSource("s", value("a"))
    repository = InMemoryRepository([*companies(1), {"_id": 9, "dotNumber": number}])
    summary = await orchestrator(repository, source).sync_all_companies()
    assert [company.id for company in source.asked] == [0]
    assert (summary.succeeded, summary.failed, summary.errors[0]["errors"][0].kind) == (1, 1, "invalid_usdot")
    assert status(repository, 9)["errors"][0]["kind"] == "invalid_usdot"
    single = await orchestrator(repository, source).sync_company(9)
    assert (single.success, single.errors[0].kind, len(source.asked)) == (False, "invalid_usdot", 1)


@pytest.mark.parametrize("company_id", ["nope", {"$gt": ""}, [], None, 1.5, object()])
async def test_an_unknown_company_is_a_result(company_id):
    repository = InMemoryRepository(companies(1))
    result = await orchestrator(repository, FakeSource("s", value("a"))).sync_company(company_id)
    assert (result.success, [error.kind for error in result.errors]) == (False, ["company_not_found"])
    assert repository.saves == 0
    assert result.as_dict()["success"] is False


@pytest.mark.parametrize(("broken", "repaired"), [(None, True), ([], False), ("text", False), ([1, 2], False)])
async def test_a_broken_company_document_never_stops_the_run(broken, repaired):
    repository = InMemoryRepository([{"_id": 9, "dotNumber": 9, "fmcsaData": broken}, *companies(2)])
    summary = await orchestrator(repository, FakeSource("s", value("fmcsaData.s")), batch_size=1).sync_all_companies()
    assert (summary.total, summary.failed) == (3, 0 if repaired else 1)
    if repaired:
        assert repository.companies[9]["fmcsaData"]["s"] == 1
    else:
        assert repository.companies[9]["fmcsaData"] == broken
        assert "fmcsaData is of type" in summary.errors[0]["errors"][0].error


async def test_a_run_ends_at_its_deadline_and_the_next_carries_on():
    async def fetch(company):
        if company.id == 2:
            await asyncio.Event().wait()
        return SourceReport()

    repository = InMemoryRepository(companies(5))
    summary = await orchestrator(repository, FakeSource("s", fetch), batch_size=1).sync_all_companies(deadline_s=0.1)
    assert (summary.stopped, summary.success, summary.total) == ("deadline", False, 2)
    later = FakeSource("s", lambda _: SourceReport())
    await orchestrator(repository, later).sync_all_companies()
    assert [company.id for company in later.asked] == [2, 3, 4, 0, 1]


async def test_a_handlers_time_is_kept():
    async def hang(company):
        await asyncio.Event().wait()

    repository = InMemoryRepository(companies(1))
    sync = orchestrator(repository, FakeSource("bad", hang), FakeSource("good", value("b")))
    result = await sync.sync_company(0, timeout_s=0.1)
    assert (result.outcomes["bad"].outcome, result.outcomes["good"].outcome) == (Outcome.TIMED_OUT, Outcome.CHANGED)

    async def slow_store(*_):
        await asyncio.Event().wait()

    repository.find_company = slow_store
    result = await sync.sync_company(0, timeout_s=0.05)
    assert (result.success, result.errors[0].kind) == (False, "timeout")


async def test_cancellation_passes_and_leaves_the_old_status():
    started = asyncio.Event()

    async def hang(company):
        started.set()
        await asyncio.Event().wait()

    repository = InMemoryRepository(companies(1))
    for call in (lambda o: o.sync_all_companies(), lambda o: o.sync_company(0)):
        task = asyncio.create_task(call(orchestrator(repository, FakeSource("s", hang))))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(status(repository)) == ["lease"]
        assert status(repository)["lease"]["owner"] is None
        started.clear()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_interpreters_exit_passes(error):
    async def main():
        await orchestrator(InMemoryRepository(companies(1)), FakeSource("s", raises(error()))).sync_all_companies()

    with pytest.raises(error):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "stopped"),
    [
        ("prepare", "could_not_run"),
        ("count_due", "could_not_run"),
        ("take_due", "database"),
        ("store_rows", "database"),
        ("save", "database"),
    ],
)
@pytest.mark.parametrize(("error", "kind"), [(RepositoryError("down"), "database"), (RuntimeError("driver bug"), "unexpected")])
async def test_a_store_that_breaks_stops_the_run_with_a_result(method, stopped, error, kind):
    async def broken(*_):
        raise error

    repository = InMemoryRepository(companies(3))
    setattr(repository, method, broken)
    source = FakeSource("s", lambda _: SourceReport(documents=[Document("1", {})]))
    summary = await orchestrator(repository, source).sync_all_companies()
    if method == "store_rows" and kind == "unexpected":
        assert (summary.failed, summary.stopped) == (3, None)  # a source's rows may be at fault: isolated like the source
        return
    assert summary.stopped == (stopped if kind == "database" or stopped == "could_not_run" else "error")
    assert summary.errors[-1]["companyId"] is None
    assert summary.errors[-1]["errors"][0].kind == kind
    if method not in {"take_due", "count_due"}:
        result = await orchestrator(repository, source).sync_company(0)
        assert (result.success, result.errors[0].kind) == (False, kind)


async def test_a_store_that_saves_nothing_does_not_loop_for_ever():
    async def forget(updates):
        return {}

    repository = InMemoryRepository(companies(3))
    repository.save = forget
    source = FakeSource("s", lambda _: SourceReport())
    await orchestrator(repository, source, batch_size=2).sync_all_companies()
    assert len(source.asked) <= 4


async def test_a_company_deleted_during_its_sync_is_skipped():
    repository = InMemoryRepository(companies(2))

    def delete(company):
        repository.companies.pop(0, None)
        return SourceReport()

    summary = await orchestrator(repository, FakeSource("s", delete)).sync_all_companies()
    assert (summary.total, summary.succeeded, summary.skipped, summary.success) == (2, 1, 1, True)


async def test_events_tell_the_run_and_a_bad_listener_is_harmless(caplog):
    seen = []

    async def listen(event):
        seen.append(type(event))
        raise RuntimeError("listener bug")

    repository = InMemoryRepository(companies(2))
    summary = await orchestrator(repository, FakeSource("s", value("a")), on_event=seen.append).sync_all_companies(
        on_event=listen
    )
    assert summary.success
    kinds = [event for event in seen if isinstance(event, type)]
    assert (kinds[0], kinds.count(CompanySynced), kinds[-1]) == (RunStarted, 2, RunFinished)
    assert "listener_failed" in caplog.text


async def test_every_call_into_a_source_passes_the_limiter():
    class Counting(AsyncLimiter):
        acquired = 0

        async def acquire(self, amount=1):
            self.acquired += 1

    limiter = Counting(1, 1)
    sources = [FakeSource("a", value("x")), FakeSource("b", value("y"))]
    await Orchestrator(sources=sources, repository=InMemoryRepository(companies(3)), limiter=limiter).sync_all_companies()
    assert limiter.acquired == 6


async def test_no_secret_reaches_log_result_or_document(caplog):
    secret = "k3y-of-kings"
    error = RuntimeError(f"GET https://x/y?webKey={secret} failed; mongodb://u:{secret}@h")
    repository = InMemoryRepository(companies(1))
    summary = await orchestrator(repository, FakeSource("s", raises(error)), secrets=(secret,)).sync_all_companies()
    assert secret not in caplog.text + str(summary.as_dict()) + str(repository.companies)
    assert "Traceback" in caplog.text


async def test_messages_and_lists_are_bounded():
    repository = InMemoryRepository(companies(1_200))
    summary = await orchestrator(repository, FakeSource("s", raises(SourceUnavailableError("x" * 10_000)))).sync_all_companies()
    assert (summary.failed, len(summary.errors)) == (1_200, 1_000)
    assert len(status(repository)["errors"][0]["error"]) == 500


def test_a_result_reads_as_attributes_and_keys():
    company = Company(1, 7)
    assert company.stored_rows("x") == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [({"fetch": None}, "no method fetch"), ({"owns": "insurance"}, "make it a tuple"), ({"owns": ("a.b",)}, "other declares a")],
)
def test_a_source_that_cannot_work_is_refused_at_the_opening_and_named(change, told):
    class Mine:
        name = "mine"
        owns = ("mine",)

        async def fetch(self, company):
            return SourceReport()

    source = Mine()
    for name, value_ in change.items():
        setattr(source, name, value_)
    with pytest.raises(SettingsError, match=f"mine .*{told}"):
        orchestrator(InMemoryRepository(), source, FakeSource("other", value("a"), owns=["a"]))


async def test_a_row_id_that_is_no_text_is_told_as_such():
    repository = InMemoryRepository(companies(1))
    source = FakeSource("s", lambda _: SourceReport(documents=[Document(5, {})]))
    summary = await orchestrator(repository, source).sync_all_companies()
    assert "a row's id must be text, not int" in summary.errors[0]["errors"][0].error
