"""The demo: the whole thing on one machine with nothing installed or configured, and nothing left running afterwards."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console

from fmcsa_orchestrator.cli.terminal.events import event_line
from fmcsa_orchestrator.cli.terminal.fleet import show_overview
from fmcsa_orchestrator.cli.terminal.live import view_on
from fmcsa_orchestrator.cli.terminal.outcomes import show_summary
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.results import SyncSummary
from fmcsa_orchestrator.report.read import read_fleet
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.catalogue import chosen_sources
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.storage.mongodb.driver import open_database, translated
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog
from fmcsa_orchestrator.sync.orchestrator import Orchestrator
from fmcsa_orchestrator.testing.embedded_store import EmbeddedStore
from fmcsa_orchestrator.testing.fmcsa.fleet import Fleet
from fmcsa_orchestrator.testing.fmcsa.local_fmcsa import LocalFmcsa
from fmcsa_orchestrator.wiring import open_orchestrator

_SHOWN = 6  # companies
_EVENTS, _MOST_EVENTS = 8, 100_000  # shown, counted
_CHANGED = 0.1  # of the carriers, in the third round


async def run_demo(console: Console, *, companies: int, data_dir: Path | None) -> list[SyncSummary]:
    """Sync a sample fleet three times: all is new, nothing has changed upstream, something has; and tell of that as events.

    Raises: SettingsError when no store can be had.
    """
    fleet = Fleet.sample(companies)
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(LocalFmcsa(fleet))
        database = await stack.enter_async_context(_database(console, data_dir))
        console.print(f"A double of FMCSA's servers listens on {upstream.soda_url}.", highlight=False)
        await _seed(database, fleet.company_documents())
        settings = demo_settings(upstream)
        orchestrator = await stack.enter_async_context(open_orchestrator(settings, database=database))
        log = MongoEventLog(database, settings.events_collection)
        rounds = [await _round(console, orchestrator, f"First round: {companies} companies, all new.")]
        rounds.append(await _round(console, orchestrator, "Second round: nothing has changed upstream."))
        before = await log.last()
        fleet.publish(changed=_CHANGED)
        fleet.publish_daily(changed=_CHANGED)
        rounds.append(await _round(console, orchestrator, "Third round: upstream has something new of a few carriers."))
        console.print("\n[bold]What that means, as `fmcsa-orchestrator events` shows it[/]")
        await _show_events(console, log, before)
        console.print("\n[bold]Status, as `fmcsa-orchestrator status` shows it[/]")
        show_overview(console, await read_fleet(database, "companies", chosen_sources(settings), limit=_SHOWN))
        return rounds


async def _round(console: Console, orchestrator: Orchestrator, title: str) -> SyncSummary:
    console.print(f"\n[bold]{title}[/]", highlight=False)
    view = view_on(console)
    try:
        summary = await orchestrator.sync_all_companies(on_event=view.on_event)
    finally:
        view.stop()
    show_summary(console, summary)
    return summary


async def _show_events(console: Console, log: MongoEventLog, after: int) -> None:
    """The latest of those that call for attention, and how many there are of all."""
    alarming = [severity for severity in Severity if severity.rank >= Severity.MEDIUM.rank]
    for event in await log.latest(_EVENTS, Wanted(severities=alarming), after=after):
        console.print(event_line(event))
    count = len(await log.latest(_MOST_EVENTS, Wanted(), after=after))
    console.print(f"{count:,} events in all; shown are the latest of severity medium or more", highlight=False)


def demo_settings(upstream: LocalFmcsa) -> Settings:
    """Settings for the double, whatever the environment says: it needs no polite rates."""
    return Settings(
        soda_base_url=upstream.soda_url,
        soda_app_token=None,
        soda_requests_per_second=500,
        qcmobile_base_url=upstream.qcmobile_url,
        qcmobile_web_key=SecretStr(upstream.web_key),
        qcmobile_requests_per_second=500,
        source_calls_per_second=500,
        companies_collection="companies",
    )


@asynccontextmanager
async def _database(console: Console, data_dir: Path | None) -> AsyncIterator[Any]:
    """A database of the demo's own: on the embedded store, or on the configured server, dropped there afterwards."""
    settings = Settings.load()
    async with AsyncExitStack() as stack:
        if settings.mongodb_uri is None:
            store = await stack.enter_async_context(EmbeddedStore(data_dir))
            where = f"kept in {data_dir}" if data_dir else "in a temporary folder"
            console.print(f"An embedded store listens on {store.uri}; its data is {where}.", highlight=False)
            yield await stack.enter_async_context(open_database(store.uri, "fmcsa", settings.mongodb_driver))
            return
        name = f"fmcsa_demo_{secrets.token_hex(4)}"
        console.print(
            f"Using the MongoDB of FMCSA_MONGODB_URI, in a database of its own ({name}), dropped at the end.", highlight=False
        )
        database = await stack.enter_async_context(open_database(settings.require_mongodb_uri(), name, settings.mongodb_driver))
        with translated("cannot use the configured MongoDB"):
            await database.command("ping")
        stack.push_async_callback(database.client.drop_database, name)
        yield database


async def _seed(database: Any, companies: list[dict[str, Any]]) -> None:
    """Put the sample companies there, as a host app would have them; those of an earlier demo stay as they are."""
    for number, company in enumerate(companies):
        document: Mapping[str, Any] = company
        await database["companies"].update_one({"_id": f"demo-{number:05}"}, {"$setOnInsert": document}, upsert=True)
