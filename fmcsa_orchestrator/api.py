"""The module functions: one orchestrator per event loop, opened from the settings on first use."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.events import OnEvent
from fmcsa_orchestrator.model.results import CompanySyncResult, Part, SourceFailure, StopReason, SyncSummary
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sync.clock import RunClock
from fmcsa_orchestrator.sync.diagnostics.doctor import failed
from fmcsa_orchestrator.sync.diagnostics.health import Health
from fmcsa_orchestrator.sync.guard.isolation import Isolation
from fmcsa_orchestrator.sync.orchestrator import Orchestrator
from fmcsa_orchestrator.sync.summary import Tally
from fmcsa_orchestrator.wiring import open_into


class DefaultWiring:
    """The orchestrator of one event loop.

    It lives in an async generator: `asyncio.run` closes those at its end, and with it session and client, so that a program
    that never heard of `close()` leaves nothing open.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._generator: AsyncGenerator[Orchestrator, None] | None = None
        self._orchestrator: Orchestrator | None = None

    async def get(self) -> Orchestrator:
        """The orchestrator, opened on first use. Raises: SettingsError."""
        async with self._lock:
            if self._orchestrator is None:
                generator = self._live()
                self._orchestrator = await anext(generator)
                self._generator = generator
            return self._orchestrator

    def stop(self) -> None:
        """Ask what it does to end soon."""
        if self._orchestrator is not None:
            self._orchestrator.stop()

    async def close(self) -> None:
        """Close it; it is opened anew when somebody asks."""
        async with self._lock:
            if self._generator is not None:
                await self._generator.aclose()

    async def _live(self) -> AsyncGenerator[Orchestrator, None]:
        async with AsyncExitStack() as stack:  # no generator within this one: both would be closed at the same time
            try:
                yield await open_into(stack, Settings.load())
            finally:
                self._orchestrator = self._generator = None


_defaults: dict[asyncio.AbstractEventLoop, DefaultWiring] = {}
_defaults_lock = threading.Lock()  # threads have loops of their own, and come here at once


def default_wiring() -> DefaultWiring:
    """That of the running event loop."""
    running = asyncio.get_running_loop()
    with _defaults_lock:
        for loop in [loop for loop in _defaults if loop.is_closed()]:
            del _defaults[loop]
        return _defaults.setdefault(running, DefaultWiring())


async def sync_all_companies(
    *, deadline_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
) -> SyncSummary:
    """Sync every company, through one orchestrator per event loop, opened from the settings on first use. Never raises.

    A run that could not start has `stopped="could_not_run"` and one error.

    Args:
        deadline_s: seconds after which the run ends; what is done by then is stored.
        on_event: called with every event of this run.
        force: read also what upstream says has not changed.
    """
    try:
        orchestrator = await default_wiring().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        tally = Tally(RunClock())
        tally.fail_run(_failure(error))
        return tally.summary(0, StopReason.COULD_NOT_RUN)
    return await orchestrator.sync_all_companies(deadline_s=deadline_s, on_event=on_event, force=force)


async def sync_company(
    company_id: Any,
    *,
    timeout_s: float | None = None,
    on_event: OnEvent | None = None,
    force: bool = False,
    wait: bool = True,
) -> CompanySyncResult:
    """Sync one company, through the same orchestrator. Never raises.

    Args:
        company_id: what is in its `_id`.
        timeout_s: seconds for the whole call; by default the setting FMCSA_COMPANY_TIMEOUT_S.
        on_event: called with every event of this sync.
        force: read also what upstream says has not changed.
        wait: with False it gives at once what is stored, and the sync goes on in the background, until it is done or `close` is
            called. See `Orchestrator.sync_company`.
    """
    try:
        orchestrator = await default_wiring().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        return CompanySyncResult.refused(company_id, _failure(error))
    return await orchestrator.sync_company(company_id, timeout_s=timeout_s, on_event=on_event, force=force, wait=wait)


async def health(*, stale_after_s: float | None = None) -> Health:
    """Whether the syncs do their work, through the same orchestrator; cheap. Never raises.

    Args:
        stale_after_s: seconds after which the last run is too long ago; by default the setting FMCSA_STALE_AFTER_H.
    """
    try:
        orchestrator = await default_wiring().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        return Health(healthy=False, reasons=[_failure(error).error])
    return await orchestrator.health(stale_after_s=stale_after_s)


async def prepare(*, timeout_s: float | None = None) -> list[Finding]:
    """Make what indexes are missing, through the same orchestrator. Never raises. See `Orchestrator.prepare`.

    Args:
        timeout_s: seconds for all of it, ten minutes by default.
    """
    try:
        orchestrator = await default_wiring().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        failure = _failure(error)
        return [failed(failure.source, failure)]
    return await orchestrator.prepare(timeout_s=timeout_s)


def stop() -> None:
    """Ask what the two functions are doing in this event loop to end soon, results and all. See `Orchestrator.stop`."""
    default_wiring().stop()


async def close() -> None:
    """Close what the two functions above opened in this event loop; they may be called again afterwards."""
    await default_wiring().close()


def _failure(error: BaseException) -> SourceFailure:
    return Isolation().failure(Part.SETTINGS if isinstance(error, SettingsError) else Part.RUN, error)
