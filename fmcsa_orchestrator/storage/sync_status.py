"""The `fmcsaData.syncStatus` document: what one sync makes of it. Pure functions.

Attempt and success are two times, and only a success moves the second. Nothing that a failure leaves unknown is written:
the old values stay, with their own dates.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from fmcsa_orchestrator.model.company import Company, Outcome
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.results import SourceFailure, SourceOutcome

STATUS = "fmcsaData.syncStatus"
LEASE = f"{STATUS}.lease."  # where a company's lease lies in its document
TOKEN = f"{LEASE}token"
_NOTHING: Mapping[str, Any] = {}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


def is_name(name: str) -> bool:
    """Whether a source may be called so."""
    return _NAME.fullmatch(name) is not None


def check_name(name: object) -> str:
    """A source's name, fit to be part of a path. Raises: SettingsError."""
    if not isinstance(name, str) or not is_name(name):
        raise SettingsError(f"a source's name must be letters, digits and underscores, not {name!r:.80}")
    return name


@lru_cache(maxsize=256)
def camel_case(name: str) -> str:
    """`csa_scores` -> `csaScores`."""
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)


def status_update(
    outcomes: Iterable[SourceOutcome], failures: Sequence[SourceFailure], at: datetime, usdot: int | None
) -> dict[str, Any]:
    """Dotted path -> value for everything in the status that this sync knows."""
    update: dict[str, Any] = {
        f"{STATUS}.lastRun": at,
        f"{STATUS}.success": not failures,
        f"{STATUS}.errors": [failure.model_dump() for failure in failures],
    }
    for outcome in outcomes:
        update |= _source_update(outcome, at, usdot)
    return update


def _source_update(outcome: SourceOutcome, at: datetime, usdot: int | None) -> dict[str, Any]:
    path = f"{STATUS}.sources.{outcome.source}"
    update: dict[str, Any] = {
        f"{path}.outcome": outcome.outcome.value,
        f"{path}.lastAttempt": at,
        f"{path}.message": outcome.message,
    }
    if outcome.changed:
        update[f"{path}.lastChanged"] = at
    if outcome.failed:
        if outcome.changed:  # stored in part: what is stored is no longer what the old version stands for
            update[f"{path}.version"] = None
    elif outcome.outcome is not Outcome.SKIPPED:
        update[f"{STATUS}.{camel_case(outcome.source)}LastSync"] = at
        update[f"{path}.lastSuccess"] = at
        update[f"{path}.version"] = outcome.version
        update[f"{path}.usdot"] = usdot
        if outcome.rows is not None:
            update[f"{path}.rows"] = outcome.rows
        if outcome.data_as_of is not None:
            update[f"{path}.dataAsOf"] = outcome.data_as_of
    return update


def stored_status(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A company's status, empty where it has none that can be read. Looked at several times for each company of a run."""
    data = document.get("fmcsaData")
    status = data.get("syncStatus") if isinstance(data, dict) else None
    return status if isinstance(status, dict) else _NOTHING


def stored_source(document: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """What the status says of one source, empty where it says nothing that can be read."""
    sources = stored_status(document).get("sources")
    stored = sources.get(source) if isinstance(sources, dict) else None
    return stored if isinstance(stored, dict) else _NOTHING


def is_current(company: Company, source: str, version: str | None) -> bool:
    """Whether what is stored of this source is what upstream has: read at this very version, for this very number."""
    if version is None:
        return False
    stored = stored_source(company.document, source)
    return stored.get("version") == version and stored.get("usdot") == company.usdot


def ended_early(document: Mapping[str, Any]) -> int:
    """How many of those who had the company's lease last did not finish: killed, stopped, or out of time."""
    lease = stored_status(document).get("lease")
    if not isinstance(lease, dict):
        return 0
    token, done = lease.get("token"), lease.get("finishedToken")
    return token - (done if isinstance(done, int) else 0) if isinstance(token, int) else 0
