"""The page on what is asked of MongoDB names the commands that are sent, and no others."""

import asyncio
import re
import secrets
from datetime import UTC, datetime

from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener

from fmcsa_orchestrator import Delivery, Settings, Subscriber, open_orchestrator
from fmcsa_orchestrator.report.read import read_company, read_fleet
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.storage.mongodb.subscribers import MongoSubscribers
from fmcsa_orchestrator.testing import Fault, Fleet, LocalFmcsa
from tests.support.deliveries import FakeChannels, FlakyReceiver, event
from tests.support.pages import CODE
from tests.support.paths import DOCS
from tests.support.status_samples import AS_OF, SOURCES

OF_THE_DRIVER = {"getMore", "killCursors", "endSessions", "ping", "buildInfo"}
OF_ENDED_ROWS = {"collMod", "dropIndexes"}  # test_ended_rows.py sees them; the embedded server would not show what they do


class Names(CommandListener):
    """The commands that a driver sends, and on what."""

    def __init__(self):
        self.asked = set()
        self.sent = []

    def started(self, event):
        self.sent.append(event.command_name)
        self.asked.add((event.command_name, event.command.get(event.command_name)))

    def succeeded(self, event):
        """Nothing."""

    def failed(self, event):
        """Nothing."""


class Sent(Names):
    """All commands, each as often as it was sent."""

    def __init__(self):
        super().__init__()
        self.names = []

    def started(self, event):
        self.names.append(event.command_name)


async def test_the_page_names_every_command_that_is_sent(wire_uri):
    names, database_name = Names(), f"asked_{secrets.token_hex(4)}"
    client = AsyncMongoClient(wire_uri, tz_aware=True, event_listeners=[names])
    database, fleet = client[database_name], Fleet.uniform(3, violations=5, inspections=5)
    await database["companies"].insert_many([{**document, "_id": n} for n, document in enumerate(fleet.company_documents())])
    names.asked.clear()
    async with LocalFmcsa(fleet) as upstream:
        fast = {"soda_requests_per_second": 1_000, "source_calls_per_second": 1_000}
        settings = Settings(soda_base_url=upstream.soda_url, qcmobile_base_url=upstream.qcmobile_url, **fast)
        async with open_orchestrator(settings, database=database) as orchestrator:
            await orchestrator.prepare()
            await orchestrator.check()
            await orchestrator.plan()
            assert (await orchestrator.sync_all_companies()).success
            upstream.publish(changed=1.0)
            upstream.inject(Fault.bad_value("viol_code", ["x"], one_row=True), dataset="8mt8-2mdr", usdot=fleet.usdots[0])
            assert not (await orchestrator.sync_all_companies()).success
            await orchestrator.sync_company(1, force=True)
            assert await orchestrator.events()
            await orchestrator.health()
    log = MongoEventLog(database)
    delivery = Delivery(log, MongoSubscribers(database), FakeChannels(ours=FlakyReceiver()))
    await delivery.add(Subscriber(name="ours", kind="callable"))
    await log.append([event(1)])
    assert (await delivery.deliver()).accepted == 1
    await delivery.remove("ours")
    names.sent.clear()
    await read_fleet(database, "companies", SOURCES, limit=3)
    assert sorted(names.sent) == ["aggregate", "find", "find", "find"]  # counts; last run, companies, the oldest
    kept = [{"companyId": company, "usdot": fleet.usdots[1], "asOf": AS_OF, "basics": {}} for company in (0, 1)]
    await database["fmcsaHistory"].insert_many(kept)
    names.sent.clear()
    overview = await read_company(database, "companies", "1", SOURCES)
    assert names.sent == ["find"] * 3  # the company, the last run, the history
    assert len(overview.companies[0].history.runs) == 3  # the one of above, and both that were synced
    sent, collections = {name for name, _ in names.asked}, {on for _, on in names.asked if isinstance(on, str)}
    page = (DOCS / "reference" / "mongodb.md").read_text(encoding="utf-8")
    table = page[page.index("## Commands") : page.index("## The least rights")]
    on_the_page = {name for line in table.splitlines() if line.startswith("| `") for name in CODE.findall(line.split("|")[1])}
    assert on_the_page == (sent - OF_THE_DRIVER) | OF_ENDED_ROWS
    role = page[page.index("createRole") : page.index("roles: []")]
    assert collections <= set(re.findall(r'"(\w+)"', role))
    await client.drop_database(database_name)
    await client.close()


async def test_without_events_nothing_is_asked_for_them(wire_uri):
    names, database_name = Names(), f"untold_{secrets.token_hex(4)}"
    client = AsyncMongoClient(wire_uri, tz_aware=True, event_listeners=[names])
    database, fleet = client[database_name], Fleet.uniform(3, violations=5, inspections=5)
    await database["companies"].insert_many([{**document, "_id": n} for n, document in enumerate(fleet.company_documents())])
    commands = {}
    for events in (True, False):
        async with LocalFmcsa(fleet) as upstream:
            fast = {"soda_requests_per_second": 1_000, "source_calls_per_second": 1_000}
            settings = Settings(soda_base_url=upstream.soda_url, qcmobile_base_url=upstream.qcmobile_url, events=events, **fast)
            async with open_orchestrator(settings, database=database) as orchestrator:
                await orchestrator.prepare()
                await orchestrator.sync_all_companies()
                upstream.publish(changed=1.0)
                names.asked.clear()
                assert (await orchestrator.sync_all_companies()).success
                commands[events] = [on for _, on in names.asked]
    assert "fmcsaEvents" in commands[True]
    assert "fmcsaEvents" not in commands[False]
    await client.drop_database(database_name)
    await client.close()


async def test_what_one_process_tells_side_by_side_takes_its_turn(wire_uri):
    sent, database_name = Sent(), f"turns_{secrets.token_hex(4)}"
    client = AsyncMongoClient(wire_uri, tz_aware=True, event_listeners=[sent])
    log = MongoEventLog(client[database_name])
    at = datetime(2026, 6, 1, tzinfo=UTC)
    parts = [[{"id": f"{n}:{place}", "time": at} for place in range(5)] for n in range(8)]
    assert await asyncio.gather(*map(log.append, parts)) == [5] * 8
    assert sent.names.count("insert") == 1 + 8  # the log's beginning, then each part once: nobody was quicker
    await client.drop_database(database_name)
    await client.close()
