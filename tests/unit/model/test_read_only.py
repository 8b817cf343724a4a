"""A document shown to sources: it reads like any other, by whatever reads dicts and lists, and cannot be changed at any depth."""

import copy
import json
import pickle

import pydantic
import pytest
from bson import encode

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.read_only import ReadOnlyObject


def raw():
    return {"a": {"b": [{"c": 1}, [2, {"d": 3}], "x"], "e": {"f": {"g": 1}}}, "n": 1, "none": None}


CHANGES = {
    "set": lambda doc: doc.__setitem__("n", 2),
    "set deep": lambda doc: doc["a"]["e"]["f"].__setitem__("g", 2),
    "delete": lambda doc: doc.__delitem__("n"),
    "clear": lambda doc: doc["a"].clear(),
    "pop": lambda doc: doc["a"].pop("b"),
    "popitem": lambda doc: doc.popitem(),
    "update": lambda doc: doc.get("a").update(n=1),
    "or in place": lambda doc: doc["a"].__ior__({"n": 1}),
    "setdefault": lambda doc: doc["a"].setdefault("new", {}),
    "append": lambda doc: doc["a"]["b"].append(1),
    "set in a list": lambda doc: doc["a"]["b"].__setitem__(0, 1),
    "delete in a list": lambda doc: doc["a"]["b"].__delitem__(0),
    "extend": lambda doc: doc["a"]["b"].extend([1]),
    "add in place": lambda doc: doc["a"]["b"].__iadd__([1]),
    "multiply in place": lambda doc: doc["a"]["b"].__imul__(2),
    "insert": lambda doc: doc["a"]["b"][1].insert(0, 1),
    "remove": lambda doc: doc["a"]["b"].remove("x"),
    "sort": lambda doc: doc["a"]["b"].sort(key=str),
    "reverse": lambda doc: doc["a"]["b"].reverse(),
    "pop of a list": lambda doc: doc["a"]["b"].pop(),
    "clear of a list": lambda doc: doc["a"]["b"].clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_to_change_it_raises(change):
    document = raw()
    with pytest.raises(TypeError, match=r"SourceReport\.fields"):
        change(ReadOnlyObject(document))
    assert document == raw()


WAYS = [
    lambda doc: doc,
    dict,
    lambda doc: {**doc},
    lambda doc: dict(doc.items()),
    lambda doc: list(doc.values()),
    lambda doc: doc.copy(),
    copy.copy,
    copy.deepcopy,
    lambda doc: pickle.loads(pickle.dumps(doc)),  # our own
    lambda doc: doc | {},
    lambda doc: {} | doc,
    lambda doc: [*doc["a"]["b"]],
    lambda doc: doc["a"]["b"][:],
    lambda doc: doc["a"]["b"] + [1],  # that is the way
    lambda doc: [1] + doc["a"]["b"],
    lambda doc: doc["a"]["b"] * 2,
    lambda doc: 2 * doc["a"]["b"],
    lambda doc: doc["a"]["b"].copy(),
    lambda doc: copy.copy(doc["a"]["b"]),
    lambda doc: copy.deepcopy(doc["a"]["b"]),
    lambda doc: pickle.loads(pickle.dumps(doc["a"]["b"])),
    lambda doc: list(reversed(doc["a"]["b"])),
    lambda doc: sorted(doc["a"]["b"], key=str),
    lambda doc: pydantic.TypeAdapter(dict[str, pydantic.JsonValue]).validate_python(doc),
]


def spoil(value):
    """Change whatever of it can be changed."""
    for part in [value, *(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())]:
        try:
            if isinstance(part, dict):
                part["spoilt"] = True
            elif isinstance(part, list):
                part.append("spoilt")
        except TypeError:
            pass
        if part is not value:
            spoil(part)


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_copying_it_leads_back_to_the_document(way):
    document = raw()
    spoil(way(ReadOnlyObject(document)))
    assert document == raw()


def test_a_deep_copy_can_be_changed_throughout():
    document = copy.deepcopy(ReadOnlyObject(raw()))
    document["a"]["e"]["f"]["g"] = 2
    document["a"]["b"][1].append(4)
    assert (document["a"]["e"]["f"]["g"], document["a"]["b"][1][-1]) == (2, 4)
    copied = copy.deepcopy(ReadOnlyObject(raw())["a"]["b"])
    copied[0]["c"] = 2
    assert copied[0] == {"c": 2}


def test_it_reads_like_the_document():
    shown, document = ReadOnlyObject(raw()), raw()
    assert shown == document
    assert (len(shown), list(shown), "n" in shown, shown.keys()) == (3, list(document), True, document.keys())
    assert json.dumps(shown) == json.dumps(document)
    assert encode(shown) == encode(document)
    assert dig(shown, "a.e.f.g") == 1
    assert (shown.get("a", {}).get("none"), shown.get("none"), shown.get("gone", 7)) == (None, None, 7)
    assert shown["a"]["b"][-1] == "x"
    assert isinstance(shown["a"]["b"], list)
    assert repr(shown) == repr(document)

    class Inner(pydantic.BaseModel):
        b: list[object]
        e: dict[str, dict[str, int]]

    class Outer(pydantic.BaseModel):
        a: Inner
        n: int

    assert Outer.model_validate(shown) == Outer.model_validate(document)
    match shown:
        case {"a": {"e": {"f": {"g": found}}}}:
            assert found == 1
