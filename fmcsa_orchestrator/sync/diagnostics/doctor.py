"""The check-up: settings, MongoDB, indexes, each upstream with its datasets; and what to do about each fault."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import cast

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import AuthError, FmcsaError, RateLimitedError, RequestRejectedError, SettingsError
from fmcsa_orchestrator.model.results import SourceFailure
from fmcsa_orchestrator.sources.base import BaseSource
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.source_registry import SourceSlot

Check = Callable[[], Awaitable[Sequence[Finding]]]

_REMEDIES = {
    AuthError.kind: "correct or leave out FMCSA_SODA_APP_TOKEN (for soda), FMCSA_QCMOBILE_WEB_KEY (for qcmobile)",
    RateLimitedError.kind: "wait; then lower FMCSA_SODA_REQUESTS_PER_SECOND or set FMCSA_SODA_APP_TOKEN",
    RequestRejectedError.kind: "check FMCSA_SODA_BASE_URL and FMCSA_QCMOBILE_BASE_URL; a dataset may have another id now",
    SettingsError.kind: "correct the variable named",
    "upstream_unavailable": "try again later; if it stays so, check this machine's way to the upstream (proxy, firewall)",
    "timeout": "try again later, or raise FMCSA_REQUEST_TIMEOUT_S",
    "malformed": "update this library, or report what has changed",
    "database": "check FMCSA_MONGODB_URI, that the server is up, and the user's rights",
}


async def examine(
    repository: CompanyRepository, slots: Sequence[SourceSlot], isolation: Isolation, timeout_s: float
) -> list[Finding]:
    """Ask the store and every source that can be asked. Nothing is written but missing indexes."""
    findings = await _asked("MongoDB", isolation, timeout_s, lambda: repository.check([slot.collection for slot in slots]))
    for slot in slots:
        check = getattr(slot.source, "check", partial(BaseSource.check, cast("BaseSource", slot.source)))
        findings += await _asked(slot.name, isolation, timeout_s, check)
    return findings


def unusable(error: FmcsaError) -> Finding:
    """The finding of settings with which nothing could be opened."""
    return Finding("settings", False, str(error), _REMEDIES.get(error.kind))


async def _asked(what: str, isolation: Isolation, timeout_s: float, check: Check) -> list[Finding]:
    found = await isolation.run(what, timeout_s, check)
    if isinstance(found, SourceFailure):
        return [Finding(what, False, found.error, _REMEDIES.get(found.kind, "see the log"))]
    return list(found)
