"""Each fault of the catalogue in each kind of sync: nothing is raised, nothing is lost, nothing is made up, and it heals."""

import os
from contextlib import AsyncExitStack
from itertools import product

import pytest

from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore

from . import checks
from .catalogue import FAULTS, MODES, PHASES
from .entry import Kept, Well
from .happenings import status_restored_as_text
from .scene import open_scene

pytestmark = [
    pytest.mark.usefixtures("no_pauses"),
    # PyMongo's async client leaves a socket open whose connecting it has cancelled.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def open_for(wire_uri):
    """A scene for a fault, on a server of its own where the fault kills it."""
    async with AsyncExitStack() as stack:

        async def opened(fault, store):
            if not fault.own_server:
                return await stack.enter_async_context(open_scene(store, wire_uri))
            embedded = await stack.enter_async_context(EmbeddedStore())
            scene = await stack.enter_async_context(open_scene(store, embedded.uri))
            scene.embedded = embedded
            return scene

        yield opened


# Over the wire, four of the eight combinations, such that any two of store, phase and mode meet; FMCSA_TEST_EVERY_CELL adds the rest.
ON_THE_WIRE = {
    ("motor", "first", "run"),
    ("motor", "later", "company"),
    ("pymongo", "first", "company"),
    ("pymongo", "later", "run"),
}
CELLS = [
    pytest.param(fault, *cell, id="-".join((fault.name, *cell)))
    for fault in FAULTS
    for cell in product(fault.stores, PHASES, MODES)
    if cell[0] == "memory" or cell in ON_THE_WIRE or "FMCSA_TEST_EVERY_CELL" in os.environ
]


@pytest.mark.parametrize(("fault", "store", "phase", "mode"), CELLS)
async def test_a_fault_is_told_loses_nothing_and_heals(open_for, fault, store, phase, mode):
    scene = await open_for(fault, store)
    if fault.has_key:
        scene.use_web_key()
    if phase == "later":
        start = await scene.picture()
        checks.all_is_well(scene, await scene.sync("run"), start, await scene.picture())
        scene.fleet.publish_daily(changed=1.0)
        scene.upstream.publish(changed=1.0)
    before, edition = await scene.picture(), scene.fleet.edition

    async with fault.happens(scene) as conditions:
        result = await scene.sync(mode, conditions)  # that nothing is raised is the first thing to be seen
    after = await scene.picture()

    told = checks.Told(scene, fault, mode, before, after, result)
    told.the_result_is_true()
    told.the_statuses_are_true()
    told.what_was_there_is_kept()
    if fault.kept is Kept.DOUBTED:
        told.the_proof_doubts_the_target()
    elif fault.kept is not Kept.BELIEVED and scene.fleet.edition == edition:
        told.what_was_read_is_there()

    assert bool(await scene.held_leases()) == (fault.well is Well.LEASE)
    if fault.well is Well.LEASE:
        await scene.let_leases_run_out()
    healed = await scene.sync("run")
    at_last = await scene.picture()
    checks.all_is_well(scene, healed, before, at_last)
    forgotten = {scene.target} if fault.happens is status_restored_as_text else set()
    checks.all_is_told_once(before, at_last, await scene.events(), forgotten)
