"""Properties of the status, against a model of what happened."""

import itertools
from datetime import UTC, datetime, timedelta

import bson
from bson import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Company, Outcome, SourceOutcome, UsdotNumber
from fmcsa_orchestrator.model.documents import dig, settable, with_values
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.storage.sync_status import camel_case, status_update
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from tests.support.strategies import often

START = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def as_stored(document):
    return bson.decode(bson.encode(document), CodecOptions(tz_aware=True))


SOURCES = ("csa_scores", "violations", "own")
reports = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(Outcome),
        "changed": st.booleans(),
        "version": st.sampled_from(["v1", "v2", None]),
        "rows": st.none() | st.integers(0, 9),
        "data_as_of": st.none() | st.just(START),
        "error": st.text(st.characters(), max_size=20) | st.just("x" * 2_000) | st.just("\ud800" * 600),
    }
).filter(lambda report: not (report["changed"] and report["outcome"] is Outcome.SKIPPED))
syncs = st.lists(st.tuples(st.dictionaries(st.sampled_from(SOURCES), reports), st.sampled_from([7, 8])), max_size=6)


@often
@given(syncs)
def test_the_status_never_says_more_than_what_happened(history):
    document, last_success, holds, at = {"_id": 1}, {}, {}, START
    for sources, usdot in history:
        at += DAY
        outcomes, failures = [], []
        for source, report in sources.items():
            facts = {name: value for name, value in report.items() if name != "error"}
            outcomes.append(SourceOutcome(source=source, **facts))
            if report["outcome"].is_failure:
                failures.append(Isolation().failure(source, ValueError(report["error"])))
                holds[source] = (None, None) if report["changed"] else holds.get(source, (None, None))
            elif report["outcome"] is not Outcome.SKIPPED:
                last_success[source], holds[source] = at, (report["version"], usdot)
        document = with_values(document, settable(document, status_update(outcomes, failures, at, usdot)))
        status = dig(as_stored(document), STATUS)
        assert (status["lastRun"], status["success"]) == (at, not failures)
        assert [error["source"] for error in status["errors"]] == [failure.source for failure in failures]
        assert all(len(error["error"]) <= 500 for error in status["errors"])
        for source in SOURCES:
            stored = dig(status, f"sources.{source}") or {}
            assert stored.get("lastSuccess") == status.get(f"{camel_case(source)}LastSync") == last_success.get(source)
            assert not stored or stored["lastAttempt"] >= stored.get("lastSuccess", START)
            assert source not in sources or (stored["lastAttempt"], stored["outcome"]) == (at, sources[source]["outcome"].value)
            for number, version in itertools.product((7, 8), ("v1", "v2", None)):
                company = Company(1, UsdotNumber(number), None, document)
                expected = version is not None and holds.get(source) == (version, number)
                assert company.status.is_current(source, version, number) is expected
