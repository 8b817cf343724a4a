"""Dotted paths: what becomes of a document, what differs, what overlaps."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fmcsa_orchestrator import CompanyWriteError
from fmcsa_orchestrator.model.documents import differs, has_changes, overlaps, settable, with_values


def test_null_parents_are_replaced_by_objects_with_only_our_values():
    document = {"_id": 1, "fmcsaData": None, "smsBasics": {"own": 1}}
    values = {"fmcsaData.csa.x": 1, "fmcsaData.syncStatus.success": True, "smsBasics.unsafeDriving": 2}
    assert settable(document, values) == {
        "fmcsaData": {"csa": {"x": 1}, "syncStatus": {"success": True}},
        "smsBasics.unsafeDriving": 2,
    }


def test_a_null_further_down_is_replaced_there():
    assert settable({"a": {"b": None, "c": 1}}, {"a.b.x.y": 1, "a.c": 2}) == {"a.b": {"x": {"y": 1}}, "a.c": 2}


@pytest.mark.parametrize("wrong", [[], [1], "text", 5, True])
def test_anything_else_in_the_way_is_named(wrong):
    with pytest.raises(CompanyWriteError, match=r"fmcsaData\.csa is of type .* where an object is expected"):
        settable({"fmcsaData": {"csa": wrong}}, {"fmcsaData.csa.x": 1})


def test_later_sources_see_values_while_the_old_document_stays():
    before = {"a": {"b": 1, "c": {"d": 2}}, "n": None}
    after = with_values(before, {"a.c.d": 3, "n.m": 4, "new": 5})
    assert after == {"a": {"b": 1, "c": {"d": 3}}, "n": {"m": 4}, "new": 5}
    assert before == {"a": {"b": 1, "c": {"d": 2}}, "n": None}


def test_differences_are_those_that_mongodb_would_hold():
    noon = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
    stored = {"t": datetime(2026, 1, 1, 12, 0, 0, 123000), "l": [1, {"a": 2}]}
    assert not differs(stored["t"], noon.astimezone(timezone(timedelta(hours=2))))
    assert not differs(stored["l"], (1, {"a": 2.0}))
    assert differs(None, 0)
    assert not has_changes(stored, {"t": noon, "gone.x": None})
    assert has_changes(stored, {"t": noon, "l": [1, {"a": 3}], "gone.x": None})


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("a.b", "a", True), ("a", "a.b.c", True), ("a.b", "a.bc", False), ("a", "a", True)]
)
def test_paths_overlap_by_whole_names(a, b, expected):
    assert overlaps(a, b) is expected


class Untouched:
    """A value that is not looked at."""

    def __eq__(self, other):
        pytest.fail("compared")

    __hash__ = None

    def __repr__(self):
        pytest.fail("made canonical")


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ({"a": 1, "b": Untouched()}, {"a": 2, "b": Untouched()}),
        ({"a": {"b": 1, "c": Untouched()}, "d": Untouched()}, {"a": {"b": "1", "c": 1}, "d": 1}),
        ([1, Untouched()], [2, Untouched()]),
        ([Untouched()], [Untouched(), Untouched()]),
        ({"a": Untouched()}, "text"),
        (None, {"a": Untouched()}),
        ([Untouched()], {"a": Untouched()}),
    ],
)
def test_comparing_ends_at_the_first_difference(stored, value):
    assert differs(stored, value)
