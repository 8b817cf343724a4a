"""Properties of the pure core: row diff, dotted paths, status, hashes and redaction, against small models of what they stand for."""

import itertools
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus
from uuid import UUID

import bson
import pytest
from bson import CodecOptions, Int64, ObjectId
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from yarl import URL

from fmcsa_orchestrator import (
    Company,
    CompanyWriteError,
    Document,
    ImplausibleEmptyError,
    Outcome,
    SourceFailure,
    SourceOutcome,
    UsdotNumber,
)
from fmcsa_orchestrator.model.documents import (
    changed_paths,
    check_settable,
    content_hash,
    differs,
    dig,
    overlaps,
    settable,
    with_values,
)
from fmcsa_orchestrator.observability.redaction import redact
from fmcsa_orchestrator.storage.mongodb.driver import translated
from fmcsa_orchestrator.storage.row_diff import IMPLAUSIBLE_LOSS, PROJECTION, plan_rows, scope_of
from fmcsa_orchestrator.storage.sync_status import STATUS, camel_case, is_current, status_update
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from tests.support.strategies import often

START = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HEX, UUID_TEXT = "0123456789abcdef01234567", "12345678-1234-5678-1234-567812345678"


# --- row diff


COMPANY_IDS = [7, "7", "7:1", '"7"', "7%3A1", ObjectId(HEX), HEX, UUID(UUID_TEXT), UUID_TEXT, 7.5, "7.5"]
contents = st.fixed_dictionaries({"a": st.integers(0, 2) | st.sampled_from([None, "0", True])})
upstreams = st.dictionaries(st.sampled_from(["1", "1:1", "2", "x", "%3A", '"', "7:1"]), contents)


def finished(coroutine):
    """The result of a coroutine that, with so few rows, never waits."""
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    return stopped.value.value


class RowsOfManyCompanies(RuleBasedStateMachine):
    """Each rule is one sync of one company; the model is what upstream said of it last, and when each row was first seen."""

    def __init__(self):
        super().__init__()
        self.store, self.at = {}, START
        self.upstream = {company: {} for company in COMPANY_IDS}
        self.first_seen, self.last_content = {}, {}

    def plan(self, company, documents, usdot):
        stored = {
            row_id: {name: row[name] for name in PROJECTION if name in row}
            for row_id, row in self.store.items()
            if row["companyId"] == company
        }
        return finished(plan_rows(stored, documents, company, usdot, self.at))

    def apply(self, company, plan):
        for row in plan.replace:
            assert row["_id"] not in self.store or self.store[row["_id"]]["companyId"] == company
            self.store[row["_id"]] = row
        for row_id in plan.end:
            assert self.store[row_id]["companyId"] == company
            self.store[row_id] = {**self.store[row_id], "current": False, "endedAt": self.at}

    @rule(
        company=st.sampled_from(COMPANY_IDS),
        rows=upstreams,
        usdot=st.sampled_from([7, 8]),
        kept_years=st.sampled_from([None, 0, 2]),
    )
    def sync(self, company, rows, usdot, kept_years):
        self.at += DAY
        until = None if kept_years is None else self.at + 365 * kept_years * DAY
        documents = [Document(row_id, content, until) for row_id, content in rows.items()]
        before = deepcopy(self.store)
        try:
            plan = self.plan(company, documents, usdot)
        except ImplausibleEmptyError:
            assert not rows
            assert len(self.upstream[company]) >= IMPLAUSIBLE_LOSS
            assert self.store == before
            return
        other_order = self.plan(company, documents[::-1], usdot)
        assert {row["_id"]: row for row in other_order.replace} == {row["_id"]: row for row in plan.replace}
        assert set(other_order.end) == set(plan.end)
        self.apply(company, plan)
        assert self.plan(company, documents, usdot).size == 0
        self.upstream[company] = rows
        for row_id, content in rows.items():
            self.first_seen.setdefault((company, row_id), self.at)
            self.last_content[company, row_id] = content

    @invariant()
    def current_rows_are_upstreams_and_ended_ones_keep_their_content(self):
        rows = {(row["companyId"], row["_id"].removeprefix(scope_of(row["companyId"]))): row for row in self.store.values()}
        assert len(rows) == len(self.store)
        assert rows.keys() == self.last_content.keys()
        for (company, row_id), row in rows.items():
            assert row["current"] == (row_id in self.upstream[company])
            assert row["firstSeen"] == self.first_seen[company, row_id]
            assert repr(row["a"]) == repr(self.last_content[company, row_id]["a"])
            assert ("endedAt" in row) != row["current"]


TestRowsOfManyCompanies = RowsOfManyCompanies.TestCase
TestRowsOfManyCompanies.settings = settings(max_examples=200, stateful_step_count=10)

company_ids = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.sampled_from('07-":%3A.<>ab'), max_size=8),
    st.text(),
    st.floats(allow_nan=False).filter(lambda number: not number.is_integer()),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.binary(min_size=12, max_size=12).map(lambda raw: str(ObjectId(raw))),
    st.uuids(),
    st.uuids().map(str),
    st.dictionaries(st.sampled_from("ab:"), st.text(st.sampled_from(":ab"), max_size=3), max_size=2),
)


