"""What a source has to know of all carriers: read by a run, kept, and used by everyone; of whichever source it is."""

from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator import CsaSource, SettingsError, SourceReport, SourceUnavailableError, ViolationsSource
from fmcsa_orchestrator.sync.source_registry import make_slots
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.syncs import companies, orchestrator

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Count:
    """A survey that counts how often it is read."""

    name, collection = "count", "counts"

    def __init__(self):
        self.wanted, self.document, self.reads = None, None, 0

    @property
    def held(self):
        return self.document and self.document["version"]

    def use(self, document):
        self.document = document

    async def read(self):
        self.reads += 1
        return {"_id": self.wanted, "version": self.wanted, "readAt": NOW.replace(day=self.reads), "read": self.reads}


class Surveying(FakeSource):
    """A batch source of a host whose version says which survey it goes by."""

    batch_size = 10

    def __init__(self, survey):
        super().__init__("mine", lambda _: SourceReport(fields={"mine": self.survey.held}), owns=("mine",))
        self.survey, self.edition = survey, "v1"

    async def version(self):
        self.survey.wanted = self.edition
        return f"{self.edition}:{self.survey.held}"

    async def fetch_many(self, batch):
        return {company.usdot: await self.fetch(company) for company in batch}


async def test_a_run_reads_it_first_and_once_for_each_state_of_upstream():
    repository, source = InMemoryRepository(companies(3)), Surveying(Count())
    runs = orchestrator(repository, source)
    for _ in range(2):
        assert (await runs.sync_all_companies()).success
    assert source.survey.reads == 1
    assert {company["mine"] for company in repository.companies.values()} == {"v1"}
    source.edition = "v2"
    await runs.sync_all_companies()
    assert source.survey.reads == 2
    assert {company["mine"] for company in repository.companies.values()} == {"v2"}
    assert repository.surveys["counts"].keys() == {"v1", "v2"}


async def test_where_nothing_is_due_nothing_is_read():
    source = Surveying(Count())
    assert (await orchestrator(InMemoryRepository(), source).sync_all_companies()).success
    assert source.survey.reads == 0


async def test_another_process_goes_by_what_is_kept():
    repository = InMemoryRepository(companies(2))
    await orchestrator(repository, Surveying(Count())).sync_all_companies()
    other = Surveying(Count())
    result = await orchestrator(repository, other).sync_company(0)
    assert (result.success, other.survey.held, other.survey.reads) == (True, "v1", 0)
    assert result.outcomes["mine"].outcome == "unchanged"


class Failing(Count):
    async def read(self):
        self.reads += 1
        raise SourceUnavailableError("the portal is down")


async def test_one_that_fails_is_told_and_its_source_does_without():
    repository, source = InMemoryRepository(companies(2)), Surveying(Failing())
    runs = orchestrator(repository, source)
    for reads in (1, 2):
        summary = await runs.sync_all_companies()
        (entry,) = summary.errors
        assert [(error.source, error.kind) for error in entry["errors"]] == [("count", "upstream_unavailable")]
        assert (summary.succeeded, source.survey.reads) == (2, reads)
    assert {company["mine"] for company in repository.companies.values()} == {None}


async def test_what_is_kept_and_of_no_use_is_read_again():
    class Picky(Count):
        def use(self, document):
            if document is not None and document.get("read") is None:
                raise KeyError("read")
            super().use(document)

    repository, source = InMemoryRepository(companies(1)), Surveying(Picky())
    await repository.keep_survey("counts", {"_id": "odd", "version": "v1", "readAt": NOW.replace(year=2025)})
    assert (await orchestrator(repository, source).sync_all_companies()).success
    assert (source.survey.reads, source.survey.held) == (1, "v1")


def test_a_survey_needs_a_collection_of_its_own():
    with pytest.raises(SettingsError, match="two sources have the collection fmcsaViolations"):
        make_slots([CsaSource(None, estimates="fmcsaViolations"), ViolationsSource(None)])
