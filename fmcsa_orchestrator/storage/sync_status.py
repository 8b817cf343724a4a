"""The `fmcsaData.syncStatus` document: what one sync makes of it. Pure functions.

Attempt and success are two times, and only a success moves the second. Nothing that a failure leaves unknown is written:
the old values stay, with their own dates.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.results import Outcome, SourceFailure, SourceOutcome
from fmcsa_orchestrator.model.status import LAST_RUN, STATUS

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)


def is_name(name: str) -> bool:
    """Whether a source may be called so."""
    return _NAME.fullmatch(name) is not None


def check_name(name: object, whose: str = "a source") -> str:
    """A source's name, fit to be part of a path. Raises: SettingsError."""
    if not isinstance(name, str) or not is_name(name):
        raise SettingsError(f"{whose}'s name must be letters, digits and underscores, not {name!r:.80}")
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
        LAST_RUN: at,
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
    if outcome.missing_since is not None or outcome.found_again:
        update[f"{path}.missingSince"] = outcome.missing_since
    if outcome.quarantined is not None:
        update[f"{path}.quarantined"] = outcome.quarantined
    if outcome.changed:
        update[f"{path}.lastChanged"] = at
    if outcome.outcome.is_failure:
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
    if outcome.read_again:
        update[f"{path}.version"] = None
    return update
