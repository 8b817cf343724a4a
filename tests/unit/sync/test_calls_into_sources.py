"""Whatever a host's own source does when it is looked at or called: it ends in its own failure, or in a SettingsError at the start."""

import asyncio
from collections import UserDict

import pytest

from fmcsa_orchestrator import Company, SettingsError, SourceReport
from fmcsa_orchestrator.model.fmcsa import UsdotNumber
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository
from tests.support.steps import Batched
from tests.support.syncs import companies, orchestrator, value


class OddError(BaseException):
    pass


ERRORS = [RuntimeError("a bug"), OddError("a bug"), asyncio.CancelledError(), AttributeError("a bug")]


def batched(**attributes):
    return type("Mine", (Batched,), attributes)("mine", value("mine"), lambda: 1)


def raising(error):
    def get(self):
        raise error

    return property(get, lambda self, value: None)


def fails(error):
    def call(self, *_):
        raise error

    return call


@pytest.mark.parametrize("size", ["200", 0, -1, True, None, 2.5, float("nan"), [200]])
def test_a_batch_size_that_is_none_is_refused_at_the_opening(size):
    with pytest.raises(SettingsError, match="source mine .*batch_size.*at least 1"):
        orchestrator(InMemoryRepository(), batched(batch_size=size))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("attribute", ["name", "owns", "collection", "batch_size", "fetch", "fetch_many", "completes"])
def test_an_attribute_that_raises_is_refused_at_the_opening(attribute, error):
    if isinstance(error, AttributeError) and attribute != "name":
        return  # to Python that is an attribute which is not there
    kind = type("Mine", (Batched,), {attribute: raising(error), "complete": fails(error)})
    with pytest.raises(SettingsError, match="Mine|mine"):
        orchestrator(InMemoryRepository(), kind("mine", value("mine"), lambda: 1))


@pytest.mark.parametrize(
    "attributes",
    [{"owns": (5,)}, {"owns": 5}, {"collection": 5}, {"collection": "$x"}, {"collection": ""}, {"name": 5}],
    ids=str,
)
def test_a_declaration_of_a_wrong_type_is_refused_at_the_opening(attributes):
    source = batched()
    for name, content in attributes.items():
        setattr(source, name, content)
    with pytest.raises(SettingsError, match="source"):
        orchestrator(InMemoryRepository(), source)


class Raising(UserDict):
    def items(self):
        raise RuntimeError("a bug")


class Endless(list):
    def __len__(self):
        raise RuntimeError("a bug")


@pytest.mark.parametrize(
    "answer",
    [Raising({UsdotNumber(100): SourceReport()}), {UsdotNumber(100): SourceReport(documents=Endless())}, [1], None, 5],
    ids=lambda answer: type(answer).__name__,
)
@pytest.mark.parametrize("way", ["run", "company"])
async def test_a_bad_mapping_is_its_sources_failure(answer, way):
    async def fetch_many(self, companies):
        return answer

    repository = InMemoryRepository(companies(1))
    sync = orchestrator(repository, batched(fetch_many=fetch_many), FakeSource("other", value("other")))
    if way == "run":
        summary = await sync.sync_all_companies()
        assert (summary.stopped, summary.failed) == (None, 1)
        errors = summary.errors[0]["errors"]
    else:
        errors = (await sync.sync_company(0)).errors
    assert [(error.source, error.kind) for error in errors] == [("mine", "unexpected")]
    assert repository.companies[0]["other"] == 1


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("call", ["version", "estimate", "check", "fetch", "fetch_many", "complete"])
async def test_no_call_into_a_source_leaves_a_public_method(call, error):
    repository = InMemoryRepository(companies(2))
    sync = orchestrator(repository, batched(**{call: fails(error)}), FakeSource("other", value("other")))
    assert (await sync.plan()).companies == 2
    assert {finding.what for finding in await sync.check()} == {"companies", "mine", "other"}
    summary = await sync.sync_all_companies()
    assert (summary.stopped, summary.total) == (None, 2)
    assert (await sync.sync_company(0)).outcomes["other"].outcome == "unchanged"
    assert all(company["other"] == 1 for company in repository.companies.values())


