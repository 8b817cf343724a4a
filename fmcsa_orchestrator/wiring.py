"""The default wiring: from settings to a working orchestrator, and one such per event loop for the module functions."""

import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import aiohttp
from yarl import URL

from fmcsa_orchestrator.clients import qcmobile, soda
from fmcsa_orchestrator.clients.http import Upstream, user_agent
from fmcsa_orchestrator.clients.pacing import SavingLimiter, strict_limiter
from fmcsa_orchestrator.delivery.channels import Channels
from fmcsa_orchestrator.delivery.delivery import Delivery
from fmcsa_orchestrator.model.errors import SettingsError
from fmcsa_orchestrator.model.events import OnEvent
from fmcsa_orchestrator.model.limiter import Limiter
from fmcsa_orchestrator.settings import Settings, secret
from fmcsa_orchestrator.sources.base import Source
from fmcsa_orchestrator.sources.catalogue import default_sources
from fmcsa_orchestrator.storage.event_log import EventLog
from fmcsa_orchestrator.storage.history import History
from fmcsa_orchestrator.storage.mongodb import companies as mongo
from fmcsa_orchestrator.storage.mongodb import driver
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.storage.mongodb.history import MongoHistory
from fmcsa_orchestrator.storage.mongodb.subscribers import MongoSubscribers
from fmcsa_orchestrator.storage.repository import CompanyRepository
from fmcsa_orchestrator.sync.orchestrator import Orchestrator

log = logging.getLogger(__name__)

MakeSource = Callable[[soda.SodaClient], Source]

_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}


