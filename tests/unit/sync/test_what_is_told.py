"""What results, logs and documents say: bounded, without secrets, and to listeners whatever they do."""

import pytest
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
from tests.support.hidden import HIDDEN, hidden_in
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


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "bug"])
async def test_what_nobody_sees_reaches_no_message_and_no_log(caplog, ours):
    """A line end in a message would forge a line of the log, an escape sequence repaint the terminal that shows it."""
    said = f"it says {HIDDEN}2026-01-01 ERROR forged"
    error = SourceUnavailableError(said) if ours else RuntimeError(said)
    repository = InMemoryRepository([{"_id": f"1{HIDDEN}", "dotNumber": 1}])
    sources = [FakeSource("s", raises(error)), FakeSource("t", lambda company: SourceReport(message=said))]
    summary = await orchestrator(repository, *sources).sync_all_companies()
    [entry] = summary.errors
    found = repository.companies[f"1{HIDDEN}"]["fmcsaData"]["syncStatus"]
    texts = [entry["errors"][0].error, found["errors"][0]["error"], *(source["message"] for source in found["sources"].values())]
    assert ["forged" in text for text in texts] == [True] * 4
    assert not hidden_in("".join(texts))
    [record] = [record for record in caplog.records if record.event == "sync_failed"]
    first, _, details = record.getMessage().partition("\n")
    assert "forged" in first
    assert ours is not details.startswith("Traceback")
    assert not hidden_in(first + details, but="\n")
    assert not hidden_in("".join(map(str, record.fields.values())))
