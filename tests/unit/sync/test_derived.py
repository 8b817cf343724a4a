"""What sources work out of what is stored: when they are asked, what they are shown, what becomes of it."""

import asyncio

import pytest

from fmcsa_orchestrator import BaseSource, CompanyWriteError, Derived, Document, Outcome, SettingsError, SourceReport
from fmcsa_orchestrator.model.documents import dig, kept_within
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.syncs import companies, orchestrator, status, value


class Scores(BaseSource):
    """A batch source whose field is an object, within which it derives a sum."""

    name = "scores"
    owns = ("mine",)
    derives = ("mine.score.sum", "mine.seen")
    collection = None
    batch_size = 10

    def __init__(self, derive=None):
        self.edition, self.points, self.reads, self.shown = "1", 3, 0, []
        self.derive = derive or self.add_up

    async def version(self):
        return self.edition

    async def fetch(self, company):
        return (await self.fetch_many([company]))[company.usdot]

    async def fetch_many(self, companies):
        self.reads += 1
        return {c.usdot: SourceReport(fields={"mine.score": {"points": self.points}}) for c in companies}

    def add_up(self, company):
        self.shown.append(company)
        found = [dig(company.document, path) or 0 for path in ("mine.score.points", "other")]
        return Derived({"mine.score.sum": sum(found), "mine.seen": {"status": dig(company.document, STATUS)}})


STATUS = "fmcsaData.syncStatus.sources.scores.outcome"


def other(points=4):
    return FakeSource("other", value("other", points), owns=("other",))


async def test_it_is_worked_out_of_all_that_has_been_read_and_of_the_status():
    repository, scores = InMemoryRepository(companies(1)), Scores()
    assert (await orchestrator(repository, scores, other()).sync_all_companies()).success
    assert repository.companies[0]["mine"] == {"score": {"points": 3, "sum": 7}, "seen": {"status": "changed"}}
    with pytest.raises(TypeError):
        scores.shown[0].document["other"] = 0


async def test_where_nothing_is_read_it_is_not_asked():
    repository, scores = InMemoryRepository(companies(3)), Scores()
    await orchestrator(repository, scores).sync_all_companies()
    await orchestrator(repository, scores).sync_all_companies()
    assert len(scores.shown) == 3


async def test_it_follows_another_source_though_its_own_is_current():
    repository, scores = InMemoryRepository(companies(1)), Scores()
    await orchestrator(repository, scores, other(4)).sync_all_companies()
    result = await orchestrator(repository, scores, other(10)).sync_company(0)
    assert scores.reads == 1
    assert result.outcomes["scores"].outcome is Outcome.UNCHANGED
    assert repository.companies[0]["mine"]["score"] == {"points": 3, "sum": 13}


async def test_a_report_around_it_is_no_change_because_of_it():
    repository, scores = InMemoryRepository(companies(2, dotNumber=100)), Scores()
    await orchestrator(repository, scores, other()).sync_all_companies()
    changed = [status(repository, key)["sources"]["scores"]["lastChanged"] for key in range(2)]
    scores.edition = "2"
    summary = await orchestrator(repository, scores, other()).sync_all_companies()
    assert summary.outcomes["scores"] == {"unchanged": 2}
    assert [status(repository, key)["sources"]["scores"]["lastChanged"] for key in range(2)] == changed
    scores.edition, scores.points = "3", 5
    summary = await orchestrator(repository, scores, other()).sync_all_companies()
    assert summary.outcomes["scores"] == {"changed": 2}
    assert repository.companies[1]["mine"]["score"] == {"points": 5, "sum": 9}


