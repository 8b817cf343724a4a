"""The history as it is drawn: one kind of figure per BASIC, gaps where nothing is known, blocks within their range."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.report.history import history_view, spark
from fmcsa_orchestrator.report.html.charts import line_parts
from tests.support.status_samples import AS_OF, HOSTILE, run

LATER = AS_OF + timedelta(days=30)
FIGURES = st.lists(st.none() | st.floats(0, 100), max_size=40)


def test_the_percentile_where_there_is_one_else_the_measure():
    entries = [
        run(LATER, unsafeDriving={"percentile": 70, "measure": 2.5}, hoursOfService={"percentile": None, "measure": 1.5}),
        run(AS_OF, unsafeDriving={"percentile": None, "measure": 2.0}, hoursOfService={"measure": 3.0}, crashIndicator={}),
    ]
    view = history_view(entries)
    assert view.runs == (AS_OF, LATER)
    assert [(found.basic, found.what, found.values, found.first, found.last, found.top) for found in view.basics] == [
        ("unsafeDriving", "percentile", (None, 70), 70, 70, 100),
        ("hoursOfService", "measure", (3.0, 1.5), 3.0, 1.5, 3.0),
    ]


def test_whatever_is_kept_is_not_known_where_it_is_none_of_ours():
    entries = [
        run("x", unsafeDriving={"measure": 1}),
        run(AS_OF, unsafeDriving={"measure": HOSTILE}),
        {"asOf": AS_OF, "basics": 5},
    ]
    view = history_view(entries)
    assert (view.runs, view.basics) == ((AS_OF, AS_OF), ())
    assert history_view([]).runs == ()


def test_a_line_of_blocks():
    assert spark((0, 50, None, 100), 100) == "▁▅·█"
    assert spark((0.0, 0.0), 0.0) == "▁▁"


@given(FIGURES)
def test_blocks_rise_as_the_figures_do(figures):
    line = spark(figures, 100)
    assert len(line) == len(figures)
    known = sorted((value, block) for value, block in zip(figures, line, strict=True) if value is not None)
    assert [block for _, block in known] == sorted(block for _, block in known)


@given(FIGURES)
def test_a_drawn_line_has_every_figure_in_its_place_and_breaks_at_gaps(figures):
    parts = line_parts(figures, 100)
    points = [point for part in parts for point in part]
    assert len(points) == sum(value is not None for value in figures)
    assert all(0 <= x <= 100 and 0 <= y <= 20 for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    starts = sum(value is not None and (place == 0 or figures[place - 1] is None) for place, value in enumerate(figures))
    assert len(parts) == starts
