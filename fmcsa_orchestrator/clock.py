"""The time of one run or one sync."""

import time
from datetime import UTC, datetime, timedelta

from fmcsa_orchestrator.models import bson_time

_MILLISECOND = timedelta(milliseconds=1)


class RunClock:
    """Wall time that never jumps while a run lasts, in whole milliseconds as MongoDB keeps it.

    It starts with the next millisecond: whatever was stamped before the run then lies before its start.
    """

    def __init__(self) -> None:
        self.started_at = bson_time(datetime.now(UTC)) + _MILLISECOND
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """Now."""
        return bson_time(self.started_at + timedelta(seconds=time.monotonic() - self._monotonic))
