"""The breaker: when a source is no longer asked in a run, what its companies get, and how it comes back."""

import pytest
from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import (
    AuthError,
    MalformedPayloadError,
    Orchestrator,
    Outcome,
    RateLimitedError,
    RequestRejectedError,
    SourceReport,
    SourceTimeoutError,
    SourceUnavailableError,
)
from fmcsa_orchestrator.sync.guard.circuit_breaker import FAILURES_IN_A_ROW, PROBE_S, Breakers
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository

DOWN = SourceUnavailableError("the portal is down")


def fault(error):
    return Isolation().failure("s", error)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("error", [DOWN, SourceTimeoutError("slow"), RateLimitedError("too often")])
def test_so_many_failures_of_the_upstream_in_a_row_open_it(error):
    breaker = Breakers().of("s")
    for _ in range(FAILURES_IN_A_ROW):
        assert breaker.refusal() is None
        breaker.learn(fault(error))
    refusal = breaker.refusal()
    assert (refusal.outcome, refusal.kind) == (Outcome.UNAVAILABLE, error.kind)
    assert str(error) in refusal.error


@pytest.mark.parametrize("between", [None, RequestRejectedError("our query"), MalformedPayloadError("this carrier")])
def test_an_answer_of_whatever_kind_starts_the_count_anew(between):
    breaker = Breakers().of("s")
    for _ in range(3):
        for _ in range(FAILURES_IN_A_ROW - 1):
            breaker.learn(fault(DOWN))
        breaker.learn(None if between is None else fault(between))
    assert breaker.refusal() is None


def test_a_probe_now_and_then_decides():
    clock = Clock()
    breakers = Breakers(clock)
    breaker = breakers.of("s")
    for _ in range(FAILURES_IN_A_ROW):
        breaker.learn(fault(DOWN))
    assert breaker.refusal() is not None
    clock.now += PROBE_S
    assert breaker.refusal() is None  # the probe
    assert breaker.refusal() is not None  # only one
    breaker.learn(fault(DOWN))
    assert breaker.refusal() is not None
    clock.now += PROBE_S
    assert breaker.refusal() is None
    breaker.learn(None)
    assert breaker.refusal() is None
    assert [opened.source for opened in breakers.by_name.values() if opened.summary()] == ["s"]


def test_a_key_that_is_refused_is_not_probed():
    clock = Clock()
    breaker = Breakers(clock).of("s")
    breaker.learn(fault(AuthError("bad key")))
    clock.now += 100 * PROBE_S
    assert breaker.refusal() is not None


async def test_the_rest_of_a_run_is_not_asked_and_other_sources_go_on():
    def down(_):
        raise DOWN

    repository = InMemoryRepository([{"_id": n, "dotNumber": 100 + n} for n in range(20)])
    bad, good = FakeSource("bad", down), FakeSource("good", lambda _: SourceReport(fields={"good": 1}))
    sync = Orchestrator(sources=[bad, good], repository=repository, limiter=AsyncLimiter(10_000, 1))
    summary = await sync.sync_all_companies()
    assert (len(bad.asked), len(good.asked), summary.failed) == (FAILURES_IN_A_ROW, 20, 20)
    assert summary.outcomes == {
        "bad": {"failed": FAILURES_IN_A_ROW, "unavailable": 20 - FAILURES_IN_A_ROW},
        "good": {"changed": 20},
    }
    run_errors = [entry for entry in summary.errors if entry["companyId"] is None]
    assert [failure.source for entry in run_errors for failure in entry["errors"]] == ["bad"]
    assert "not asked for 15 times" in run_errors[0]["errors"][0].error
    last = repository.companies[19]["fmcsaData"]["syncStatus"]
    assert (last["success"], last["errors"][0]["kind"], last["sources"]["bad"]["outcome"]) == (
        False,
        "upstream_unavailable",
        "unavailable",
    )
    assert "lastSuccess" not in last["sources"]["bad"]
    bad.asked.clear()
    await sync.sync_all_companies()
    assert len(bad.asked) == FAILURES_IN_A_ROW  # a new run asks anew
