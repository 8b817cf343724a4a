"""Asks a source as the orchestrator does, and holds what it gives to its type."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fmcsa_orchestrator.model.company import Company, SourceReport
from fmcsa_orchestrator.model.documents import with_values
from fmcsa_orchestrator.model.errors import SourceError
from fmcsa_orchestrator.sources.base import BatchSource, Source
from fmcsa_orchestrator.sync.report_check import check_derived, check_report
from fmcsa_orchestrator.sync.source_registry import SourceSlot, make_slots
from fmcsa_orchestrator.testing.contract.checks import Given, as_report, check, check_storable, check_types

T = TypeVar("T")

_ODD: tuple[Any, ...] = (None, 5, "x", [], {}, {"x": None})


@dataclass(frozen=True, slots=True)
class Asker:
    """One source, and the seconds that a single call to it may take.

    Raises, from every method that asks: AssertionError when a call takes longer, raises anything but a SourceError, or
    gives what it may not give.
    """

    source: Source
    patience_s: float

    @property
    def slot(self) -> SourceSlot:
        """What it declares. Raises: SettingsError."""
        return make_slots([self.source])[0]

    @property
    def batch(self) -> BatchSource | None:
        """The source, if it reads batches."""
        return self.source if isinstance(self.source, BatchSource) else None

    def check_owned(self, report: SourceReport) -> None:
        """Raises: AssertionError when the report writes what the source does not own."""
        try:
            check_report(self.slot, report)
        except ValueError as error:
            raise AssertionError(str(error)) from error

    def check_derived(self, company: Company, report: SourceReport) -> None:
        """What the source derives of the company, with this report, and with something else in the place of any part of it.

        Raises: AssertionError when that raises, differs from one time to the next, or is not what the source derives.
        """
        values = {**report.fields, **report.stamps}
        odd = [{**values, path: value} for path in values for value in _ODD]
        for document in (company.document, *(with_values(company.document, found) for found in (values, *odd))):
            stored = Company(company.id, company.usdot, company.name, document).for_sources()
            try:
                derived, again = (self.slot.derive(stored), self.slot.derive(stored)) if self.slot.derive else (None, None)
                check_derived(self.slot, derived)
            except Exception as error:
                raise AssertionError(f"derive of {document!r:.300} ended in {error!r:.300}") from error
            check(derived == again, f"derive of {document!r:.300} gives {derived!r:.200}, then {again!r:.200}")
            check_storable(SourceReport(fields=derived.fields if derived else {}))

    async def fetch(self, company: Company) -> Given:
        """What `fetch` gives or raises."""
        return await self._result("fetch", self.source.fetch(company))

    async def report(self, company: Company) -> SourceReport:
        """What `fetch` gives, where nothing is wrong upstream."""
        result = await self.fetch(company)
        return as_report(result, f"fetch raised {result!r}, although nothing is wrong upstream")

    async def hastily(self, company: Company, seconds: float) -> Given | None:
        """What `fetch` gives when so little time is allowed for it; None: it ended with that time."""

        async def limited() -> Given:
            async with asyncio.timeout(seconds):
                return await self.fetch(company)

        task = asyncio.create_task(limited())
        await asyncio.wait({task}, timeout=self.patience_s)
        if not task.done():
            task.cancel()
            raise AssertionError(f"fetch did not end within {self.patience_s:g} s of its timeout")
        try:
            return task.result()
        except TimeoutError:
            return None

    async def fetch_many(self, companies: Sequence[Company]) -> dict[int, Given]:
        """What `fetch_many`, then `complete` where there is one, give or raise, by USDOT number."""
        if self.batch is None:
            return {}
        numbers = [company.usdot for company in companies]
        try:
            found = await within(self.patience_s, "fetch_many", self.batch.fetch_many(companies))
        except SourceError as error:
            return dict.fromkeys(numbers, error)
        check(isinstance(found, Mapping), f"fetch_many gave a {type(found).__name__}, not a mapping")
        check(found.keys() <= set(numbers), "fetch_many gave companies that it was not asked for")
        return {company.usdot: await self._completed(company, found) for company in companies if company.usdot in found}

    async def version(self) -> str | SourceError | None:
        """What `version` gives or raises."""
        if self.batch is None:
            return None
        try:
            version = await within(self.patience_s, "version", self.batch.version())
        except SourceError as error:
            return error
        check(version is None or isinstance(version, str), f"version gave a {type(version).__name__}, not text or None")
        return version

    async def every_way(self, company: Company) -> dict[str, Given]:
        """What the source says of the company, by the way of asking; a company that a batch leaves out is not there."""
        alone = {"fetch": await self.fetch(company)}
        many = await self.fetch_many([company])
        return alone | {"fetch_many": many[company.usdot]} if many else alone

    def calls(self, companies: Sequence[Company]) -> dict[str, Callable[[], Awaitable[Any]]]:
        """Everything that the source can be asked, by name; of the first company, where it is about one.

        With ten times the patience, so that a call that does not end is not ended by ours.
        """
        asker = replace(self, patience_s=10 * self.patience_s)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {"fetch": lambda: asker.fetch(companies[0])}
        if self.batch is not None:
            calls |= {"fetch_many": lambda: asker.fetch_many(companies), "version": asker.version}
        return calls

    async def _completed(self, company: Company, found: Mapping[Any, Any]) -> Given:
        result = found[company.usdot]
        if isinstance(result, SourceError):
            return result
        report = as_report(result, f"fetch_many gave a {type(result).__name__} for a company")
        check_types(report)
        complete = self.slot.complete
        return report if complete is None else await self._result("complete", complete(company, report))

    async def _result(self, what: str, call: Awaitable[Any]) -> Given:
        try:
            result = await within(self.patience_s, what, call)
        except SourceError as error:
            return error
        report = as_report(result, f"{what} gave a {type(result).__name__}, not a SourceReport")
        check_types(report)
        return report


async def within(patience_s: float, what: str, call: Awaitable[T]) -> T:
    """The call's result, or its SourceError. Raises: AssertionError for any other exception, and when it takes too long."""
    try:
        async with asyncio.timeout(patience_s) as limit:
            return await call
    except SourceError:
        raise
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():
            raise AssertionError(f"{what} took longer than {patience_s:g} s") from error
        raise AssertionError(f"{what} raised {type(error).__name__}, which is no SourceError: {error}") from error
