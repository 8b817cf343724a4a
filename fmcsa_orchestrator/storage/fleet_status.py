"""The fleet in numbers: its companies by state, overall and per source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How fresh a company is, or one source of it."""

    FRESH = "fresh"  # the last success is recent
    STALE = "stale"  # no success within the threshold, though no failure either
    FAILING = "failing"  # the last attempt failed, whatever is held from before
    NEVER = "never"  # not attempted yet


@dataclass(frozen=True, slots=True)
class StateCounts:
    """Companies by state; each is in one."""

    fresh: int
    stale: int
    failing: int
    never: int

    def by_state(self) -> dict[State, int]:
        """The same, by state."""
        return {State.FRESH: self.fresh, State.STALE: self.stale, State.FAILING: self.failing, State.NEVER: self.never}


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """One source over the fleet: states, outcomes of the last attempts, the oldest success, upstream's latest data."""

    name: str
    states: StateCounts
    outcomes: Mapping[str, int]
    oldest_success: datetime | None
    data_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class ProofCounts:
    """Companies by whether their rows come to what FMCSA has published of them; the others cannot be compared."""

    agree: int = 0
    disagree: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class FleetCounts:
    """The whole fleet; `oldest` is the last attempt that is longest ago, of `oldest_company`."""

    total: int
    states: StateCounts
    sources: tuple[SourceCounts, ...]
    oldest: datetime | None
    oldest_company: str | None
    proof: ProofCounts = ProofCounts()
