"""Properties of documents: dotted paths and hashes, against small models of what MongoDB does."""

import itertools
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from uuid import UUID

import bson
import pytest
from bson import CodecOptions, Int64, ObjectId
from hypothesis import assume, given
from hypothesis import strategies as st

from fmcsa_orchestrator import CompanyWriteError, Outcome
from fmcsa_orchestrator.model.documents import (
    check_settable,
    content_hash,
    differs,
    dig,
    has_changes,
    overlaps,
    settable,
    with_values,
)
from fmcsa_orchestrator.storage.mongodb.driver import translated
from tests.support.strategies import often, very_often

HEX, UUID_TEXT = "0123456789abcdef01234567", "12345678-1234-5678-1234-567812345678"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=3),
    st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1), timezones=st.none() | st.just(UTC)),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=4,
)
documents = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        scalars | st.none(),
        lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3) | st.lists(inner, max_size=1),
        max_leaves=8,
    ),
)
all_paths = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map(".".join)


def without_overlaps(paths):
    kept = []
    for path in paths:
        if not any(overlaps(path, other) for other in kept):
            kept.append(path)
    return kept


updates = st.lists(st.tuples(all_paths, values), max_size=6).map(
    lambda pairs: {path: dict(pairs)[path] for path in without_overlaps(path for path, _ in pairs)}
)


def mongodb_set(document, update):
    """What MongoDB makes of a `$set`: it goes through objects, makes those that are missing, and refuses anything else."""
    document = deepcopy(document)
    for path, value in update.items():
        *folders, last = path.split(".")
        node = document
        for key in folders:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise TypeError(f"cannot create a field in {node!r}")
        node[last] = value
    return document


def is_blocked(document, path):
    """Whether the path leads through something that is neither an object, nor null, nor missing."""
    node = document
    for key in path.split(".")[:-1]:
        node = node.get(key)
        if not isinstance(node, dict):
            return node is not None
    return False


def as_stored(document):
    return bson.decode(bson.encode(document), CodecOptions(tz_aware=True))


@very_often
@given(documents, updates)
def test_a_set_does_what_with_values_says_and_nothing_else(document, update):
    before = repr(document)
    if any(is_blocked(document, path) for path in update):
        for refuses in (check_settable, settable):
            with pytest.raises(CompanyWriteError, match="object is expected"):
                refuses(document, update)
        return
    check_settable(document, update)
    after = with_values(document, update)
    assert repr(mongodb_set(document, settable(document, update))) == repr(after)
    assert repr(document) == before
    assert all(dig(after, path) is value for path, value in update.items())
    assert not has_changes(after, update)
    assert not has_changes(as_stored(after), update)
    for path in ("a", "a.b", "b.a.d", "c", "d.d"):
        if dig(document, path) is not None and not any(overlaps(path, other) for other in update):
            assert dig(after, path) is dig(document, path)


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Each is something else to MongoDB than every other one; 1 and 1.0 are kept apart by the hash, since they are stored differently.
DIFFERENT = [
    *(None, False, True, 0, 1, -1, 2**62, 0.5, "", "0", "1", "1.0", "true", "True", "None", "null", "[]", "{}", "\0", HEX),
    *(ObjectId(HEX), f"ObjectId('{HEX}')", NOON, NOON + timedelta(milliseconds=1), NOON.isoformat(), "2026-01-01T12:00:00Z"),
    *(b"1", b"", UUID(UUID_TEXT), UUID_TEXT, [], {}, [[]], [None], [1], [1, 1], [[1]], ["1"], {"a": 1}, {"a": "1"}, {"a": True}),
    *({"a": None}, {"b": 1}, {"a": 1, "b": None}, [["a", 1]], {"a": NOON}, {"$date": NOON.isoformat()}, int(NOON.timestamp() * 1000)),
]  # fmt: skip
NESTED = [lambda value: value, lambda value: [value], lambda value: {"x": [1, {"y": value}]}]


@pytest.mark.parametrize("nested", NESTED)
def test_what_differs_in_mongodb_differs_in_hash_and_is_written(nested):
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert content_hash({"a": nested(one)}) != content_hash({"a": nested(other)}), (one, other)
        assert differs(nested(one), nested(other)), (one, other)
        assert differs(nested(other), nested(one)), (one, other)
    assert content_hash({"a": nested(1)}) != content_hash({"a": nested(1.0)})


SAME = [
    (NOON, NOON.replace(tzinfo=None)),
    (NOON, NOON + timedelta(microseconds=999)),
    (1, Int64(1)),
    ([1, "a"], (1, "a")),
    ("changed", Outcome.CHANGED),
    ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
    (float("nan"), float("nan")),
]


@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_mongodb_holds_alike_is_alike(one, other, nested):
    assert content_hash({"a": nested(one)}) == content_hash({"a": nested(other)})
    assert not differs(nested(one), nested(other))


def reordered(value):
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@often
@given(st.dictionaries(st.text(max_size=3), values, max_size=5), st.data())
def test_a_hash_is_of_the_content_in_any_order_and_outlives_being_stored(content, data):
    assume(not any("\0" in name for name in content))
    digest = content_hash(content)
    assert content_hash(reordered(content)) == content_hash(as_stored(content)) == digest
    name, value = data.draw(st.text(max_size=3)), data.draw(values)
    if differs(content.get(name, "\0absent"), value):
        assert content_hash({**content, name: value}) != digest
    for gone in content:
        assert content_hash({key: content[key] for key in content if key != gone}) != digest


@pytest.mark.parametrize("value", ["\ud800", 2**64, object(), {1: 2}, {"a\0": 1}])
def test_what_mongodb_cannot_hold_is_the_fault_of_that_company(value):
    with pytest.raises(CompanyWriteError, match="cannot write"), translated("cannot write"):
        bson.encode({"a": value})
