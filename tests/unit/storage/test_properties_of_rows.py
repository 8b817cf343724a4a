"""Properties of the row diff, against a model of many companies in one collection."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from bson import Binary, ObjectId
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fmcsa_orchestrator import Document, ImplausibleEmptyError
from fmcsa_orchestrator.storage.row_diff import IMPLAUSIBLE_LOSS, PROJECTION, plan_rows, scope_of
from tests.support.strategies import often

START = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HEX, UUID_TEXT = "0123456789abcdef01234567", "12345678-1234-5678-1234-567812345678"

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
TestRowsOfManyCompanies.settings = settings(often, stateful_step_count=10)
company_ids = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.text(st.sampled_from('07-":%3A.<>ab'), max_size=8),
    st.text(),
    st.floats(allow_nan=False).filter(lambda number: not number.is_integer()),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.binary(min_size=12, max_size=12).map(lambda raw: str(ObjectId(raw))),
    st.uuids(),
    st.uuids().map(str),
    st.builds(Binary, st.binary(max_size=2), st.integers(1, 255)) | st.binary(max_size=2),
    st.dictionaries(st.sampled_from("ab:"), st.text(st.sampled_from(":ab"), max_size=3), max_size=2),
)


def others_of(binary):
    """Of a binary id, the same bytes of another kind."""
    return [Binary(binary, binary.subtype % 255 + 1)] if isinstance(binary, Binary) else []


@often
@given(
    company_ids, company_ids.flatmap(lambda other: st.sampled_from([other, str(other), scope_of(other)[:-1], *others_of(other)]))
)
@example(Binary(b"x", 3), Binary(b"x", 5))
def test_no_row_id_of_one_company_can_be_one_of_another(one, other):
    assume(one != other)
    assert not scope_of(one).startswith(scope_of(other))
    assert scope_of(one) != scope_of(str(one)) or isinstance(one, str)
