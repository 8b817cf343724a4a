"""What no line of the catalogue can say: states that only show against what was stored before."""

import pytest

from fmcsa_orchestrator import CsaSource
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.testing import Fault

from .scene import open_scene
from .truth import results_of

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
async def scene():
    async with open_scene("memory", None) as scene:
        yield scene


async def test_a_passenger_carrier_does_not_become_a_property_carrier_when_its_file_is_empty(scene):
    await scene.sync("run")
    usdot = next(carrier.usdot for carrier in scene.fleet.carriers if carrier.passenger and carrier.file_class == "AB")
    before = await scene.document(usdot)
    assert dig(before, "fmcsaData.csa.passengerCarrier") is True
    scene.upstream.publish(changed=1.0)
    scene.upstream.inject(Fault.empty_dataset(), dataset="m3ry-qcip")
    summary = await scene.sync("run")
    after = await scene.document(usdot)
    assert {failure.kind for entry in summary.errors for failure in entry["errors"]} == {"implausible_empty"}
    assert results_of(after) == results_of(before)
    scene.upstream.clear_faults()
    assert (await scene.sync("run")).success


async def test_whether_a_file_has_rows_is_asked_only_where_none_was_seen(scene):
    """Clean and unknown carriers are common: they cost no request as long as others have rows."""
    await scene.sync("run")
    counted = [record for record in scene.upstream.requests if record.query.get("$select") == "count(*)"]
    assert counted == []
    scene.target = next(carrier.usdot for carrier in scene.fleet.carriers if carrier.kind == "clean")
    scene.upstream.publish()
    assert (await scene.sync("company")).success
    counted = [record.dataset for record in scene.upstream.requests if record.query.get("$select") == "count(*)"]
    assert counted == ["8mt8-2mdr"]
    assert CsaSource.name in (await scene.sync("company")).outcomes


async def test_qcmobile_forgetting_a_carrier_erases_nothing_and_never_having_known_it_is_no_fault(wire_uri):
    async with open_scene("memory", wire_uri) as scene:
        scene.use_web_key()
        forgets = Fault.json({"content": None})
        fault = scene.upstream.inject(forgets, kind="qcmobile")
        assert (await scene.sync("run")).success
        assert (await scene.document(scene.target))["fmcsaData"]["csa"]["carrier"] is None
        fault.remove()
        scene.upstream.publish(changed=1.0)
        assert (await scene.sync("run")).success
        known = (await scene.document(scene.target))["fmcsaData"]["csa"]["carrier"]
        assert known
        scene.upstream.inject(forgets, kind="qcmobile")
        scene.upstream.publish(changed=1.0)
        summary = await scene.sync("run")
        document = await scene.document(scene.target)
        assert (summary.success, document["fmcsaData"]["csa"]["carrier"]) == (False, known)
        assert document["fmcsaData"]["syncStatus"]["errors"][0]["kind"] == "implausible_empty"


async def test_a_portal_that_falls_back_by_a_month_takes_nothing_back(scene):
    scene.upstream.publish(changed=1.0)
    assert (await scene.sync("run")).success
    before = await scene.picture()
    fault = scene.upstream.inject(Fault.older())
    summary = await scene.sync("run")
    assert {failure.kind for entry in summary.errors for failure in entry["errors"]} == {"stale_upstream"}
    after = await scene.picture()
    assert after.rows == before.rows
    for usdot, company in after.companies.items():
        assert company["fmcsaData"]["violations"] == before.companies[usdot]["fmcsaData"]["violations"]
        assert company["smsBasics"] == before.companies[usdot]["smsBasics"]
    fault.remove()
    assert (await scene.sync("run")).success
