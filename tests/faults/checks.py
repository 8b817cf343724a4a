"""What is to be seen after a sync in which something was wrong: in its result, in the statuses, in what is stored."""

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.fmcsa import PROOF
from fmcsa_orchestrator.storage.sync_status import camel_case
from tests.support.world import INSPECTIONS

from . import truth
from .entry import Kept

GOOD = {"changed", "unchanged", "not_found", "not_published"}
SKIPPING = {"lease_held", "lease_lost"}
STATUS = "fmcsaData.syncStatus"


class Told:
    """One sync of a scene, and the pictures taken before and after it."""

    def __init__(self, scene, fault, mode, before, after, result):
        self.scene = scene
        self.fault = fault
        self.mode = mode
        self.seen = fault.seen(mode)
        self.before = before
        self.after = after
        self.result = result
        self.asked = set(before.companies) if mode == "run" else {scene.target}
        self.hit = {usdot for usdot in self.asked if fault.who.hits(scene, usdot)}

    def the_result_is_true(self):
        """It has the one kind of error that was due, the right counts, and the right verdict."""
        result, seen = self.result, self.seen
        assert kinds(result) == ({seen.kind} if seen.kind else set()), result
        assert result.exit_status == seen.exit_status
        assert "wr0ng" not in f"{result.as_dict()} {self.after.companies}"  # the key that was sent
        if self.mode == "company":
            assert result.success == (not result.errors)
            return
        assert result.stopped == seen.stopped
        assert result.success == (seen.exit_status == 0)
        if seen.stopped is None:
            counts = {"succeeded": len(self.asked - self.hit), "failed": len(self.hit), "skipped": 0}
            if seen.kind in SKIPPING:
                counts |= {"failed": 0, "skipped": len(self.hit)}
            assert {name: result[name] for name in counts} == counts

    def the_statuses_are_true(self):
        """They tell the fault of the sources and companies that it happened to, and of nobody else."""
        outcomes = set()
        for usdot in self.before.companies:
            if not self.is_due_to_be_synced(usdot):
                assert not self.was_attempted(usdot)
                assert truth.as_host_sees(self.after.companies[usdot]) == truth.as_host_sees(self.before.companies[usdot])
                continue
            failing = self.fault.sources if usdot in self.hit else ()
            status = dig(self.after.companies[usdot], STATUS)
            assert self.was_attempted(usdot)
            assert status["success"] == (not failing)
            errors = [(error["source"], error["kind"]) for error in status["errors"]]
            assert errors == [(source, self.seen.kind) for source in failing]
            outcomes |= {status["sources"][source]["outcome"] for source in failing if source != "company"}
            if failing != ("company",):
                for source in status["sources"]:
                    self._source_is_true(usdot, source, fails=source in failing)
        assert outcomes == set(self.seen.outcomes)

    def _source_is_true(self, usdot, source, *, fails):
        """Its last success has moved if, and only if, it succeeded."""
        before, after = (dig(picture.companies[usdot], STATUS) or {} for picture in (self.before, self.after))
        old, new = (status.get("sources", {}).get(source, {}) for status in (before, after))
        stamp = f"{camel_case(source)}LastSync"
        assert new["lastAttempt"] == after["lastRun"]
        if fails:
            assert (new.get("lastSuccess"), after.get(stamp)) == (old.get("lastSuccess"), before.get(stamp))
        else:
            assert new["outcome"] in GOOD
            assert new["lastSuccess"] == after[stamp] == after["lastRun"]

    def is_due_to_be_synced(self, usdot):
        """Whether the company is to have a new status; where either may be, whether it has one."""
        if usdot not in self.asked:
            return False
        if usdot in self.hit:
            return bool(self.fault.sources)
        if self.mode == "company":
            return True
        return self.was_attempted(usdot) if self.fault.others is None else self.fault.others

    def was_attempted(self, usdot):
        path = f"{STATUS}.lastRun"
        return dig(self.after.companies[usdot], path) != dig(self.before.companies[usdot], path)

    def what_was_there_is_kept(self):
        """No row is gone, the host's fields are as they were, and of what has failed all is."""
        nothing_is_gone(self.before, self.after)
        for usdot in self.hit:
            for source in self.fault.sources or truth.BUILT_IN:
                if self.fault.kept is Kept.ALL:
                    before, after = (truth.stored(picture, source, usdot) for picture in (self.before, self.after))
                    assert before == after, (usdot, source)
        for usdot in self.before.companies.keys() - self.asked:
            assert self.before.companies[usdot] == self.after.companies[usdot]

    def what_was_read_is_there(self):
        """Every source that did not fail has all that upstream has."""
        for usdot in filter(self.is_due_to_be_synced, self.before.companies):
            failing = self.fault.sources if usdot in self.hit else ()
            if failing == ("company",):
                continue
            for source in truth.BUILT_IN:
                if source not in failing or self.fault.kept is Kept.FILES:
                    truth.assert_equals_upstream(self.scene, self.after, source, usdot)

    def the_proof_doubts_the_target(self):
        """What is stored of it is less than upstream says that there is; of nobody else."""
        doubted = {usdot for usdot, company in self.after.companies.items() if dig(company, f"{PROOF}.agrees") is False}
        assert doubted == {self.scene.target}


def all_is_well(scene, summary, before, after):
    """A run without a fault: every source of every company has exactly what upstream has."""
    assert (summary.success, summary.stopped, summary.errors) == (True, None, []), summary
    assert (summary.total, summary.exit_status) == (len(scene.fleet), 0)
    nothing_is_gone(before, after)
    for usdot, company in after.companies.items():
        status = dig(company, STATUS)
        assert (status["success"], status["errors"]) == (True, [])
        for source in truth.BUILT_IN:
            assert status["sources"][source]["outcome"] in GOOD
            truth.assert_equals_upstream(scene, after, source, usdot)
        truth.assert_counts(scene, after, usdot)
        assert set(status["sources"]) >= set(truth.ALL)
        assert dig(company, f"{PROOF}.agrees") is not False
        has_record = dig(company, "fmcsaData.csa.carrier") is not None
        assert has_record == (scene.settings.qcmobile_web_key is not None and truth.carrier(scene, usdot).kind != "unknown")


def all_is_told_once(before, after, events, forgotten):
    """An inspection that is stored anew was told, and one that was told is stored anew, or had been gone; no event is there twice.

    Of companies whose status is lost the next read is a baseline.
    """
    assert len({event["id"] for event in events}) == len(events)
    added, removed = (_inspections(events, f"fmcsa.inspection.{what}") for what in ("added", "removed"))
    known, rows = ({key for key, row in picture.rows[INSPECTIONS].items() if row["current"]} for picture in (before, after))
    if known:
        assert {key for key in rows - known - added if after.rows[INSPECTIONS][key]["companyId"] not in forgotten} == set()
    assert added - removed <= after.rows[INSPECTIONS].keys() - known


def _inspections(events, kind):
    found = [event["data"] for event in events if event["type"] == kind]
    return {f"{data['companyId']}:{data['evidence']['key']}" for data in found}


def nothing_is_gone(before, after):
    """Rows may end, but they stay; what is the host's in a company's document is as it was."""
    for dataset, rows in before.rows.items():
        assert rows.keys() <= after.rows[dataset].keys()
    for usdot, company in before.companies.items():
        assert truth.of_the_host(after.companies[usdot]) == truth.of_the_host(company)


def kinds(result):
    """The kinds of all errors in a result."""
    errors = result.errors
    failures = [failure for entry in errors for failure in entry["errors"]] if isinstance(errors, list) else errors
    return {failure.kind for failure in failures}
