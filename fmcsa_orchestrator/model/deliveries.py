"""What has become of a delivery of events: values for the caller."""

from datetime import datetime
from typing import Any

from pydantic import Field

from fmcsa_orchestrator.model.results import Message, Result, SourceFailure
from fmcsa_orchestrator.model.subscriber import SubscriberState


class Delivered(Result):
    """What one subscriber was told.

    Attributes:
        subscriber: its name.
        accepted: events that it has accepted.
        state: active, paused or parked, as it is now.
        error: why it has not accepted something, or could not be told anything; None where nothing went wrong.
        next_try: not before this is it told anything more (aware UTC); None for at once.
        skipped: why it was left alone, where that is no fault: another deliverer is at it, or this process has not its callable.
    """

    subscriber: str
    accepted: int = 0
    state: SubscriberState | None = None
    error: Message | None = None
    next_try: datetime | None = None
    skipped: Message | None = None


class DeliverySummary(Result):
    """What a delivery came to.

    Attributes:
        subscribers: those whose turn it was, by name: what the last turn of each was, with what all of them have accepted.
        started_at: aware UTC.
        finished_at: aware UTC.
        failure: why nothing could be delivered at all; None where it could.
    """

    subscribers: dict[str, Delivered] = Field(default_factory=dict)
    started_at: datetime
    finished_at: datetime
    failure: SourceFailure | None = None

    @property
    def success(self) -> bool:
        """Whether it went through, and nothing went wrong at any subscriber."""
        return self.failure is None and not any(each.error for each in self.subscribers.values())

    @property
    def accepted(self) -> int:
        """Events accepted, by all of them together."""
        return sum(each.accepted for each in self.subscribers.values())

    @property
    def exit_status(self) -> int:
        """For cron: 0 all good, 1 something went wrong at a subscriber, 2 could not run."""
        return 2 if self.failure is not None else int(not self.success)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types, with `success`."""
        return {"success": self.success, **super().as_dict()}
