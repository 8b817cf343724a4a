"""The proxy itself: what it lets through is whole, and what it makes up reaches the driver as MongoDB would send it."""

import asyncio

import pytest
from pymongo import UpdateOne
from pymongo.errors import AutoReconnect, BulkWriteError, CursorNotFound, NotPrimaryError, OperationFailure

from tests.support import wire_proxy as wire
from tests.support.backends import closed
from tests.support.passing_time import until
from tests.support.world import connect


@pytest.fixture
async def proxy(wire_uri):
    async with wire.WireProxy(wire_uri) as proxy:
        yield proxy


@pytest.fixture(params=["motor", "pymongo"])
async def collection(request, proxy):
    async with closed(connect(request.param, proxy.uri)) as client:
        collection = client["wire"][f"through_{request.param}"]
        await collection.insert_many([{"_id": number, "n": 0} for number in range(40)])
        yield collection
        proxy.fault = None
        await collection.drop()


def add_one():
    return [UpdateOne({"_id": number}, {"$set": {"n": 1}}) for number in range(40)]


async def test_without_a_fault_all_goes_through(proxy, collection):
    assert (await collection.bulk_write(add_one(), ordered=False)).matched_count == 40
    assert len(await collection.find({"n": 1}).batch_size(7).to_list(None)) == 40
    assert {"insert", "update", "find", "getMore"} == set(proxy.commands)


@pytest.mark.parametrize("code", [64, 91])
async def test_written_but_not_to_a_majority(proxy, collection, code):
    proxy.fault = wire.not_safe(code)
    with pytest.raises(BulkWriteError) as raised:
        await collection.bulk_write(add_one(), ordered=False)
    assert raised.value.details["writeErrors"] == []
    assert [error["code"] for error in raised.value.details["writeConcernErrors"]] == [code]
    assert await collection.count_documents({"n": 1}) == 40


@pytest.mark.parametrize(("code", "kind"), [(10107, NotPrimaryError), (189, NotPrimaryError), (16500, OperationFailure)])
async def test_refused_and_not_done(proxy, collection, code, kind):
    proxy.fault = wire.refused(code, times=1)
    with pytest.raises(kind) as raised:
        await collection.bulk_write(add_one(), ordered=False)
    assert raised.value.details["code"] == code
    assert await collection.count_documents({"n": 1}) == 0
    assert (await collection.bulk_write(add_one(), ordered=False)).matched_count == 40


async def test_each_operation_refused(proxy, collection):
    proxy.fault = wire.each_refused(14031)
    with pytest.raises(BulkWriteError) as raised:
        await collection.bulk_write(add_one(), ordered=False)
    assert [error["code"] for error in raised.value.details["writeErrors"]] == [14031] * 40


async def test_cut_when_it_is_done(proxy, collection):
    proxy.fault = wire.cut_after(times=1)
    with pytest.raises(AutoReconnect):
        await collection.bulk_write(add_one(), ordered=False)
    assert await collection.count_documents({"n": 1}) == 40


async def test_a_stalled_write_is_done_and_not_answered(proxy, collection):
    proxy.fault = wire.stalled()
    writing = asyncio.ensure_future(collection.bulk_write(add_one(), ordered=False))
    await until(lambda: proxy.waiting == 1)
    proxy.fault = None
    while await collection.count_documents({"n": 1}) < 40:
        assert not writing.done()
    writing.cancel()


async def test_a_slow_answer_comes_when_its_time_has_passed(proxy, collection, jump):
    proxy.fault = wire.slow(5)
    counting = asyncio.ensure_future(collection.count_documents({}))
    await until(lambda: proxy.waiting == 1)
    jump(5)
    assert await counting == 40


async def test_a_cursor_is_lost_after_half_of_its_documents(proxy, collection):
    proxy.fault = wire.cursor_lost(times=1)
    with pytest.raises(CursorNotFound):
        await collection.find({}).to_list(None)
    assert len(await collection.find({}).to_list(None)) == 40


async def test_documents_in_another_order(proxy, collection):
    before = [row["_id"] for row in await collection.find({}).to_list(None)]
    proxy.fault = wire.reordered()
    assert [row["_id"] for row in await collection.find({}).to_list(None)] == before[::-1]
