"""Insurance and bonds that are filed, cancelled or replaced. Policies are told of by a digest of their numbers.

The files leave out filings silently: one that is there no more has not ended by that, and is no news when it is there again.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange, Severity
from fmcsa_orchestrator.model.documents import as_time
from fmcsa_orchestrator.sources.changes.event_type import EventType, picked
from fmcsa_orchestrator.sources.motus import letters_and_digits

FILED = EventType(
    "insurance.filed",
    Severity.INFO,
    "A filing is in force, or to come into force, that was not in the files or had ended: its form, type, insurer and amount.",
    opposite="insurance.cancelled",
)
CANCELLED = EventType(
    "insurance.cancelled",
    Severity.HIGH,
    "A filing is cancelled as of `cancelledAsOf`, which is never told before that day; medium where it has ended for a reason "
    "that we do not know. Info where it has ended when first seen.",
    opposite="insurance.filed",
)
REPLACED = EventType(
    "insurance.replaced",
    Severity.INFO,
    "A filing has ended because another took its place, or under another name: that is no lapse.",
    opposite="insurance.filed",
)
TYPES = (FILED, CANCELLED, REPLACED)

_TOLD = tuple(
    "docket type form layer insurer maxCoverage underlyingLimit effectiveOn state ending endReason cancelledAsOf".split()
)
_GO_ON = ("replaced", "renamed", "transferred")


def filing_events(change: RowChange) -> Iterator[CarrierEvent]:
    """What it means."""
    before, after = change.before, change.after
    if after is None or (before is None and after["firstSeen"] != after["lastChanged"]):
        return
    is_ended, was_ended = after["state"] == "ended", None if before is None else before["state"] == "ended"
    if is_ended == was_ended:
        return
    if not is_ended:
        kind, day, severity = FILED, after["effectiveOn"], None
    else:
        kind, day = REPLACED if after["ending"] in _GO_ON else CANCELLED, after["cancelledAsOf"]
        severity = None if after["ending"] in {*_GO_ON, "cancelled"} else Severity.MEDIUM
        severity = Severity.INFO if before is None else severity
    digest = _digest(after)
    key = f"{after['docket'] or ''}:{after['typeCode'] or ''}:{after['classCode'] or ''}:{digest}"
    yield kind.event(
        key, severity=severity, before=_told(before), after=_told(after), occurred_on=as_time(day), data={"policyDigest": digest}
    )


def _told(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else picked(row, _TOLD)


def _digest(row: Mapping[str, Any]) -> str:
    """Of the policy, however its number is written; of its insurer where it has none."""
    policy = letters_and_digits(row["policyNumber"]) or letters_and_digits(row["insurer"])
    return blake2b(f"{row['docket']}:{policy}".encode(), digest_size=8).hexdigest()
