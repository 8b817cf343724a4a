"""The small version of the soak."""

import gc

import pytest

from fmcsa_orchestrator.sources.catalogue import BUILT_IN
from tests.support import soak


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # PyMongo leaves a socket whose opening is cancelled
@pytest.mark.parametrize(("store", "seed", "sources"), [("motor", 7, tuple(BUILT_IN)[:3]), ("pymongo", 11, tuple(BUILT_IN))])
async def test_whatever_happens_one_clean_run_makes_all_equal(wire_uri, monkeypatch, store, seed, sources):
    monkeypatch.setattr(soak, "LONGEST_ROUND_S", 20)
    report = await soak.soak(30 if len(sources) == 3 else 15, 3, seed, store, wire_uri, sources=sources)
    gc.collect()
    assert report.lies == []
    assert report.wrong == []
    assert report.faults.total() > 5
    assert len(report.rounds) == 4
