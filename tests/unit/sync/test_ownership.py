"""What a source may write, and what it has to declare: anything else is refused, and told."""

import pytest

from fmcsa_orchestrator import Document, Outcome, SettingsError, SourceReport
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.syncs import companies, orchestrator, value


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