@pytest.mark.parametrize("attribute", ["version", "estimate", "check", "complete"])
async def test_an_attribute_that_begins_to_raise_later_leaves_no_public_method(attribute):
    source = batched()
    repository = InMemoryRepository(companies(2))
    sync = orchestrator(repository, source, FakeSource("other", value("other")))
    for name in (attribute, "name", "batch_size", "owns", "collection", "fetch"):
        setattr(type(source), name, raising(RuntimeError("a bug")))
    assert (await sync.plan()).companies == 2
    assert {finding.what for finding in await sync.check()} == {"companies", "mine", "other"}
    assert (await sync.sync_all_companies()).stopped is None
    assert (await sync.sync_company(0)).outcomes["other"].outcome == "unchanged"
    assert (await sync.sync_company(0, wait=False)).outcomes["other"].outcome == "unchanged"
    await sync.close()


@pytest.mark.parametrize(
    "guess", [None, 5, {"portal": "many"}, {"portal": -1}, {"portal": float("nan")}, {3: 1}, {"portal": True}]
)
async def test_an_estimate_that_is_none_is_told_in_the_plan(guess):
    sync = orchestrator(
        InMemoryRepository(companies(2)), batched(estimate=lambda self, number: guess), Batched("b", value("b"), int),
        rates={"portal": 1.0},
    )  # fmt: skip
    plan = await sync.plan()
    assert (plan.companies, plan.requests, plan.seconds) == (2, {}, 0.0)
    assert (plan.sources["mine"].due, plan.sources["mine"].requests) == (2, {})
    assert "estimate" in plan.sources["mine"].error
    assert plan.sources["b"].error is None
    assert (await sync.sync_all_companies()).success


@pytest.mark.parametrize(
    "found", [None, 5, ["good"], (fault for fault in (1,)), [{"is_good": True}]], ids=lambda found: type(found).__name__
)
async def test_a_check_that_finds_nothing_of_use_is_told_as_a_finding(found):
    async def check(self):
        return found

    findings = await orchestrator(InMemoryRepository(companies(1)), batched(check=check)).check()
    (finding,) = [finding for finding in findings if finding.what == "mine"]
    assert (finding.is_good, "Finding" in finding.text) == (False, True)
    assert finding.remedy


def test_a_company_can_be_made_without_a_document():
    assert Company(1, UsdotNumber(7)).document == {}


def spoiling(company):
    company.document["fmcsaData"]["syncStatus"]["lease"]["token"] = 99


@pytest.mark.parametrize(
    "spoil",
    [
        spoiling,
        lambda company: company.document.clear(),
        lambda company: company.document.update(mine=1),
        lambda company: company.document["own"]["list"].append(1),
        lambda company: company.document["own"].pop("list"),
        lambda company: company.status.values.clear(),
    ],
)
@pytest.mark.parametrize("kind", [lambda fetch: FakeSource("mine", fetch), lambda fetch: Batched("mine", fetch, lambda: 1)])
async def test_a_source_that_changes_the_document_in_place_fails_alone_and_changes_nothing(spoil, kind):
    def fetch(company):
        spoil(company)
        return SourceReport(fields={"mine": 1})

    repository = InMemoryRepository(companies(2, own={"list": [0]}))
    await orchestrator(repository, FakeSource("other", value("other"))).sync_all_companies()
    sync = orchestrator(repository, kind(fetch), FakeSource("other", value("other", 2)))
    summary = await sync.sync_all_companies()
    assert (summary.stopped, summary.failed, summary.skipped) == (None, 2, 0)
    assert {(error.source, error.kind) for entry in summary.errors for error in entry["errors"]} == {("mine", "unexpected")}
    for company in repository.companies.values():
        assert (company["other"], company["own"], company.get("mine")) == (2, {"list": [0]}, None)
    assert (await sync.sync_company(0)).outcomes["other"].outcome == "unchanged"


async def test_a_source_may_report_parts_of_the_document_it_was_given():
    repository = InMemoryRepository(companies(1, own={"list": [{"n": 1}]}))
    copying = FakeSource("mine", lambda company: SourceReport(fields={"mine": company.document["own"]}))
    assert (await orchestrator(repository, copying).sync_company(0)).success
    assert repository.companies[0]["mine"] == {"list": [{"n": 1}]}
    assert (await orchestrator(repository, copying).sync_company(0)).outcomes["mine"].outcome == "unchanged"
