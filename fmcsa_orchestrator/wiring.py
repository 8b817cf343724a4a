"""The default wiring: from settings to a working orchestrator, and one such per event loop for the module functions."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from fmcsa_orchestrator import driver, mongo, qcmobile, soda
from fmcsa_orchestrator.clock import RunClock
from fmcsa_orchestrator.errors import SettingsError
from fmcsa_orchestrator.events import OnEvent
from fmcsa_orchestrator.health import STALE_AFTER_S, Health
from fmcsa_orchestrator.http import Upstream
from fmcsa_orchestrator.isolation import Isolation
from fmcsa_orchestrator.limiter import Limiter, strict_limiter
from fmcsa_orchestrator.orchestrator import Orchestrator
from fmcsa_orchestrator.repository import CompanyRepository
from fmcsa_orchestrator.results import CompanySyncResult, SourceFailure, SyncSummary
from fmcsa_orchestrator.settings import Settings, secret
from fmcsa_orchestrator.sources.base import Source
from fmcsa_orchestrator.sources.catalogue import default_sources
from fmcsa_orchestrator.tally import Tally

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_orchestrator(
    settings: Settings | None = None,
    *,
    database: Any = None,
    session: aiohttp.ClientSession | None = None,
    repository: CompanyRepository | None = None,
    extra_sources: Sequence[Source] = (),
    limiters: Mapping[str, Limiter] | None = None,
    on_event: OnEvent | None = None,
) -> AsyncIterator[Orchestrator]:
    """An orchestrator with the built-in sources, then `extra_sources`; closes what it opened and nothing that was lent.

    Servers that are down show later, in results.

    Args:
        settings: without them, those of the environment.
        database: a motor or PyMongo-async database; without it, one is opened by FMCSA_MONGODB_URI.
        session: for all requests; without it, one is opened.
        repository: takes the place of a database.
        extra_sources: run after the built-in ones, in their order.
        limiters: by name ("soda", "qcmobile", or "sources" for the calls into sources), in place of those of this process:
            where several share one, they share its rate.
        on_event: called with every event of every sync.

    Raises:
        SettingsError: when the settings cannot work.
    """
    async with AsyncExitStack() as stack:
        yield await _open(
            stack,
            settings or Settings.load(),
            database=database,
            session=session,
            repository=repository,
            extra_sources=extra_sources,
            limiters=limiters,
            on_event=on_event,
        )


async def _open(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    database: Any = None,
    session: aiohttp.ClientSession | None = None,
    repository: CompanyRepository | None = None,
    extra_sources: Sequence[Source] = (),
    limiters: Mapping[str, Limiter] | None = None,
    on_event: OnEvent | None = None,
) -> Orchestrator:
    """Build it all; what is opened here is closed with the stack."""
    paced = _limiters(settings, limiters or {})
    if repository is None and database is None:
        client = driver.connect(settings.require_mongodb_uri(), settings.mongodb_driver)
        stack.push_async_callback(driver.close, client)
        database = driver.database_of(client, settings.mongodb_database)
    if repository is None:
        repository = mongo.MongoCompanyRepository(
            database, companies=settings.companies_collection, leases=settings.leases_collection
        )
    if session is None:
        session = await stack.enter_async_context(aiohttp.ClientSession())
    return Orchestrator(
        sources=[*_built_in(settings, session, paced), *extra_sources],
        repository=repository,
        limiter=paced["sources"],
        batch_size=settings.batch_size,
        company_timeout_s=settings.company_timeout_s,
        secrets=settings.secrets(),
        rates={"soda": settings.soda_requests_per_second, "qcmobile": settings.qcmobile_requests_per_second},
        on_event=on_event,
    )


def _limiters(settings: Settings, lent: Mapping[str, Limiter]) -> dict[str, Limiter]:
    """By upstream's name, those that were lent, and for the others strict ones of this process."""
    rates = {
        "soda": settings.soda_requests_per_second,
        "qcmobile": settings.qcmobile_requests_per_second,
        "sources": settings.source_calls_per_second,
    }
    if unknown := lent.keys() - rates.keys():
        raise SettingsError(f"limiters for {', '.join(sorted(unknown))}: there are only {', '.join(rates)}")
    return {name: lent[name] if name in lent else strict_limiter(rate) for name, rate in rates.items()}


