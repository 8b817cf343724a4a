"""The time of one run or one sync."""

import time
from datetime import UTC, datetime, timedelta

from fmcsa_orchestrator.models import bson_time


class RunClock:
    """Wall time that never jumps while a run lasts, in whole milliseconds as MongoDB keeps it."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._monotonic = time.monotonic()
        self.started_at = bson_time(self._start)

    def now(self) -> datetime:
        """Now."""
        return bson_time(self._start + timedelta(seconds=time.monotonic() - self._monotonic))