@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError(), CompanyWriteError("no")])
async def test_what_it_raises_is_the_sources_failure_and_costs_nothing_that_was_read(error):
    def derive(company):
        raise error

    repository, scores = InMemoryRepository(companies(1)), Scores(derive)
    result = await orchestrator(repository, scores, other()).sync_company(0)
    assert [(failure.source, failure.kind) for failure in result.errors] == [("scores", getattr(error, "kind", "unexpected"))]
    assert result.outcomes["scores"].outcome is Outcome.FAILED
    assert result.outcomes["other"].outcome is Outcome.CHANGED
    assert repository.companies[0]["mine"] == {"score": {"points": 3}}
    assert status(repository)["errors"][0]["source"] == "scores"
    scores.derive = scores.add_up
    assert (await orchestrator(repository, scores, other()).sync_company(0)).success, "it is read again, and worked out again"
    assert repository.companies[0]["mine"]["score"]["sum"] == 7


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        ({}, "not Derived"),
        (Derived({"mine.score.points": 1}), "does not declare"),
        (Derived({"theirs": 1}), "does not declare"),
        (Derived({"mine.seen": "x" * 17_000_000}), "bytes"),
    ],
)
async def test_what_is_not_its_to_derive_fails(gives, told):
    class Sized(InMemoryRepository):
        def check_fields(self, values):
            return len(str(values))

    repository = Sized(companies(1))
    result = await orchestrator(repository, Scores(lambda _: gives)).sync_company(0)
    assert told in result.errors[0].error
    assert repository.companies[0]["mine"] == {"score": {"points": 3}}


@pytest.mark.parametrize("path", ["mine.score.sum", "mine.score.sum.part"])
async def test_a_report_does_not_say_what_is_derived(path):
    class Sly(Scores):
        async def fetch_many(self, companies):
            return {c.usdot: SourceReport(fields={path: 99}) for c in companies}

    result = await orchestrator(InMemoryRepository(companies(1)), Sly()).sync_company(0)
    assert "which it derives" in result.errors[0].error


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"derives": ("theirs",)}, "not within"),
        ({"derives": ("mine",)}, "not within"),
        ({"derives": "mine.x"}, "as a text"),
        ({"derives": (5,)}, "a tuple of paths"),
        ({"derive": 5}, "no method derive"),
    ],
)
def test_what_it_derives_is_looked_at_first(change, told):
    scores = Scores()
    for name, content in change.items():
        setattr(scores, name, content)
    with pytest.raises(SettingsError, match=told):
        orchestrator(InMemoryRepository(), scores)


async def test_what_it_doubts_is_read_again_by_the_next_sync():
    def doubt(company):
        is_first = dig(company.document, "mine.seen") is None
        return Derived({"mine.seen": {"doubted": is_first}}, ["scores", "nobody"] if is_first else ())

    repository, scores = InMemoryRepository(companies(1)), Scores(doubt)
    assert (await orchestrator(repository, scores).sync_all_companies()).success
    assert status(repository)["sources"]["scores"]["version"] is None
    assert status(repository)["sources"]["scores"]["lastSuccess"] is not None
    for _ in range(3):
        assert (await orchestrator(repository, scores).sync_all_companies()).success
    assert scores.reads == 2
    assert status(repository)["sources"]["scores"]["version"] == "1"


async def test_it_is_not_shown_what_could_not_be_stored():
    class Full(InMemoryRepository):
        async def write_rows(self, collection, rows, at):
            return {0: CompanyWriteError("no room")}

    report = SourceReport(fields={"other": 4}, documents=[Document("1", {"a": 1})])
    repository, scores = Full(companies(1)), Scores()
    result = await orchestrator(repository, scores, FakeSource("other", lambda _: report, owns=("other",))).sync_company(0)
    assert result.outcomes["other"].outcome is Outcome.FAILED
    assert repository.companies[0]["mine"]["score"]["sum"] == 3


def test_what_is_kept_within():
    document = {"a": {"b": {"c": 1, "x": 2}}, "n": None}
    assert kept_within(document, {"a.b": {"d": 3}}, ["a.b.c"]) == {"a.b": {"d": 3, "c": 1}}
    assert kept_within(document, {"a": {}}, ["a.b.c"]) == {"a": {"b": {"c": 1}}}
    for values in ({"a.b.d": 3}, {"a.b": None}, {"z": {}}, {}):
        assert kept_within(document, values, ["a.b.c", "a.b.none"]) == values
    assert kept_within({"a": {"b": {"c": None}}}, {"a.b": {"c": 1, "d": 3}}, ["a.b.c"]) == {"a.b": {"c": None, "d": 3}}
