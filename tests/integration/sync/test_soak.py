"""The small version of the soak."""

import gc

import pytest

from tests.support import soak


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # PyMongo leaves a socket whose opening is cancelled
@pytest.mark.parametrize(("store", "seed"), [("motor", 7), ("pymongo", 11)])
async def test_whatever_happens_one_clean_run_makes_all_equal(wire_uri, monkeypatch, store, seed):
    monkeypatch.setattr(soak, "LONGEST_ROUND_S", 20)
    report = await soak.soak(30, 3, seed, store, wire_uri)
    gc.collect()
    assert report.lies == []
    assert report.wrong == []
    assert report.faults.total() > 5
    assert len(report.rounds) == 4
