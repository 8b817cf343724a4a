"""The time of one run or one sync."""

import time
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from fmcsa_orchestrator.model.documents import bson_time

_MILLISECOND = timedelta(milliseconds=1)
_AHEAD = timedelta(seconds=10)  # so far quick runs, a millisecond each, may carry us beyond the wall clock


class RunClock:
    """Wall time that never jumps while a run lasts, in whole milliseconds as MongoDB keeps it.

    It starts after every time that an earlier clock of this process has given, even within the same millisecond: what was
    attempted before the run then lies before its start.

    Attributes:
        latest: the last time that a clock of this process has given.
    """

    latest: ClassVar[datetime] = datetime.min.replace(tzinfo=UTC)

    def __init__(self) -> None:
        wall = bson_time(datetime.now(UTC))
        is_close = abs(RunClock.latest - wall) < _AHEAD  # further off, the wall clock has been set
        self.started_at = (max(wall, RunClock.latest) if is_close else wall) + _MILLISECOND
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """The time, aware, in UTC and whole milliseconds."""
        moment = bson_time(self.started_at + timedelta(seconds=time.monotonic() - self._monotonic))
        RunClock.latest = moment
        return moment
