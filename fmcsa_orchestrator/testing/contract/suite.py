"""The contract of a source as a pytest suite: subclass it, say how to build the source, and every test of it is yours.

Needs pytest and pytest-asyncio (the extra `testing`); nothing else in this library imports pytest.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Any, ClassVar

import pytest

from fmcsa_orchestrator.model.company import SourceReport
from fmcsa_orchestrator.model.errors import MalformedPayloadError, SourceError, SourceTimeoutError
from fmcsa_orchestrator.testing.contract.asker import Asker
from fmcsa_orchestrator.testing.contract.cancellation import interrupted_at
from fmcsa_orchestrator.testing.contract.checks import (
    as_report,
    check,
    check_hidden,
    check_rows,
    check_storable,
    count_rows,
    difference,
    error_of,
    is_nothing,
    logged,
    texts_of,
)
from fmcsa_orchestrator.testing.contract.faults import FAULTS, PAUSES, check_told, either
from fmcsa_orchestrator.testing.contract.world import Breakable, World
from fmcsa_orchestrator.testing.server.faults import Fault

__all__ = ["FAULTS", "SourceContract", "World"]

_SLOWLY = Fault.drip(3, 0.001)  # so that there is something to await within a body too


class SourceContract(ABC):
    """What the orchestrator relies on in a source. A check that a source has no use for is skipped, and says why.

    Attributes:
        patience_s: the longest that a single call may take, retries included, before the check fails.
        hasty_s: after so long the checks give up on an upstream that hangs.
    """

    pytestmark = pytest.mark.asyncio
    patience_s: ClassVar[float] = 30
    hasty_s: ClassVar[float] = 0.2

    @abstractmethod
    def world(self) -> AbstractAsyncContextManager[World]:
        """A new world, closed at the end; each is like the others, so that answers can be compared."""

    async def test_declares_itself(self) -> None:
        """A fitting name, paths and a collection that may be its own, and all of a batch source or nothing of it."""
        async with self.world() as world:
            asker = self._asker(world)
            check(asker.slot.name == world.source.name, "the name is not the one it is known by")
            is_whole = asker.batch or not hasattr(world.source, "fetch_many")
            check(is_whole, "a source with fetch_many needs batch_size and version too, else it is never asked for a batch")

    async def test_gives_reports(self) -> None:
        """A SourceReport for a company, a mapping from USDOT number to report or error for several, text as version."""
        async with self.world() as world:
            asker = self._asker(world)
            await asker.version()
            for company in (world.known, world.unknown):
                await asker.report(company)
            for result in (await asker.fetch_many([world.known, world.unknown])).values():
                check(not isinstance(result, SourceError), f"fetch_many gave {result!r}, although nothing is wrong upstream")

    async def test_writes_only_what_it_owns(self) -> None:
        """Fields and stamps lie within the declared paths, rows have ids of their own, and MongoDB takes all of it."""
        async with self.world() as world:
            asker = self._asker(world)
            for company in (world.known, world.unknown):
                for result in (await asker.every_way(company)).values():
                    if isinstance(result, SourceReport):
                        asker.check_owned(result)
                        check_storable(result)
                        await check_rows(company, result)

    @pytest.mark.parametrize("call", ["fetch", "fetch_many", "version"])
    async def test_passes_on_a_cancellation(self, call: str) -> None:
        """Cancelled at any of its awaits it ends at once, leaves no task behind, and the source works afterwards."""
        async with self.world() as world:
            expected = await self._asker(world).report(world.known)
        for point in count(1):
            async with self.world() as world:
                if world.upstream:
                    world.upstream.inject(_SLOWLY)
                asker = self._asker(world)
                asked = asker.calls([world.known, world.unknown]).get(call) or _skip(f"the source has no {call}")
                after = await interrupted_at(point, asked, self.patience_s)
                where = f"{call}, cancelled at await {point}," if after.reached else call
                check(not after.running, f"{where} leaves running: {', '.join(after.running)}")
                if not after.reached:
                    check(after.end is None, f"{call} ended in {after.end!r}")
                    return
                check(isinstance(after.end, asyncio.CancelledError), f"{where} does not end in CancelledError: {after.end!r}")
                differs = difference(expected, await asker.fetch(world.known))
                check(not differs, f"{where} leaves a source that answers otherwise: {differs}")

    async def test_gives_up_in_time(self) -> None:
        """Where upstream hangs, a caller's timeout ends the call, and the source works once upstream does."""
        async with self.world() as world:
            upstream, asker = _upstream(world), self._asker(world)
            upstream.inject(Fault.hang(3_600))
            result = await asker.hastily(world.known, self.hasty_s)
            is_late = result is None or isinstance(error_of(result), SourceTimeoutError)
            check(is_late, f"fetch neither waited for an upstream that hangs nor called it a timeout: {result!r:.200}")
            upstream.clear_faults()
            check(not is_nothing(await asker.report(world.known)), "after a timeout the source finds nothing any more")

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_tells_a_fault(self, fault: str) -> None:
        """A fault upstream is a SourceError of a fitting kind, never another exception, never "nothing on record"."""
        async with self.world() as world:
            upstream, asker = _upstream(world), self._asker(world)
            injected, kinds = FAULTS[fault]
            upstream.inject(injected)
            for way, result in (await asker.every_way(world.known)).items():
                check_told(f"{way} under {injected.name}", result, kinds)
            version = await asker.version()
            if isinstance(version, SourceError):
                check(version.kind in kinds, f"version under {injected.name} is {version.kind!r}, not {either(kinds)}")

    async def test_tells_a_fault_on_a_later_page(self) -> None:
        """Half of the rows are never given for all of them."""
        for fault, kinds in FAULTS.values():
            async with self.world() as world:
                upstream, asker = _upstream(world), self._asker(world)
                large = world.large or _skip("the world declares no company with more than a page of rows")
                upstream.inject(fault, after=1)
                result = await asker.fetch(large)
                if not (isinstance(result, SourceReport) and count_rows(result) == world.large_rows):
                    check_told(f"fetch, with {fault.name} after the first answer,", result, kinds)

    async def test_recovers_from_a_fault(self) -> None:
        """Once upstream works again, so does the source; but for a pause that upstream has asked for."""
        for name in [name for name in FAULTS if name not in PAUSES]:
            async with self.world() as world:
                fault, upstream, asker = FAULTS[name][0], _upstream(world), self._asker(world)
                expected = await asker.report(world.known)
                upstream.inject(fault)
                await asker.every_way(world.known)
                upstream.clear_faults()
                differs = difference(expected, await asker.fetch(world.known))
                check(not differs, f"after {fault.name} the source answers otherwise: {differs}")

    async def test_names_a_column_that_is_gone(self) -> None:
        """A column that the source needs and that upstream no longer has is `malformed`, with its name."""
        await self._drift(lambda column, _: Fault.missing_column(column))

    async def test_names_a_column_of_another_type(self) -> None:
        """A value that a column cannot have is `malformed`, with the column's name."""
        await self._drift(Fault.bad_value)

    async def test_keeps_its_secrets(self) -> None:
        """No key or password is in a report, an exception (its causes too) or a log record, even where upstream repeats it."""
        async with self.world() as world:
            secrets = world.secrets or _skip("the world declares no secrets")
        echo = Fault.status(400, text=f"refused: {' '.join(secrets)}")
        for fault in (None, echo, *(fault for fault, _ in FAULTS.values())):
            async with self.world() as world:
                if fault:
                    if world.upstream is None:
                        return
                    world.upstream.inject(fault)
                await self._check_secrets(world, fault.name if fault else "no fault")

    async def test_reads_every_page(self) -> None:
        """A company with more rows than one page holds comes whole, and no row twice."""
        async with self.world() as world:
            large = world.large or _skip("the world declares no company with more than a page of rows")
            for way, result in (await self._asker(world).every_way(large)).items():
                report = as_report(result, f"{way} gave {result!r} for a company of many rows")
                rows = count_rows(report)
                check(rows == world.large_rows, f"{way} gave {rows} rows where upstream has {world.large_rows}")
                await check_rows(large, report)

    async def test_says_the_same_again(self) -> None:
        """While upstream does not change, neither does the report: nothing would be written."""
        async with self.world() as world:
            asker = self._asker(world)
            for company in (world.known, world.unknown, *([world.large] if world.large else [])):
                differs = difference(await asker.report(company), await asker.report(company))
                check(not differs, f"two fetches of an unchanged upstream differ in {differs}")

    async def test_says_the_same_of_one_and_of_many(self) -> None:
        """`fetch_many` agrees with `fetch`, in whatever order the companies come."""
        async with self.world() as world:
            asker = self._asker(world)
            companies = [world.known, world.unknown, *([world.large] if world.large else [])]
            if asker.batch is None:
                _skip("the source reads no batches")
            for order in (companies, companies[::-1]):
                many = await asker.fetch_many(order)
                for company in companies:
                    alone = await asker.report(company)
                    differs = difference(alone, many.get(company.usdot, alone))
                    check(not differs, f"fetch and fetch_many differ for {company.usdot:d} in {differs}")

    async def test_derives_from_any_document(self) -> None:
        """What it derives is what it declares, the same for the same document, and no document makes it raise."""
        async with self.world() as world:
            asker = self._asker(world)
            if asker.slot.derive is None:
                _skip("the source derives nothing")
            for company in (world.known, world.unknown):
                asker.check_derived(company, await asker.report(company))

    async def test_tells_nothing_on_record_from_not_known(self) -> None:
        """A company that upstream does not know is a report that says so; one that it knows is another."""
        async with self.world() as world:
            asker = self._asker(world)
            for way, result in (await asker.every_way(world.unknown)).items():
                is_said = isinstance(result, SourceReport) and is_nothing(result)
                check(is_said, f"{way} gave no report of nothing for an unknown company: {result!r:.200}")
            check(not is_nothing(await asker.report(world.known)), "there is nothing on record of the known company")

    def _asker(self, world: World) -> Asker:
        return Asker(world.source, self.patience_s)

    async def _drift(self, fault: Callable[[str, Any], Fault]) -> None:
        async with self.world() as world:
            _upstream(world)
            columns = world.columns or _skip("the world declares no columns")
        for column, wrong in columns.items():
            async with self.world() as world:
                injected = fault(column, wrong)
                _upstream(world).inject(injected)
                for way, result in (await self._asker(world).every_way(world.known)).items():
                    check_told(f"{way} under {injected.name}", result, {"malformed"})
                    error = error_of(result)
                    name = error.field if isinstance(error, MalformedPayloadError) else None
                    check(column in (name or "").split("."), f"{way} under {injected.name} names {name!r}: {error}")

    async def _check_secrets(self, world: World, what: str) -> None:
        asker = self._asker(world)
        with logged() as lines:
            results = list((await asker.every_way(world.known)).values())
            version = await asker.version()
        check_hidden(world.secrets, lines, f"the log under {what}")
        for error in (*map(error_of, results), version):
            if isinstance(error, SourceError):
                check_hidden(world.secrets, texts_of(error), f"an error under {what}")
        check_hidden(world.secrets, map(repr, (*results, version)), f"an answer under {what}")


def _upstream(world: World) -> Breakable:
    return world.upstream or _skip("the source has no upstream that could fail")


def _skip(reason: str) -> Any:
    pytest.skip(reason)