def _built_in(settings: Settings, session: aiohttp.ClientSession, limiters: Mapping[str, Limiter]) -> list[Source]:
    token = secret(settings.soda_app_token)
    soda_upstream = Upstream(
        session,
        settings.soda_base_url,
        name="soda",
        limiter=limiters["soda"],
        timeout_s=settings.request_timeout_s,
        headers=soda.app_token_header(token),
        denies_key=soda.denies_key,
        secrets=settings.secrets(),
    )
    soda_client = soda.SodaClient(soda_upstream, has_token=token is not None)
    return default_sources(soda_client, _qcmobile(settings, session, limiters), settings)


def _qcmobile(
    settings: Settings, session: aiohttp.ClientSession, limiters: Mapping[str, Limiter]
) -> qcmobile.QcMobileClient | None:
    web_key = secret(settings.qcmobile_web_key)
    if web_key is None:
        return None
    upstream = Upstream(
        session,
        settings.qcmobile_base_url,
        name="qcmobile",
        limiter=limiters["qcmobile"],
        timeout_s=settings.request_timeout_s,
        denies_key=qcmobile.denies_key,
        secrets=settings.secrets(),
    )
    return qcmobile.QcMobileClient(upstream, web_key)


class _Default:
    """The orchestrator of one event loop.

    It lives in an async generator: `asyncio.run` closes those at its end, and with it session and client, so that a program
    that never heard of `close()` leaves nothing open.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._generator: AsyncGenerator[Orchestrator, None] | None = None
        self._orchestrator: Orchestrator | None = None

    async def get(self) -> Orchestrator:
        async with self._lock:
            if self._orchestrator is None:
                generator = self._live()
                self._orchestrator = await anext(generator)
                self._generator = generator
            return self._orchestrator

    def stop(self) -> None:
        if self._orchestrator is not None:
            self._orchestrator.stop()

    async def close(self) -> None:
        async with self._lock:
            if self._generator is not None:
                await self._generator.aclose()

    async def _live(self) -> AsyncGenerator[Orchestrator, None]:
        async with AsyncExitStack() as stack:  # no generator within this one: both would be closed at the same time
            try:
                yield await _open(stack, Settings.load())
            finally:
                self._orchestrator = self._generator = None


_defaults: dict[asyncio.AbstractEventLoop, _Default] = {}


def _default() -> _Default:
    for loop in [loop for loop in _defaults if loop.is_closed()]:
        del _defaults[loop]
    return _defaults.setdefault(asyncio.get_running_loop(), _Default())


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
        orchestrator = await _default().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        tally = Tally(RunClock())
        tally.fail_run(_culprit(error), error, Isolation())
        return tally.summary(0, "could_not_run")
    return await orchestrator.sync_all_companies(deadline_s=deadline_s, on_event=on_event, force=force)


async def sync_company(
    company_id: Any, *, timeout_s: float | None = None, on_event: OnEvent | None = None, force: bool = False
) -> CompanySyncResult:
    """Sync one company, through the same orchestrator. Never raises.

    Args:
        company_id: what is in its `_id`.
        timeout_s: seconds for the whole call; by default the setting FMCSA_COMPANY_TIMEOUT_S.
        on_event: called with every event of this sync.
        force: read also what upstream says has not changed.
    """
    try:
        orchestrator = await _default().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        fault = Isolation().fault(_culprit(error), error)
        failure = SourceFailure(source=_culprit(error), error=fault.message, kind=fault.kind, timestamp=RunClock().now())
        return CompanySyncResult(company_id=company_id, success=False, errors=(failure,))
    return await orchestrator.sync_company(company_id, timeout_s=timeout_s, on_event=on_event, force=force)


async def health(*, stale_after_s: float = STALE_AFTER_S) -> Health:
    """Whether the syncs do their work, through the same orchestrator; cheap. Never raises.

    Args:
        stale_after_s: seconds after which the last run is too long ago.
    """
    try:
        orchestrator = await _default().get()
    except Exception as error:  # noqa: BLE001  # the promise: never raises
        return Health(healthy=False, reasons=[Isolation().fault(_culprit(error), error).message])
    return await orchestrator.health(stale_after_s=stale_after_s)


def stop() -> None:
    """Ask what the two functions are doing in this event loop to end soon, results and all. See `Orchestrator.stop`."""
    _default().stop()


async def close() -> None:
    """Close what the two functions above opened in this event loop; they may be called again afterwards."""
    await _default().close()


def _culprit(error: BaseException) -> str:
    return "settings" if isinstance(error, SettingsError) else "run"
