"""A carrier that leaves the files: disbelieved at first, believed when a second, newer edition of all files says so."""

import pytest

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.cli.demo import demo_settings
from fmcsa_orchestrator.testing import Fault, Fleet, InMemoryRepository, LocalFmcsa
from tests.support.world import VIOLATIONS

pytestmark = pytest.mark.usefixtures("no_pauses")


class Scene:
    def __init__(self, fleet, upstream, repository):
        self.fleet = fleet
        self.upstream = upstream
        self.repository = repository
        carrier = next(carrier for carrier in fleet.carriers if carrier.violations >= 8 and not carrier.passenger)
        self.gone = carrier.usdot
        self.all_rows = carrier.violations + carrier.inspections
        self.violations = carrier.violations

    async def sync(self, *, one=False, force=False):
        """The outcomes of the one that leaves, and the kinds of all errors."""
        settings = demo_settings(self.upstream).model_copy(update={"qcmobile_web_key": None})
        async with open_orchestrator(settings, repository=self.repository) as orchestrator:
            if one:
                result = await orchestrator.sync_company(self.gone, force=force)
                failures = result.errors
            else:
                summary = await orchestrator.sync_all_companies(force=force)
                failures = [failure for entry in summary.errors for failure in entry["errors"]]
        sources = self.status()["sources"]
        return {name: source["outcome"] for name, source in sources.items()}, {failure.kind for failure in failures}

    def status(self):
        return self.repository.companies[self.gone]["fmcsaData"]["syncStatus"]

    def rows(self, *, current=True):
        found = [row for rows in self.repository.rows.values() for row in rows[self.gone].values()]
        return [row for row in found if row["current"] is current]

    def publish(self):
        self.upstream.publish(changed=0.1)


@pytest.fixture
async def scene():
    fleet = Fleet.sample(30)
    documents = fleet.company_documents()
    repository = InMemoryRepository({**document, "_id": usdot} for document, usdot in zip(documents, fleet.usdots, strict=True))
    async with LocalFmcsa(fleet) as upstream:
        scene = Scene(fleet, upstream, repository)
        assert await scene.sync() == ({"csa_scores": "changed", "violations": "changed", "inspections": "changed"}, set())
        yield scene


DISBELIEVED = ({"csa_scores": "not_found", "violations": "failed", "inspections": "failed"}, {"implausible_empty"})
BELIEVED = ({"csa_scores": "not_found", "violations": "not_found", "inspections": "not_found"}, set())


@pytest.mark.parametrize("one", [False, True])
async def test_it_is_disbelieved_once_and_believed_by_the_next_edition(scene, one):
    scene.fleet.leave(scene.gone)
    scene.publish()
    assert await scene.sync(one=one) == DISBELIEVED
    assert len(scene.rows()) == scene.all_rows
    outcomes, kinds = await scene.sync(one=one, force=True)  # the same edition once more is no second witness
    assert (outcomes["violations"], kinds) == ("failed", {"implausible_empty"})
    since = scene.status()["sources"]["violations"]["missingSince"]
    scene.publish()
    assert await scene.sync(one=one) == BELIEVED
    assert scene.rows() == []
    words = f"no longer in FMCSA's files since {since:%Y-%m-%d}"
    assert {row["endedReason"] for row in scene.rows(current=False)} == {words}
    assert scene.status()["sources"]["violations"]["message"] == words
    assert (scene.status()["success"], scene.repository.companies[scene.gone]["fmcsaData"]["violations"]["total"]) == (True, 0)


async def test_it_stays_believed_and_costs_nothing_more(scene):
    scene.fleet.leave(scene.gone)
    for _ in range(2):
        scene.publish()
        await scene.sync()
    for _ in range(2):
        assert (await scene.sync())[1] == set()
    scene.publish()
    outcomes, kinds = await scene.sync()
    assert (outcomes["csa_scores"], kinds) == ("not_found", set())
    assert scene.rows() == []
    assert "no longer in FMCSA's files" in scene.status()["sources"]["violations"]["message"]


async def test_one_that_comes_back_is_there_again_and_is_disbelieved_anew(scene):
    scene.fleet.leave(scene.gone)
    for _ in range(2):
        scene.publish()
        await scene.sync()
    scene.fleet.come_back(scene.gone)
    scene.publish()
    assert (await scene.sync())[1] == set()
    assert len(scene.rows()) == scene.all_rows
    scene.fleet.leave(scene.gone)
    scene.publish()
    assert await scene.sync() == DISBELIEVED


async def test_a_single_file_without_it_is_never_believed(scene):
    """All others of that file are there, and this carrier is in all other files."""
    scene.upstream.inject(Fault.json([]), dataset=VIOLATIONS, usdot=scene.gone)
    for _ in range(3):
        scene.publish()
        outcomes, kinds = await scene.sync(one=True)
        assert (outcomes, kinds) == (
            {"csa_scores": "changed", "violations": "failed", "inspections": "changed"}
            | {name: outcomes[name] for name in ("csa_scores", "inspections")},
            {"implausible_empty"},
        )
    assert len([row for row in scene.rows() if "violationCode" in row]) == scene.violations
