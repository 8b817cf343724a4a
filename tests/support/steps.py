"""Calls cut short at a chosen turn of the event loop, and a small world of fakes that shows what is left of them."""

import asyncio
from inspect import iscoroutinefunction

from aiolimiter import AsyncLimiter

from fmcsa_orchestrator import Document, Orchestrator, SourceReport
from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.status import LEASE, STATUS
from fmcsa_orchestrator.testing.fakes import FakeSource, InMemoryRepository


class Yielding:
    """Anything with async methods: each lets go of the event loop before it does its work, and after."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        attribute = getattr(self._inner, name)
        if name.endswith("_leases"):
            return Yielding(attribute)
        if not iscoroutinefunction(attribute):
            return attribute

        async def call(*args, **kwargs):
            await asyncio.sleep(0)
            answer = await attribute(*args, **kwargs)
            await asyncio.sleep(0)
            return answer

        return call


class Batched(FakeSource):
    """Reads all at once; upstream is at `state()`."""

    batch_size = 2

    def __init__(self, name, fetch, state, **options):
        super().__init__(name, fetch, **options)
        self._state = state

    async def fetch_many(self, companies):
        return {company.usdot: await self.fetch(company) for company in companies}

    async def version(self):
        await asyncio.sleep(0)
        return f"v{self._state()}"


class Small:
    """Three companies and a bad one; two sources that say `state`: in fields, in rows, and as their version."""

    def __init__(self, *, plain=True, **options):
        self.state = 1
        self.store = InMemoryRepository(
            [*({"_id": n, "name": f"C{n}", "dotNumber": n + 1} for n in range(3)), {"_id": 9, "dotNumber": "none"}]
        )
        sources = [Batched("batch", self._report("batch"), lambda: self.state)]
        if plain:
            sources.append(FakeSource("plain", self._report("plain")))
        self.names = [source.name for source in sources]
        self.orchestrator = Orchestrator(
            sources=sources,
            repository=Yielding(self.store),
            limiter=AsyncLimiter(10_000, 1),
            batch_size=2,
            **{"company_timeout_s": 10_000, "lease_ttl_s": 3_000, **options},
        )

    def _report(self, name):
        async def fetch(_):
            state = self.state
            await asyncio.sleep(0)
            return SourceReport(
                fields={name: state},
                documents=[Document(f"{n}", {"n": state}) for n in range(state, state + 3)],
                version=f"v{state}",
            )

        return fetch

    def faults(self):
        """What a call that was cut short may not leave behind."""
        for key, lease in self.store.run_leases.documents.items():
            if lease.get("owner") is not None:
                yield f"{key} is still held: {lease}"
        for key in range(3):
            company = self.store.companies[key]
            if dig(company, f"{LEASE}owner") is not None:
                yield f"company {key} is still held: {dig(company, STATUS)}"
            stored = [(company.get(name), dig(company, f"{STATUS}.sources.{name}.version")) for name in self.names]
            if len(set(stored)) > 1:
                yield f"company {key} is mixed: {stored}"
            ((value, version),) = set(stored[:1])
            if version != (None if value is None else f"v{value}"):
                yield f"company {key} has {value} at version {version}"
            for name in self.names:
                yield from self._row_faults(name, key, value)

    def _row_faults(self, name, key, value):
        rows = {row["_id"]: row["n"] for row in self.store.current_rows(f"fmcsa{name.title()}", key)}
        if value == self.state and rows != {f"{key}:{n}": value for n in range(value, value + 3)}:
            yield f"company {key} says {value}, its {name} rows are {rows}"

    def missing(self):
        """What a run that went through has not done."""
        yield from self.faults()
        for key in range(3):
            company = self.store.companies[key]
            if [company.get(name) for name in self.names] != [self.state] * len(self.names):
                yield f"company {key} is not at {self.state}"
            if dig(company, f"{STATUS}.success") is not True:
                yield f"company {key} has failed"


async def after_turns(turns, call, cut):
    """Start the call, and `await cut(task)` after so many turns of the event loop: its outcome, or None if it was over before.

    Raises: AssertionError when a task is left behind.
    """
    others = asyncio.all_tasks()
    task = asyncio.create_task(call())
    for _ in range(turns):
        await asyncio.sleep(0)
        if task.done():
            break
    was_over = task.done()
    if not was_over:
        await cut(task)
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    left = asyncio.all_tasks() - others - {task}
    assert not left, left
    return None if was_over else outcome


async def cancel(task):
    """A cancellation."""
    task.cancel()