@often
@given(company_ids, company_ids.flatmap(lambda other: st.sampled_from([other, str(other), scope_of(other)[:-1]])))
def test_no_row_id_of_one_company_can_be_one_of_another(one, other):
    assume(one != other)
    assert not scope_of(one).startswith(scope_of(other))
    assert scope_of(one) != scope_of(str(one)) or isinstance(one, str)


# --- dotted paths


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


@settings(max_examples=400)
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
    assert changed_paths(after, update) == changed_paths(as_stored(after), update) == []
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


# --- status


SOURCES = ("csa_scores", "violations", "own")
reports = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(Outcome),
        "changed": st.booleans(),
        "version": st.sampled_from(["v1", "v2", None]),
        "rows": st.none() | st.integers(0, 9),
        "data_as_of": st.none() | st.just(START),
        "error": st.text(st.characters(), max_size=20) | st.just("x" * 2_000) | st.just("\ud800" * 600),
    }
).filter(lambda report: not (report["changed"] and report["outcome"] is Outcome.SKIPPED))
syncs = st.lists(st.tuples(st.dictionaries(st.sampled_from(SOURCES), reports), st.sampled_from([7, 8])), max_size=6)


@often
@given(syncs)
def test_the_status_never_says_more_than_what_happened(history):
    document, last_success, holds, at = {"_id": 1}, {}, {}, START
    for sources, usdot in history:
        at += DAY
        outcomes, failures = [], []
        for source, report in sources.items():
            facts = {name: value for name, value in report.items() if name != "error"}
            outcomes.append(SourceOutcome(source=source, **facts))
            if report["outcome"].is_failure:
                fault = Isolation().fault(source, ValueError(report["error"]))
                failures.append(SourceFailure(source=source, error=fault.message, kind=fault.kind, timestamp=at))
                holds[source] = (None, None) if report["changed"] else holds.get(source, (None, None))
            elif report["outcome"] is not Outcome.SKIPPED:
                last_success[source], holds[source] = at, (report["version"], usdot)
        document = with_values(document, settable(document, status_update(outcomes, failures, at, usdot)))
        status = dig(as_stored(document), STATUS)
        assert (status["lastRun"], status["success"]) == (at, not failures)
        assert [error["source"] for error in status["errors"]] == [failure.source for failure in failures]
        assert all(len(error["error"]) <= 500 for error in status["errors"])
        for source in SOURCES:
            stored = dig(status, f"sources.{source}") or {}
            assert stored.get("lastSuccess") == status.get(f"{camel_case(source)}LastSync") == last_success.get(source)
            assert not stored or stored["lastAttempt"] >= stored.get("lastSuccess", START)
            assert source not in sources or (stored["lastAttempt"], stored["outcome"]) == (at, sources[source]["outcome"].value)
            for number, version in itertools.product((7, 8), ("v1", "v2", None)):
                company = Company(1, UsdotNumber(number), None, document)
                expected = version is not None and holds.get(source) == (version, number)
                assert is_current(company, source, version) is expected


# --- redaction


secrets = st.text(min_size=4, max_size=20).filter(lambda text: "*" not in text)
FORMS = [
    str,
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: re.sub("%..", lambda hexed: hexed[0].lower(), quote(text, safe="")),
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: str(URL("https://x").with_query(k=text)).partition("=")[2],
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
]
AROUND = [
    "{}",
    "key {} refused",
    "https://h/p?a=1&k={}&b=2",
    "mongodb://user:{}@host/db",
    "'{}'",
    "webKey={}",
    "Authorization: Bearer {}",
]


@often
@given(secrets, st.sampled_from(FORMS), st.sampled_from(AROUND), st.lists(st.text(max_size=9), max_size=2))
def test_no_form_of_a_secret_is_left(secret, form, around, others):
    text = redact(around.format(form(secret)), [*others, secret])
    assert form(secret) not in text
    assert secret not in text
    if not any(part and part in around for other in others for part in (other, *other)):  # else the words around are hidden too
        assert text.startswith(around.partition("{")[0].rpartition(" ")[0])


@often
@given(st.text(st.sampled_from("abcdefgh %40+"), max_size=30), secrets)
def test_text_without_a_secret_stays_as_it_is(text, secret):
    assert redact(text, [secret, ""]) == text or any(form(secret) in text for form in FORMS)


def test_of_two_secrets_that_begin_alike_the_longer_one_goes_whole():
    assert redact("abcd1234", ["abcd", "abcd1234"]) == "***"


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", "bearer"])
def test_a_header_with_a_scheme_hides_what_follows_it(scheme):
    assert "t0ken" not in redact(f'{{"Authorization": "{scheme} t0ken"}}')


def test_a_long_text_full_of_addresses_is_done_in_no_time():
    text = "://" * 100_000
    assert redact(text, ["secret"]) == text
    assert redact(f"{text}me:pw@host/x") == "://***@host/x"
