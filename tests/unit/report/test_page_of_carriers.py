"""The page of one carrier: what its sources say of it, and its history."""

from tests.support.elements import Parsed
from tests.support.status_samples import company, with_carrier
from tests.unit.report.test_page import EVERY, RUNS, one_page


def test_what_the_sources_say_of_a_carrier_and_why_some_say_nothing():
    document = with_carrier(company(1), authority=None)
    document["fmcsaData"]["syncStatus"]["sources"]["crashes"] |= {"outcome": "failed"}
    parsed = Parsed(one_page(document, sources=EVERY[:-1]))
    assert "Crashes as of 2026-11-12 held from before; the last attempt: failed" in parsed.texts("h2")
    assert {"Operating authority: not published"} <= {*parsed.texts("p")}
    assert "▲ since 2026-11-12: Freight" in parsed.texts("dd")
    assert len(parsed.all("dt")) == len(parsed.all("dd")) > 10
    del document["fmcsaData"]["roadside"], document["fmcsaData"]["syncStatus"]["sources"]["roadside"]
    assert "Roadside: switched off" in Parsed(one_page(document, sources=EVERY[:-1])).texts("p")


def test_the_history_is_drawn_and_stands_beside_as_figures():
    parsed = Parsed(one_page(company(1), *RUNS))
    labels = [found["aria-label"] for _, found, _ in parsed.all("svg")]
    assert "Unsafe Driving, percentile per SMS run, from 40 to 42" in labels
    lines = [found["points"].split() for _, found, _ in parsed.all("polyline")]
    assert lines == [["0.0,12.0", "0.0,12.0"], ["66.7,11.8", "100.0,11.6"], ["33.3,0.0", "33.3,0.0"]]
    text = " ".join(" ".join(parsed.texts("tr")).split())
    assert "2026-11-12 40 - 2026-11-19 - 1.25 2026-12-12 41 -".replace(" ", "") in text.replace(" ", "")
    assert "No SMS run is kept yet." in Parsed(one_page(company(1))).texts("p")
