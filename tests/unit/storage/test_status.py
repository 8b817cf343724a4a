"""The `syncStatus` of a company: which stamps move, and what counts as current."""

from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator import Company, Outcome, SettingsError, SourceFailure, SourceOutcome, UsdotNumber
from fmcsa_orchestrator.model.status import STATUS
from fmcsa_orchestrator.storage.sync_status import camel_case, check_name, status_update

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
AS_OF = datetime(2026, 11, 12, tzinfo=UTC)


def outcome(**facts):
    return SourceOutcome(**({"source": "csa_scores", "outcome": Outcome.CHANGED} | facts))


def test_a_success_moves_every_stamp():
    update = status_update([outcome(changed=True, rows=1, data_as_of=AS_OF, version="v1")], [], NOW, 7)
    path = f"{STATUS}.sources.csa_scores"
    assert update == {
        f"{STATUS}.lastRun": NOW,
        f"{STATUS}.success": True,
        f"{STATUS}.errors": [],
        f"{STATUS}.csaScoresLastSync": NOW,
        f"{path}.outcome": "changed",
        f"{path}.lastAttempt": NOW,
        f"{path}.lastSuccess": NOW,
        f"{path}.lastChanged": NOW,
        f"{path}.message": None,
        f"{path}.version": "v1",
        f"{path}.usdot": 7,
        f"{path}.rows": 1,
        f"{path}.dataAsOf": AS_OF,
    }


@pytest.mark.parametrize("bad", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.UNAVAILABLE])
def test_a_failure_moves_only_the_attempt(bad):
    failure = SourceFailure(source="csa_scores", error="down", kind="upstream_unavailable", timestamp=NOW)
    update = status_update([outcome(outcome=bad, message="down")], [failure], NOW, 7)
    path = f"{STATUS}.sources.csa_scores"
    assert {key for key in update if key.startswith(path)} == {f"{path}.outcome", f"{path}.lastAttempt", f"{path}.message"}
    assert f"{STATUS}.csaScoresLastSync" not in update
    assert update[f"{STATUS}.success"] is False
    assert update[f"{STATUS}.errors"] == [
        {"source": "csa_scores", "error": "down", "kind": "upstream_unavailable", "timestamp": NOW}
    ]


@pytest.mark.parametrize("good", [Outcome.UNCHANGED, Outcome.NOT_FOUND, Outcome.NOT_PUBLISHED])
def test_unchanged_and_absent_are_successes_without_a_change(good):
    update = status_update([outcome(outcome=good, version="v1")], [], NOW, 7)
    path = f"{STATUS}.sources.csa_scores"
    assert update[f"{STATUS}.success"] is True
    assert update[f"{STATUS}.csaScoresLastSync"] == update[f"{path}.lastSuccess"] == NOW
    assert f"{path}.lastChanged" not in update
    assert f"{path}.dataAsOf" not in update


def test_what_was_stored_in_part_no_longer_stands_for_a_version():
    failure = SourceFailure(source="csa_scores", error="key", kind="auth", timestamp=NOW)
    update = status_update([outcome(outcome=Outcome.FAILED, changed=True, version="v1")], [failure], NOW, 7)
    assert update[f"{STATUS}.sources.csa_scores.version"] is None


def test_current_means_this_version_for_this_number():
    document = {"fmcsaData": {"syncStatus": {"sources": {"s": {"version": "v1", "usdot": 7}}}}}
    company = Company(1, UsdotNumber(7), None, document)
    assert company.status.is_current("s", "v1", 7)
    assert not company.status.is_current("s", "v2", 7)
    assert not company.status.is_current("s", None, 7)
    assert not company.status.is_current("other", "v1", 7)
    assert not Company(1, UsdotNumber(8), None, document).status.is_current("s", "v1", 8)


@pytest.mark.parametrize(
    "broken", [None, [], "x", {"syncStatus": None}, {"syncStatus": {"sources": [1]}}, {"syncStatus": {"sources": {"s": 1}}}]
)
def test_a_broken_status_is_not_current(broken):
    assert not Company(1, UsdotNumber(7), None, {"fmcsaData": broken}).status.is_current("s", "v1", 7)


def test_timestamps_are_named_after_their_source():
    assert [camel_case(name) for name in ("csa_scores", "violations", "some_name")] == ["csaScores", "violations", "someName"]


@pytest.mark.parametrize("name", ["", "a.b", "$set", "1st", "a b", None, 5, "x" * 65])
def test_a_name_that_cannot_be_a_path_is_refused(name):
    with pytest.raises(SettingsError, match="name"):
        check_name(name)
