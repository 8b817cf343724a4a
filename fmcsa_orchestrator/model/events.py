"""What happened, as it happens: frozen values handed to the `on_event` callable."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fmcsa_orchestrator.model.deliveries import Delivered
from fmcsa_orchestrator.model.results import CompanySyncResult, SyncSummary


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins; `due` companies are to be synced. `requests` were sent for it by then, by upstream."""

    due: int
    requests: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RequestSent:
    """A request goes out to this upstream; each try of one counts."""

    upstream: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch source is about to be read for so many companies of a window."""

    source: str
    companies: int


@dataclass(frozen=True, slots=True)
class WindowFetched:
    """The batch sources have read a window of `companies`; `requests` were sent in this run so far."""

    companies: int
    requests: int


@dataclass(frozen=True, slots=True)
class CompanyStarted:
    """A company's turn has come: its sources are asked, or its rows written."""

    company_id: Any
    usdot: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is sent to this upstream for so many seconds, because it has asked for a pause."""

    upstream: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CompanySynced:
    """One company is done, and its status stored."""

    result: CompanySyncResult
    requests: int = 0


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over."""

    summary: SyncSummary


@dataclass(frozen=True, slots=True)
class EventsDelivered:
    """A subscriber's turn is over: what it was told of carriers' events, and what went wrong."""

    result: Delivered


Event = (
    RunStarted | RequestSent | Reading | WindowFetched | CompanyStarted | CompanySynced | Waiting | RunFinished | EventsDelivered
)
"""Any of the events."""
OnEvent = Callable[[Event], Awaitable[None] | None]
"""What `on_event` may be: a function or a coroutine function. One that raises is logged and disturbs nothing."""
