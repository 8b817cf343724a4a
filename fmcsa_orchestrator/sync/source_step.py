"""One source's step at one company: asked where need be, its report checked, its rows compared, its fields noted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import ceil
from typing import Any

from fmcsa_orchestrator.model.carrier_events import Observation
from fmcsa_orchestrator.model.company import Company, Derived, OddRow, SourceReport
from fmcsa_orchestrator.model.documents import check_settable, has_changes, kept_within, prefixes, with_values
from fmcsa_orchestrator.model.errors import (
    CompanyWriteError,
    ImplausibleEmptyError,
    MalformedPayloadError,
    RepositoryError,
    SourceTimeoutError,
)
from fmcsa_orchestrator.model.results import Outcome, SourceFailure, SourceOutcome
from fmcsa_orchestrator.observability.context import current
from fmcsa_orchestrator.storage.repository import LARGEST_DOCUMENT
from fmcsa_orchestrator.storage.row_diff import Tell
from fmcsa_orchestrator.storage.sync_status import status_update
from fmcsa_orchestrator.sync.components import Components
from fmcsa_orchestrator.sync.gone_carriers import gone_since
from fmcsa_orchestrator.sync.guard.source_caller import SourceCaller
from fmcsa_orchestrator.sync.progress import Progress
from fmcsa_orchestrator.sync.report_check import check_derived, check_report
from fmcsa_orchestrator.sync.shared_reads import Answer
from fmcsa_orchestrator.sync.source_registry import SourceSlot
from fmcsa_orchestrator.sync.telling import Teller
from fmcsa_orchestrator.sync.time_limit import TimeShare


@dataclass(frozen=True, slots=True)
class SourceStep:
    """Gives sources their step.

    Raises: RepositoryError when the store does not work, LeaseLostError when somebody else has taken the company over.
    """

    components: Components
    caller: SourceCaller

    async def run(self, slot: SourceSlot, progress: Progress, share: TimeShare) -> SourceOutcome:
        """What becomes of this source, which may use that share of the time; progress goes on with what it has found."""
        version = progress.known.versions.get(slot.name)
        if progress.known.is_current(slot.name, progress.company):
            said = progress.company.status.source(slot.name).get("message")  # "none on record" still holds
            return _unchanged(slot.name, version, said if isinstance(said, str) else None)
        report = await self._ask(slot, progress, share)
        if not isinstance(report, SourceFailure):
            try:
                return await self._take(slot, progress, report, version)
            except CompanyWriteError as error:
                report = self.caller.isolation.failure(slot.name, error)
            except RepositoryError:
                raise
            except ImplausibleEmptyError as error:  # whether that is believed is seen when all sources have had their step
                progress.missing[slot.name] = report, error
                return SourceOutcome(source=slot.name, outcome=Outcome.FAILED)
            except Exception as error:  # noqa: BLE001  # a report can be malformed in any way
                report = self.caller.isolation.failure(slot.name, error)
        return progress.fail(slot.name, report)

    async def _ask(self, slot: SourceSlot, progress: Progress, share: TimeShare) -> SourceReport | SourceFailure:
        """The report, from the window or at first hand; or why there is none."""
        company = progress.company
        ready = progress.known.report(slot.name, company)
        if (failure := self._too_late(slot, progress, ready, share)) is not None:
            return failure
        if (read := progress.reads.pop(slot.name, None)) is not None:
            is_there = read.done() and not read.cancelled() and read.exception() is None
            ready = read.result() if is_there else await self.caller.isolation.run(slot.name, share, lambda: read)
        if ready is None:
            return await self.caller.ask(slot.name, share, lambda: slot.source.fetch(company.for_sources()))
        if isinstance(ready, SourceFailure) or slot.complete is None:
            return ready
        complete = partial(slot.complete, company.for_sources(), ready)
        report = await self.caller.ask(slot.name, share, complete, part="/complete")
        return replace(ready, incomplete=report) if isinstance(report, SourceFailure) else report

    def _too_late(self, slot: SourceSlot, progress: Progress, ready: Answer, share: TimeShare) -> SourceFailure | None:
        """Why it is useless to ask, where somebody waits who has not the time; None where it is not."""
        if (
            current().is_background
            or ready is not None
            or slot.name in progress.reads
            or (wait_s := slot.wait_s()) <= share.seconds
        ):
            return None
        share.limit.cut()  # who has more time is to ask anew
        words = f"the rate allows the first answer in about {ceil(wait_s)} s, and there are {share.seconds:.3g} s for it"
        return self.caller.isolation.failure(slot.name, SourceTimeoutError(words))

    async def _take(self, slot: SourceSlot, progress: Progress, report: Any, version: str | None) -> SourceOutcome:
        """Check a report, compare its rows, note its fields."""
        company = progress.company
        check_report(slot, report)
        fields = kept_within(company.document, report.fields, slot.derives)
        values = {**fields, **report.stamps}
        check_settable(company.document, values)
        size = self._size_with(progress, values, with_values(company.document, values))
        teller = self._teller(slot, progress, report)
        if teller is not None:
            progress.tellers[slot.name] = teller
        rows, written = report.rows, 0
        if rows is None and report.documents is not None:
            rows = len(report.documents)
        if report.documents is not None and progress.rows is not None:
            tell = None if teller is None else Tell(teller.of_row, slot.row_group)
            plan = progress.plans[slot.name] = await progress.rows.add(
                company, slot.collection, report.documents, report.odd_rows, tell
            )
            written = plan.size
        quarantined = await self._set_aside(slot, progress, report.odd_rows)
        changed = written > 0 or has_changes(company.document, fields)
        progress.note(slot.name, values, size)
        outcome = report.outcome
        if outcome in {Outcome.CHANGED, Outcome.UNCHANGED}:  # which of the two is ours to say
            outcome = Outcome.CHANGED if changed else Outcome.UNCHANGED
        message = None if report.message is None else self.caller.isolation.text(report.message)
        since = company.status.missing_since(slot.name)
        if since is not None and rows == 0:  # it has been believed that the carrier is gone, and still is
            outcome, message = Outcome.NOT_FOUND, gone_since(since)
        lacking = report.incomplete
        if isinstance(lacking, BaseException):  # of a batch: nobody has taken note of it yet
            lacking = self.caller.isolation.failure(slot.name, lacking)
        if lacking is not None:
            progress.failures.append(lacking)
            outcome, message = lacking.outcome, lacking.error
        return SourceOutcome(
            source=slot.name,
            outcome=outcome,
            changed=changed,
            rows=rows,
            written=written,
            data_as_of=report.data_as_of,
            version=report.version or version,
            message=message,
            quarantined=quarantined,
            found_again=since is not None and rows != 0,
        )

    def _teller(self, slot: SourceSlot, progress: Progress, report: SourceReport) -> Teller | None:
        """Who tells what has changed; None where that cannot be said, by the first read.

        One that is not whole is told of as far as it is stored: the next will find that unchanged.
        """
        company, parts = progress.company, self.components
        stored = progress.stored.source(slot.name)
        is_first = stored.get("lastSuccess") is None or stored.get("usdot") != company.usdot
        is_first |= stored.get("missingSince") is not None and not stored.get("rows")  # it has been believed that it is gone
        if parts.event_log is None or progress.rows is None or is_first:
            return None
        seen = Observation(
            company.id, int(company.usdot), slot.name, progress.at, report.data_as_of, company.stored_as_of(slot.name)
        )
        return Teller(seen, slot.row_events, slot.field_events, parts.rules)

    def derive(self, slots: Sequence[SourceSlot], progress: Progress) -> None:
        """Have sources work out what follows from all that is about to be stored; one that raises has failed, as by a report.

        What is derived makes no change of its own: whatever it follows from has said so.
        """
        doubted: set[str] = set()
        for slot in slots:
            if slot.derive is None:
                continue
            try:
                doubted.update(self._derive(slot, slot.derive, progress))
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001  # a host's function may raise anything at all
                failure = self.caller.isolation.failure(slot.name, error)
                progress.failures.append(failure)
                told = {"outcome": failure.outcome, "message": failure.error}
                progress.outcomes[slot.name] = progress.outcomes[slot.name].model_copy(update=told)
                doubted.add(slot.name)
        for name in progress.outcomes.keys() & doubted:
            progress.outcomes[name] = progress.outcomes[name].model_copy(update={"read_again": True})

    def _derive(self, slot: SourceSlot, derive: Callable[[Company], Derived], progress: Progress) -> Sequence[str]:
        """Note what one source derives; the sources that it doubts."""
        company = progress.company
        to_set = {path: value for values in progress.values.values() for path, value in values.items()}
        status = status_update(progress.outcomes.values(), progress.failures, progress.at, company.usdot)
        stored = Company(company.id, company.usdot, company.name, with_values(progress.original, to_set | status))
        derived = derive(stored.for_sources())
        check_derived(slot, derived)
        check_settable(stored.document, derived.fields)
        document, read = with_values(stored.document, derived.fields), progress.values.get(slot.name, {})
        size = self._size_with(progress, derived.fields, document)
        beside = {path: value for path, value in derived.fields.items() if read.keys().isdisjoint(prefixes(path))}
        progress.note(slot.name, {**kept_within(document, read, slot.derives), **beside}, size)
        return list(derived.read_again)

    async def _set_aside(self, slot: SourceSlot, progress: Progress, odd_rows: Sequence[OddRow]) -> int | None:
        """Keep what could not be understood; how many rows that are, None where there are none, and were none before."""
        if progress.rows is None or not (odd_rows or progress.company.status.source(slot.name).get("quarantined")):
            return None
        await progress.rows.set_aside(progress.company, self.components.quarantine, slot.name, odd_rows)
        return len(odd_rows)

    def _size_with(self, progress: Progress, values: Mapping[str, Any], document: Mapping[str, Any]) -> int:
        """What the document comes to with a source's fields, at the most; exactly where that might be too much.

        One that is too large would be refused as a whole, with the fields of all sources. Raises: MalformedPayloadError.
        """

        def measure(content: Mapping[str, Any]) -> int:
            return self.components.repository.check_fields(content) or 0  # a host's own repository may say nothing

        added = measure(values)
        size = (progress.size or measure(progress.original)) + added
        if size > LARGEST_DOCUMENT:  # what it takes the place of was counted as well
            size = measure(document)
        if size > LARGEST_DOCUMENT:
            raise MalformedPayloadError(
                f"its fields take {added:,} bytes, with which the company's document would take {size:,}, "
                f"of {LARGEST_DOCUMENT:,} that are possible"
            )
        return size


@lru_cache(maxsize=256)
def _unchanged(source: str, version: str | None, message: str | None) -> SourceOutcome:
    """One value for all companies of which the same is to be said; they are most of a run in which nothing changed."""
    return SourceOutcome(source=source, outcome=Outcome.UNCHANGED, version=version, message=message)
