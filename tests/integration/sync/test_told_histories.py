"""Random histories of upstream and of syncs, some of which fail, are cancelled, killed, or done by two hosts: what is told is true.

The truth is the difference between two states of the double, told apart from the sources.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmcsa_orchestrator import open_orchestrator
from fmcsa_orchestrator.model.documents import with_values
from fmcsa_orchestrator.model.status import LEASE
from fmcsa_orchestrator.sources.sms.dates import sms_date, two_years_after
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.world import INSPECTIONS, VIOLATIONS, open_world

CENSUS, ORDERS, MCMIS, SMS_CRASHES = "az4n-8mr2", "p2mt-9ige", "aayw-vxb3", "4wxs-vbns"
DAILY = (CENSUS, ORDERS, MCMIS)
SOURCES = ("violations", "inspections", "registration", "crashes", "out_of_service_orders")
TOLD = {
    "inspection.added", "inspection.removed", "violation.added", "violation.removed", "crash.added", "crash.removed",
    "oos_order.issued", "oos_order.rescinded", "identity.phone_changed",
}  # fmt: skip
WRITING = ("whole_rows", "write_rows", "save", "append")
FAULTS = (
    lambda _: Fault.missing_column("dot_number"),
    lambda _: Fault.empty_dataset(),
    lambda dataset: Fault.bad_value(COLUMNS[dataset], ["x"], one_row=True),
)
COLUMNS = {
    INSPECTIONS: "insp_date", VIOLATIONS: "viol_code", CENSUS: "legal_name", ORDERS: "oos_reason", MCMIS: "report_number",
    SMS_CRASHES: "report_number",
}  # fmt: skip


def rows_of(fleet, dataset):
    return [(usdot, row) for usdot in fleet.usdots for row in fleet.rows(dataset, usdot)]


def state_of(fleet):
    """What there is upstream, as fact -> value: a day for what leaves SMS by itself, a number for what there may be twice."""
    facts = {}
    for usdot, row in rows_of(fleet, INSPECTIONS):
        facts["inspection", usdot, row["unique_id"]] = sms_date(row["insp_date"])
    violations = Counter(
        (usdot, row["unique_id"], row["viol_code"], row["insp_date"]) for usdot, row in rows_of(fleet, VIOLATIONS)
    )
    for (usdot, key, code, day), number in violations.items():
        facts |= {("violation", usdot, f"{key}:{code}:{n}"): sms_date(day) for n in range(number)}
    known = {(usdot, row["report_state"], row["report_number"]) for usdot, row in rows_of(fleet, MCMIS)}
    confirmed = {
        (usdot, row["report_state"], row["report_number"]) for usdot, row in rows_of(fleet, MCMIS) if row["ci_status_code"] == "C"
    }
    confirmed |= {
        (usdot, row["report_state"], row["report_number"].upper()) for usdot, row in rows_of(fleet, SMS_CRASHES)
    } - known
    facts |= {("crash", usdot, f"{state}:{number}"): True for usdot, state, number in confirmed}
    for usdot, row in rows_of(fleet, ORDERS):
        facts["order", usdot, f"{row['oos_date']}:{row['oos_reason']}"] = "rescinded" if "rescind_date" in row else "inForce"
    for usdot, row in rows_of(fleet, CENSUS):
        facts["phone", usdot, "contact.phone"] = row["phone"]
    return facts


def difference(old, new):
    """What is to be told of it: type, USDOT number, key."""
    events = set()
    for kind, usdot, key in old.keys() | new.keys():
        before, after = old.get((kind, usdot, key)), new.get((kind, usdot, key))
        if before == after:
            continue
        if kind == "order" and (before, after) == ("rescinded", None):
            continue
        if kind == "order":
            events.add(("oos_order.issued" if after == "inForce" else "oos_order.rescinded", usdot, key))
        elif kind == "phone":
            events.add(("identity.phone_changed", usdot, key))
        elif before is None:
            events.add((f"{kind}.added", usdot, key))
        elif after is None and (before is True or two_years_after(before) > datetime.now(UTC)):
            events.add((f"{kind}.removed", usdot, key))
    return events


def told(events):
    """The same of the log; violations that are alike are counted."""
    found, alike = [], Counter()
    for event in events:
        data, kind = event["data"], event["type"].removeprefix("fmcsa.")
        key = data["evidence"]["key"]
        if kind.startswith("violation."):
            row = data["after"] or data["before"]
            key = f"{row['uniqueId']}:{row['violationCode']}"
            place = kind, data["usdot"], key, data["dataAsOf"]
            alike[place] += 1
            key = f"{key}:{alike[place] - 1}"
        if kind in TOLD:
            found.append((kind, data["usdot"], key))
    return found


class Killed(BaseException):
    """The process is gone."""


class Mortal:
    """Hands everything to what it stands for, until the process is killed: before or after a call of the store."""

    def __init__(self, inner, fate):
        self._inner = inner
        self._fate = fate

    def __getattr__(self, name):
        call = getattr(self._inner, name)
        if name not in WRITING:
            return call

        async def mortal(*arguments, **options):
            self._die(0)
            answer = await call(*arguments, **options)
            self._die(1)
            return answer

        return mortal

    def _die(self, passed):
        self._fate[0] -= passed
        if self._fate[0] <= 0 and (passed or self._fate[1]):
            self._fate[0] = 0
            raise Killed


class History:
    """One world, and what was seen of it."""

    def __init__(self, world):
        self.world = world
        self.fleet = world.fleet
        self.seen = [state_of(world.fleet)]  # since the last sync that was whole
        self.place = 0

    async def run(self, kind, number, share):
        await getattr(self, kind)(number, share)

    async def publish(self, number, share):
        if number % 2:
            self.fleet.publish(changed=share)
        else:
            self.fleet.publish_daily(DAILY[number // 2 % len(DAILY)], changed=share)

    async def sync(self, number, share):
        """A whole one: now everything has been told."""
        self.seen.append(state_of(self.fleet))
        for _ in range(5):
            summary = await self._opened(lambda one: one.sync_all_companies(force=share > 0.7))
            if summary.success:
                break
        assert summary.success, summary.errors
        events = await self.world.event_log.read(self.place, 100_000, Wanted())
        found = told(events)
        assert not difference(self.seen[0], self.seen[-1]) - set(found)  # none is lost
        possible = set().union(*(difference(old, new) for place, old in enumerate(self.seen) for new in self.seen[place + 1 :]))
        assert not set(found) - possible  # none is made up
        if len(self.seen) == 2:
            assert len(found) == len(set(found))
        everything = await self.world.event_log.read(0, 100_000, Wanted())
        assert len({event["id"] for event in everything}) == len(everything)
        self.seen = [self.seen[-1]]
        self.place = await self.world.event_log.last()

    async def faulty(self, number, share):
        self.seen.append(state_of(self.fleet))
        dataset = list(COLUMNS)[number % len(COLUMNS)]
        fault = FAULTS[number // len(COLUMNS) % len(FAULTS)](dataset)
        injection = self.world.upstream.inject(fault, dataset=dataset)
        await self._opened(lambda one: one.sync_all_companies())
        injection.remove()

    async def killed(self, number, share):
        """At a call of the store; or before the process gets to it, which then ends well."""
        self.seen.append(state_of(self.fleet))
        fate = [1 + number % 12, share > 0.5]
        with suppress(Killed):
            await self._opened(lambda one: one.sync_all_companies(force=share > 0.8), fate)
        self._run_out()

    async def cancelled(self, number, share):
        self.seen.append(state_of(self.fleet))

        async def cut(one):
            task = asyncio.create_task(one.sync_all_companies(force=share > 0.8))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        await self._opened(cut)
        self._run_out()

    async def two(self, number, share):
        self.seen.append(state_of(self.fleet))
        usdot = self.fleet.usdots[number % len(self.fleet)]
        await asyncio.gather(
            self._opened(lambda one: one.sync_all_companies()),
            self._opened(lambda one: one.sync_company(usdot, force=share > 0.5)),
            self._opened(lambda one: one.sync_all_companies()),
            return_exceptions=True,
        )

    async def _opened(self, work, fate=None):
        world = self.world
        if world.database is not None:
            lent = {"database": world.database}
        else:
            lent = {"repository": world.memory, "event_log": world.event_log, "history": world.history}
            lent = lent if fate is None else {name: Mortal(part, fate) for name, part in lent.items()}
        async with open_orchestrator(world.settings, **lent) as orchestrator:
            return await work(orchestrator)

    def _run_out(self):
        memory = self.world.memory
        for key, company in memory.companies.items():
            memory.companies[key] = with_values(company, {f"{LEASE}expiresAt": None})
        for lease in memory.run_leases.documents.values():
            lease["expiresAt"] = None


async def lived(store, uri, seed, steps):
    fleet = Fleet.uniform(3, violations=5, inspections=4, seed=seed)
    async with open_world(store, uri, fleet=fleet, sources=SOURCES) as world:
        history = History(world)
        await history.sync(0, 0)
        assert history.place == 0  # the baseline
        for step in steps:
            await history.run(*step)
        await history.sync(0, 0)


SHARES = st.floats(0, 1, allow_nan=False)
KINDS = ("publish", "publish", "publish", "sync", "faulty", "killed", "cancelled", "two")
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 400), SHARES), min_size=3, max_size=9)


class TestHistories:
    @settings(max_examples=2 * settings.default.max_examples)
    @given(st.integers(0, 10_000), STEPS)
    def test_what_is_told_is_what_has_changed(self, seed, steps):
        with asyncio.Runner() as runner:
            runner.run(lived("memory", None, seed, steps))

    @pytest.mark.parametrize("store", ["motor", "pymongo"])
    async def test_it_is_so_in_mongodb(self, store, wire_uri):
        await lived(
            store, wire_uri, 7, [("publish", 1, 0.9), ("two", 1, 0.9), ("publish", 0, 0.5), ("publish", 2, 0.5), ("two", 2, 0)]
        )
