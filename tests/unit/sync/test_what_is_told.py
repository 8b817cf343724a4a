"""What results, logs and documents say: bounded, without secrets, and to listeners whatever they do."""

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import (
    CompanySynced,
    Orchestrator,
    RunFinished,
    RunStarted,
    SourceReport,
    SourceUnavailableError,
)
from fmcsa_orchestrator.model.results import MESSAGE_LIMIT
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.syncs import companies, orchestrator, raises, status, value

WEB_KEY = "s3cret-web-key"


async def test_what_a_source_says_is_bounded_and_without_secrets():
    def fetch(company):
        if company.id == 1:
            return SourceReport(message=f"key {WEB_KEY} " + "x" * 10_000)
        if company.id == 2:
            return SourceReport(version="v" * 501)
        raise RuntimeError(f"{WEB_KEY} " * 5_000)

    repository = InMemoryRepository([{"_id": n, "dotNumber": n, "name": "n" * 10_000} for n in (1, 2, 3)])
    sync = Orchestrator(
        sources=[FakeSource("s", fetch)], repository=repository, limiter=AsyncLimiter(1_000, 1), secrets=(WEB_KEY,)
    )
    summary = await sync.sync_all_companies()
    assert summary.failed == 2
    assert WEB_KEY not in str(repository.companies) + str(summary.as_dict())
    texts = [
        status["message"]
        for company in repository.companies.values()
        for status in company["fmcsaData"]["syncStatus"]["sources"].values()
    ]
    texts += [
        error["error"] for company in repository.companies.values() for error in company["fmcsaData"]["syncStatus"]["errors"]
    ]
    assert max(len(text) for text in texts if text) == MESSAGE_LIMIT
    assert all(len(str(company["fmcsaData"])) < 5_000 for company in repository.companies.values())
    assert all(len(entry["name"]) == 200 for entry in summary.errors)


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
