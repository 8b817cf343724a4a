"""The log of events: each once, in one order, and a reader who goes on from a place never misses one."""

import asyncio
from datetime import UTC, datetime

import pytest

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, Observation, Severity
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.testing.memory_events import InMemoryEventLog

AT = datetime(2026, 11, 12, 9, tzinfo=UTC)
ALL = Wanted()


def log_of(backend):
    return InMemoryEventLog() if backend.database is None else MongoEventLog(backend.database)


def event(number, *, company="c1", type_="violation.added", severity=Severity.LOW):
    seen = Observation(company, 123, "violations", AT, AT)
    return seen.document(CarrierEvent(type_, f"row-{number}", severity, after={"violationCode": f"393{number}"}))


def ids(events):
    return [document["id"] for document in events]


async def test_each_event_is_kept_once_and_in_order(backend):
    log, events = log_of(backend), [event(number) for number in range(7)]
    assert (await log.last(), await log.append([])) == (0, 0)
    assert await log.append(events[:3]) == 3
    assert await log.append([*events[:5], events[4]]) == 2
    another = log if backend.database is None else log_of(backend)  # as another process has it
    await another.append(events[5:])
    found = await log.read(0, 100, ALL)
    assert ids(found) == ids(events)
    places = [document["_id"] for document in found]
    assert places == sorted(set(places))
    assert places[-1] == await log.last()
    assert {key: found[0][key] for key in events[0]} == events[0]


async def test_a_cursor_goes_on_where_it_was(backend):
    log = log_of(backend)
    events = [event(number) for number in range(10)]
    await log.append(events)
    cursor, seen = 0, []
    while part := await log.read(cursor, 3, ALL):
        seen += ids(part)
        cursor = part[-1]["_id"]
    assert seen == ids(events)


async def test_what_is_wanted_is_picked_by_type_company_and_severity(backend):
    log = log_of(backend)
    await log.append(
        [event(1), event(2, company="c2"), event(3, type_="violation.removed"), event(4, type_="violations.added"),
         event(5, type_="crash.added", severity=Severity.HIGH)]
    )  # fmt: skip
    keys = lambda found: [document["data"]["evidence"]["key"] for document in found]  # noqa: E731  # shorter
    assert keys(await log.read(0, 9, Wanted(types=["violation"]))) == ["row-1", "row-2", "row-3"]
    assert keys(await log.read(0, 9, Wanted(types=["violation.removed", "crash"]))) == ["row-3", "row-5"]
    assert keys(await log.read(0, 9, Wanted(companies=["c2"]))) == ["row-2"]
    assert keys(await log.read(0, 9, Wanted(severities=["high"], types=["crash"]))) == ["row-5"]
    assert keys(await log.read(0, 9, Wanted(types=[".*", "$ne"]))) == []


async def test_all_but_the_last_may_expire_and_places_still_grow(backend):
    if backend.database is None:
        pytest.skip("nothing expires in memory")
    log, events = log_of(backend), backend.database["fmcsaEvents"]
    await log.append([event(1), event(2)])
    await log.append([event(3)])
    last = await log.last()
    assert await events.count_documents({"expiring": {"$lte": AT}}) == 1  # the second was the last for a while: it stays
    await log_of(backend).append([event(0)])
    assert await events.count_documents({"expiring": {"$lte": AT}}) == 3  # until another process writes, or this one a lot
    last = await log.last()
    await events.delete_many({"expiring": {"$lte": AT}})
    fresh = log_of(backend)
    await fresh.append([event(4)])
    assert await fresh.last() == last + 1


@pytest.mark.parametrize("backend", ["wire-motor", "wire-pymongo"], indirect=True)
async def test_writers_at_once_lose_nothing_and_a_reader_meanwhile_misses_nothing(backend):
    writers = [[event(number) for number in range(start, start + 40)] for start in (0, 40, 80, 120)]
    expected = {document["id"] for part in writers for document in part}
    seen, done = [], asyncio.Event()

    async def write(events):
        log = log_of(backend)
        for start in range(0, len(events), 4):
            await log.append(events[start : start + 4])

    async def read():
        log, cursor = log_of(backend), 0
        while True:
            was_done = done.is_set()
            part = await log.read(cursor, 7, ALL)
            if part:
                cursor = part[-1]["_id"]
                seen.extend(ids(part))
            elif was_done:
                return

    reader = asyncio.create_task(read())
    await asyncio.gather(*map(write, writers))
    done.set()
    await reader
    assert sorted(seen) == sorted(expected)
