"""A host's own functions as subscribers."""

import asyncio

import pytest

from fmcsa_orchestrator.model.subscriber import Subscriber
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog
from tests.support.deliveries import event, real


async def world(**attributes):
    log = InMemoryEventLog()
    delivery = real({"ops": ["a-secret-text"]}, log=log, timeout_s=0.2)
    await delivery.add(Subscriber(name="alerts", kind="callable", **attributes), from_start=True)
    await log.append([event(1), event(2)])
    return log, delivery


async def test_it_is_called_for_each_event_plain_or_awaited():
    for is_awaited in (True, False):
        log, delivery = await world()
        got = []

        async def later(notice, got=got):
            await asyncio.sleep(0)
            got.append(notice)

        assert (await delivery.deliver({"alerts": later if is_awaited else got.append})).accepted == 2
        assert [notice.id for notice in got] == [document["id"] for document in log.events]
        assert got[0].events[0]["data"] == log.events[0]["data"]
        assert "_id" not in got[0].events[0]


async def test_it_goes_by_the_name_in_the_address():
    _, delivery = await world(address="pager")
    assert (await delivery.deliver({"alerts": print})).subscribers["alerts"].skipped == "this process has no callable of its name"
    got = []
    assert (await delivery.deliver({"pager": got.append})).accepted == 2


async def raise_(error):
    raise error


@pytest.mark.parametrize(
    ("function", "words"),
    [(lambda _: 1 / 0, "the function raised ZeroDivisionError"), (lambda _: raise_(asyncio.CancelledError()), "CancelledError"),
     (lambda _: raise_(TimeoutError("mine")), "TimeoutError: mine"), (lambda _: raise_(ValueError("a-secret-text")), "ValueError: ***"),
     (lambda _: asyncio.Event().wait(), "not returned within 0.2 s")],
)  # fmt: skip
async def test_one_that_fails_is_called_again_later(function, words):
    _, delivery = await world()
    told = (await delivery.deliver({"alerts": function})).subscribers["alerts"]
    assert words in told.error
    assert told.accepted == 0
    await delivery.resume("alerts")
    got = []
    assert (await delivery.deliver({"alerts": got.append})).accepted == 2


async def test_our_own_cancellation_passes():
    _, delivery = await world()
    began = asyncio.Event()

    async def hang(notice):
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(delivery.deliver({"alerts": hang}))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
