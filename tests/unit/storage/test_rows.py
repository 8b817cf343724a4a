"""The row diff: what is new, changed, gone or back again, and what is not believed."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator import Document, ImplausibleEmptyError, MalformedPayloadError
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.storage.row_diff import IMPLAUSIBLE_LOSS, plan_rows, scope_of

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
USDOT = 1021580


async def plan(stored, documents, at=NOW, usdot=USDOT):
    return await plan_rows(stored, documents, "c1", usdot, at)


def apply(stored, made, at):
    result = {**stored, **{row["_id"]: row for row in made.replace}}
    for row_id in made.end:
        result[row_id] = {**result[row_id], "current": False, "endedAt": at}
    return result


def rows(*contents, until=None):
    return [Document(str(number), content, until) for number, content in enumerate(contents)]


async def test_new_rows_carry_all_that_a_host_needs():
    made = await plan({}, rows({"a": 1}, until=LATER))
    (row,) = made.replace
    assert row == {
        "_id": "c1:0",
        "companyId": "c1",
        "usdot": USDOT,
        "current": True,
        "firstSeen": NOW,
        "lastChanged": NOW,
        "expectedUntil": LATER,
        "hash": content_hash({"a": 1}),
        "a": 1,
    }


async def test_equal_rows_are_not_written_whatever_their_order():
    stored = apply({}, await plan({}, rows({"a": 1, "b": 2}, {"a": 2})), NOW)
    assert (await plan(stored, list(reversed(rows({"b": 2, "a": 1}, {"a": 2}))), LATER)).size == 0


async def test_a_changed_row_keeps_when_it_was_first_seen():
    stored = apply({}, await plan({}, rows({"a": 1}, {"a": 2})), NOW)
    made = await plan(stored, rows({"a": 1}, {"a": 3}), LATER)
    assert [(row["_id"], row["firstSeen"], row["lastChanged"]) for row in made.replace] == [("c1:1", NOW, LATER)]


async def test_a_row_that_is_gone_is_ended_once_and_comes_back():
    stored = apply({}, await plan({}, rows({"a": 1}, {"a": 2})), NOW)
    gone = await plan(stored, rows({"a": 1}), LATER)
    assert (gone.replace, gone.end) == ([], ["c1:1"])
    stored = apply(stored, gone, LATER)
    assert (await plan(stored, rows({"a": 1}), LATER)).size == 0
    back = await plan(stored, rows({"a": 1}, {"a": 2}), LATER)
    assert [(row["_id"], row["current"], row["firstSeen"], "endedAt" in row) for row in back.replace] == [
        ("c1:1", True, NOW, False)
    ]


async def test_an_empty_answer_is_not_believed_against_rows_that_should_still_be_there():
    stored = apply({}, await plan({}, rows(*({"a": n} for n in range(IMPLAUSIBLE_LOSS)), until=LATER)), NOW)
    with pytest.raises(ImplausibleEmptyError, match="kept"):
        await plan(stored, [], NOW)
    aged_out = await plan(stored, [], LATER)
    assert len(aged_out.end) == IMPLAUSIBLE_LOSS


async def test_a_few_rows_may_go_and_rows_of_another_number_always():
    few = apply({}, await plan({}, rows(*({"a": n} for n in range(IMPLAUSIBLE_LOSS - 1)))), NOW)
    assert len((await plan(few, [], LATER)).end) == IMPLAUSIBLE_LOSS - 1
    many = apply({}, await plan({}, rows(*({"a": n} for n in range(50)))), NOW)
    assert len((await plan(many, [], LATER, usdot=7)).end) == 50


async def test_two_rows_with_one_id_and_stolen_names_are_refused():
    with pytest.raises(MalformedPayloadError, match="two rows"):
        await plan({}, [Document("x", {"a": 1}), Document("x", {"a": 2})])
    with pytest.raises(MalformedPayloadError, match="companyId"):
        await plan({}, [Document("x", {"companyId": "other"})])


def test_no_two_companies_share_a_row_id():
    hex_id = "0123456789abcdef01234567"
    ids = [7, "7", "7:1", '"7"', "7%3A1", -7, "-7", ObjectId(hex_id), hex_id]
    made = {scope_of(company_id) + row_id for company_id in ids for row_id in ("1", "1:1")}
    assert len(made) == 2 * len(ids)


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.integers(-(2**60), 2**60), st.text(), st.booleans()), max_size=6))
def test_a_hash_depends_on_content_only(content):
    assert content_hash(content) == content_hash(dict(reversed(content.items())))
    assert content_hash(content) != content_hash({**content, "\0new": 1})


@given(st.lists(st.lists(st.integers(0, 3), max_size=8, unique=True), max_size=5))
async def test_after_any_history_current_rows_are_upstreams(history):
    stored = {}
    for day, present in enumerate(history):
        at = NOW + timedelta(days=day)
        made = await plan(stored, [Document(str(n), {"n": n}) for n in present], at)
        stored = apply(stored, made, at)
        assert {row["n"] for row in stored.values() if row["current"]} == set(present)
