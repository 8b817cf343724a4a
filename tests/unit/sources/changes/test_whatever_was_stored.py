"""A host may have made anything of what was stored: it is no change that anybody is told of, and no failure of the source."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.model.carrier_events import FieldChange
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from fmcsa_orchestrator.testing import Fleet
from tests.support.world import open_world

RULES = AlertRules(oos_rate_points=1, measures={"unsafeDriving": 1, "vehicleMaintenance": 2})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=True) | st.text(max_size=4) | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def stored():
    """What each source stores of a carrier, by path, and the whole document."""

    async def synced():
        async with open_world("memory", None, fleet=Fleet.sample(4), sources=tuple(BUILT_IN)) as world:
            await world.orchestrator.sync_all_companies()
            return (await world.companies())[2]

    return asyncio.run(synced())


def leaves(value, path=()):
    """Each place in a value, the value itself too."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))


def spoilt(value, path, odd):
    return odd if not path else {**value, path[0]: spoilt(value[path[0]], path[1:], odd)}


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_source_fails_over_what_it_finds(stored, name):
    source = BUILT_IN[name](None, None, Settings())

    @given(st.data())
    def whatever(data):
        after = {"smsBasics": stored["smsBasics"], **{f"fmcsaData.{key}": value for key, value in stored["fmcsaData"].items()}}
        after |= {f"fmcsaData.csa.{key}": value for key, value in stored["fmcsaData"]["csa"].items()}
        after = {path: value for path, value in after.items() if any(path.startswith(own) for own in source.owns)}
        path = data.draw(st.sampled_from(sorted(after)))
        place = data.draw(st.sampled_from(list(leaves(after[path]))))
        before = {**after, path: spoilt(after[path], place, data.draw(VALUES))}
        list(source.field_events(FieldChange(before, after, stored), RULES))

    whatever()
