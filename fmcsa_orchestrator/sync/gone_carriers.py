"""Carriers that leave FMCSA's files: disbelieved at first, believed when a second, newer edition of all files says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fmcsa_orchestrator.model.company import SourceReport
from fmcsa_orchestrator.model.results import Outcome, SourceOutcome
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.progress import Progress
from fmcsa_orchestrator.sync.source_registry import SourceSlot

_CLOCKS_APART = timedelta(hours=1)  # two answers about one edition need not agree to the second


def gone_since(since: datetime) -> str:
    """What is said of a carrier that is gone."""
    return f"no longer in FMCSA's files since {since:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class GoneCarriers:
    """Decides, when all sources of a company have had their step, of those that had no rows although some ought to be there.

    Carriers leave the files of a registry together: when they are out of business, or hide their number.
    """

    isolation: Isolation

    async def settle(self, slots: Sequence[SourceSlot], progress: Progress) -> None:
        """End what is stored of the carrier, or note the failure."""
        for slot in [slot for slot in slots if slot.name in progress.missing]:
            report, doubt = progress.missing[slot.name]
            since = progress.company.status.missing_since(slot.name)
            members = [member for member in slots if slot.registry is not None and member.registry == slot.registry]
            if since is not None and members and all(_is_gone(member, progress) for member in members):
                await _end(slot, progress, report, since)
            else:
                progress.fail(slot.name, self.isolation.failure(slot.name, doubt), since or report.data_as_of)


async def _end(slot: SourceSlot, progress: Progress, report: SourceReport, since: datetime) -> None:
    """What is stored of the carrier ends, with the reason."""
    if progress.rows is None:
        return
    message = gone_since(since)
    plan = progress.plans[slot.name] = await progress.rows.end(progress.company, slot.collection, message)
    progress.note(slot.name, {**report.fields, **report.stamps}, progress.size)
    progress.outcomes[slot.name] = SourceOutcome(
        source=slot.name,
        outcome=Outcome.NOT_FOUND,
        changed=True,
        rows=0,
        written=plan.size,
        data_as_of=report.data_as_of,
        version=report.version or progress.known.versions.get(slot.name),
        message=message,
        missing_since=since,
    )


def _is_gone(slot: SourceSlot, progress: Progress) -> bool:
    """Whether this source has nothing of the carrier: where it had, by a newer edition than that which first said so."""
    if slot.name in progress.missing:
        since, as_of = progress.company.status.missing_since(slot.name), progress.missing[slot.name][0].data_as_of
        return since is not None and as_of is not None and as_of > since + _CLOCKS_APART
    outcome = progress.outcomes[slot.name]
    rows = progress.company.stored_rows(slot.name) if outcome.rows is None else outcome.rows
    return not outcome.failed and rows == 0