@asynccontextmanager
async def open_orchestrator(
    settings: Settings | None = None,
    *,
    database: Any = None,
    session: aiohttp.ClientSession | None = None,
    repository: CompanyRepository | None = None,
    event_log: EventLog | None = None,
    history: History | None = None,
    extra_sources: Sequence[Source | MakeSource] = (),
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
        event_log: takes the place of the one in the database.
        history: the same.
        extra_sources: run after the built-in ones, in their order; in place of a source, a class or function that makes it,
            given the client of the open data portal that the built-in ones use: session, token, rate and brake are shared.
        limiters: by name ("soda", "qcmobile", or "sources" for the calls into sources), in place of those of this process:
            where several share one, they share its rate.
        on_event: called with every event of every sync.

    Raises:
        SettingsError: when the settings cannot work.
    """
    async with AsyncExitStack() as stack:
        yield await open_into(
            stack,
            settings or Settings.load(),
            database=database,
            session=session,
            repository=repository,
            event_log=event_log,
            history=history,
            extra_sources=extra_sources,
            limiters=limiters,
            on_event=on_event,
        )


async def open_into(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    database: Any = None,
    session: aiohttp.ClientSession | None = None,
    repository: CompanyRepository | None = None,
    event_log: EventLog | None = None,
    history: History | None = None,
    extra_sources: Sequence[Source | MakeSource] = (),
    limiters: Mapping[str, Limiter] | None = None,
    on_event: OnEvent | None = None,
) -> Orchestrator:
    """Build it all; what is opened here is closed with the stack."""
    paced = _limiters(settings, limiters or {})
    if repository is None and database is None:
        client = driver.connect(settings.require_mongodb_uri(), settings.mongodb_driver)
        stack.push_async_callback(driver.close_client, client)
        database = driver.database_of(client, settings.mongodb_database)
    if history is None and database is not None and settings.history:
        history = MongoHistory(database, settings.history_collection, kept_days=settings.history_kept_days)
    if event_log is None and database is not None and settings.events:
        event_log = MongoEventLog(database, settings.events_collection, kept_days=settings.events_kept_days)
    if repository is None:
        repository = mongo.MongoCompanyRepository(
            database,
            companies=settings.companies_collection,
            leases=settings.leases_collection,
            ended_rows_kept_days=settings.ended_rows_kept_days,
        )
    if session is None:
        session = await stack.enter_async_context(_session(settings))
    portal = _portal(settings, session, paced)
    built_in = default_sources(portal, _qcmobile(settings, session, paced), settings)
    orchestrator = Orchestrator(
        sources=[*built_in, *(_made(source, portal) for source in extra_sources)],
        repository=repository,
        limiter=paced["sources"],
        batch_size=settings.batch_size,
        company_timeout_s=settings.company_timeout_s,
        lease_ttl_s=settings.lease_ttl_s,
        stale_after_h=settings.stale_after_h,
        quarantine=settings.quarantine_collection,
        event_log=event_log,
        rules=settings.alert_rules,
        history=history,
        secrets=settings.secrets(),
        rates={"soda": settings.soda_requests_per_second, "qcmobile": settings.qcmobile_requests_per_second},
        on_event=on_event,
        delivery=None if event_log is None or database is None else _delivery(settings, event_log, database),
    )
    stack.push_async_callback(orchestrator.close)
    return orchestrator


def _session(settings: Settings) -> aiohttp.ClientSession:
    """By the proxies of the environment, as HTTPS_PROXY and NO_PROXY say, except to upstreams on this machine.

    Raises: SettingsError when the CA bundle cannot be read.
    """
    is_far = any(URL(url).host not in _THIS_MACHINE for url in (settings.soda_base_url, settings.qcmobile_base_url))
    return aiohttp.ClientSession(trust_env=is_far, connector=aiohttp.TCPConnector(ssl=_trusted(settings) or True))


def _trusted(settings: Settings) -> ssl.SSLContext | None:
    """The certificates of the CA bundle, where there is one. Raises: SettingsError when it cannot be read."""
    try:
        return ssl.create_default_context(cafile=settings.ca_bundle) if settings.ca_bundle else None
    except OSError as error:  # SSLError, too
        raise SettingsError(
            f"FMCSA_CA_BUNDLE: {error.strerror or 'no certificates in it'}; name a file of certificates"
        ) from None


def _delivery(settings: Settings, event_log: EventLog, database: Any) -> Delivery:
    channels = Channels(
        secrets=settings.secrets_for_delivery(),
        allow_private=settings.webhook_allow_private,
        timeout_s=settings.request_timeout_s,
        contact=settings.contact,
        trusted=_trusted(settings),
    )
    return Delivery(
        event_log,
        MongoSubscribers(database, settings.subscribers_collection),
        channels,
        park_after=timedelta(days=settings.park_after_days),
        lease_ttl_s=settings.lease_ttl_s,
        secrets=settings.secrets(),
    )


def _limiters(settings: Settings, lent: Mapping[str, Limiter]) -> dict[str, Limiter]:
    """By upstream's name, those that were lent, and for the others ones of this process."""
    own: dict[str, Limiter] = {
        "soda": SavingLimiter(settings.soda_requests_per_second, settings.soda_burst),
        "qcmobile": strict_limiter(settings.qcmobile_requests_per_second),
        "sources": strict_limiter(settings.source_calls_per_second),
    }
    if unknown := lent.keys() - own.keys():
        raise SettingsError(f"limiters for {', '.join(sorted(unknown))}: there are only {', '.join(own)}")
    return {**own, **lent}


def _made(source: Source | MakeSource, portal: soda.SodaClient) -> Source:
    """The source, made where it is given as what makes it."""
    is_made = not callable(source) or (hasattr(source, "fetch") and not isinstance(source, type))
    return cast("Source", source) if is_made else cast("MakeSource", source)(portal)


def _portal(settings: Settings, session: aiohttp.ClientSession, limiters: Mapping[str, Limiter]) -> soda.SodaClient:
    token = secret(settings.soda_app_token)
    upstream = Upstream(
        session,
        settings.soda_base_url,
        name="soda",
        limiter=limiters["soda"],
        timeout_s=settings.request_timeout_s,
        headers={"User-Agent": user_agent(settings.contact), **soda.app_token_header(token)},
        meaning=soda.portal_meaning(has_token=token is not None),
        secrets=settings.secrets(),
    )
    return soda.SodaClient(upstream)


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
        headers={"User-Agent": user_agent(settings.contact)},
        meaning=qcmobile.web_key_meaning,
        secrets=settings.secrets(),
    )
    return qcmobile.QcMobileClient(upstream, web_key)
