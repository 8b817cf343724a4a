"""The indexes of the store: made before the first run, in bounded time; before the first company on demand only looked at."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import RepositoryError
from fmcsa_orchestrator.observability.hooks import note
from fmcsa_orchestrator.sync.components import Components

log = logging.getLogger(__name__)

RUN_S = 60.0  # what indexes may take that are missing, at the beginning of a run
LOOK_S = 1.0  # what a handler may lose by looking whether they are there
GRACE_S = 1.0  # to a store that does not keep to its limit
_SHARE = 0.25  # of a run's deadline no more than this


@dataclass(slots=True)
class Indexes:
    """Whether they have been seen to, for one orchestrator."""

    components: Components
    _made: bool = False
    _looked_at: bool = False

    async def make(self, limit_s: float) -> list[Finding]:
        """All of them, in so many seconds; a finding for each. Raises: RepositoryError when the store does not work."""
        return await self.components.prepare(limit_s)

    async def make_for_a_run(self, deadline_s: float | None) -> None:
        """Before the first run; what is not made in time the next one tries again. Raises: RepositoryError."""
        if self._made:
            return
        loop = asyncio.get_running_loop()
        began, limit_s = loop.time(), RUN_S if deadline_s is None else min(RUN_S, deadline_s * _SHARE)
        with suppress(TimeoutError):  # a store that does not work is found by what comes next
            async with asyncio.timeout(limit_s + GRACE_S):
                await self.make(limit_s)
        self._made = loop.time() - began < limit_s

    async def look(self) -> None:
        """Before the first company on demand: if some are missing, the log says so. None is made: that may take minutes."""
        if self._made or self._looked_at:
            return
        self._looked_at = True
        missing: Sequence[str] = ()
        with suppress(TimeoutError, RepositoryError):  # the same
            async with asyncio.timeout(LOOK_S):
                missing = await self.components.repository.missing_indexes(self.components.collections)
        if missing:
            note(log, logging.INFO, "index_missing", indexes=", ".join(missing))
