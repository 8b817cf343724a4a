"""The check-up: settings, MongoDB, indexes, each upstream with its datasets; and what to do about each fault."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import (
    AuthError,
    BlockedError,
    FmcsaError,
    RateLimitedError,
    RequestRejectedError,
    SettingsError,
)
from fmcsa_orchestrator.model.results import SourceFailure
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.source_registry import SourceSlot

Check = Callable[[], Awaitable[Sequence[Finding]]]

_REMEDIES = {
    AuthError.kind: "correct the variable named, or leave it out",
    BlockedError.kind: "ask from another network, set FMCSA_CONTACT, look at the proxy on the way",
    RateLimitedError.kind: "wait; then lower FMCSA_SODA_REQUESTS_PER_SECOND or set FMCSA_SODA_APP_TOKEN",
    RequestRejectedError.kind: "check FMCSA_SODA_BASE_URL and FMCSA_QCMOBILE_BASE_URL; a dataset may have another id now",
    SettingsError.kind: "correct the variable named",
    "upstream_unavailable": "try again later; if it stays so, check this machine's way to the upstream (proxy, firewall)",
    "timeout": "try again later, or raise FMCSA_REQUEST_TIMEOUT_S",
    "malformed": "update this library, or report what has changed",
    "database": "check FMCSA_MONGODB_URI, that the server is up, and the user's rights",
}


async def examine(
    repository: CompanyRepository,
    slots: Sequence[SourceSlot],
    isolation: Isolation,
    timeout_s: float,
    delivery: Delivery | None = None,
) -> list[Finding]:
    """Ask the store and every source that can be asked. Nothing is written but missing indexes."""
    findings = await findings_of(
        "MongoDB", isolation, timeout_s, lambda: repository.check([slot.collection for slot in slots if slot.may_keep_rows])
    )
    for slot in slots:
        findings += await findings_of(slot.name, isolation, timeout_s, partial(_check, slot))
    if delivery is not None:
        findings += await findings_of("subscribers", isolation, timeout_s, delivery.check)
    return findings


async def _check(slot: SourceSlot) -> Sequence[Finding]:
    """What the source says of itself, or that it says nothing."""
    check: Any = getattr(slot.source, "check", None)
    if check is None:
        return [Finding(slot.name, True, "has no check of its own")]
    answer = await check()
    found = list(answer) if isinstance(answer, Iterable) else [answer]
    if not all(isinstance(finding, Finding) for finding in found):
        raise TypeError(f"check gave a {type(answer).__name__} in which not all are a Finding")
    return found


def unusable(error: FmcsaError) -> Finding:
    """The finding of settings with which nothing could be opened."""
    return Finding("settings", False, str(error), _REMEDIES.get(error.kind))


def without_needless_remedies(findings: Sequence[Finding]) -> list[Finding]:
    """A remedy with what is wrong only."""
    return [replace(finding, remedy=None) if finding.is_good else finding for finding in findings]


async def findings_of(what: str, isolation: Isolation, timeout_s: float, check: Check) -> list[Finding]:
    """What a check finds, or, where it fails or takes too long, that."""
    found = await isolation.run(what, timeout_s, check)
    return [failed(what, found)] if isinstance(found, SourceFailure) else list(found)


def failed(what: str, failure: SourceFailure) -> Finding:
    """The finding of what could not even be looked at."""
    return Finding(what, False, f"{failure.kind}: {failure.error}", _REMEDIES.get(failure.kind, "see the log"))
