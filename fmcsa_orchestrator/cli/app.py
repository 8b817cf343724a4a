"""The command line: sync, plan, status, events, deliver, subscribers, prepare, doctor, demo.

Exit status 0: all good, 1: some company failed, 2: could not run.
"""

import asyncio
import gc
import io
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.request import getproxies

import typer
from rich.console import Console
from rich.markup import escape
from yarl import URL

from fmcsa_orchestrator.api import close, prepare, stop, sync_all_companies, sync_company
from fmcsa_orchestrator.cli.common import Exit, Json, Verbose, make_console, print_json, refuse
from fmcsa_orchestrator.cli.delivery import deliver, subscribers
from fmcsa_orchestrator.cli.demo import run_demo
from fmcsa_orchestrator.cli.feed import show_events
from fmcsa_orchestrator.cli.signals import stopping_on_signals
from fmcsa_orchestrator.cli.terminal.fleet import show_overview
from fmcsa_orchestrator.cli.terminal.live import view_on
from fmcsa_orchestrator.cli.terminal.outcomes import show_company, show_findings, show_plan, show_summary
from fmcsa_orchestrator.model.company import Finding
from fmcsa_orchestrator.model.errors import CompanyNotFoundError, FmcsaError
from fmcsa_orchestrator.model.results import CompanySyncResult, SyncSummary
from fmcsa_orchestrator.report.html.write import write_page
from fmcsa_orchestrator.report.overview import Overview
from fmcsa_orchestrator.report.overview import as_json as as_json_value
from fmcsa_orchestrator.report.read import read_company, read_fleet
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.sources.catalogue import chosen_sources
from fmcsa_orchestrator.storage.mongodb.driver import HASTY_SELECTION_S, open_database
from fmcsa_orchestrator.storage.repository import PREPARE_S
from fmcsa_orchestrator.sync.diagnostics.doctor import unusable
from fmcsa_orchestrator.sync.diagnostics.plan import Plan
from fmcsa_orchestrator.wiring import open_orchestrator

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("events")(show_events)
app.command()(deliver)
app.add_typer(subscribers, name="subscribers")

STATUS_LIMIT = 50
_DISTRIBUTION = "fmcsa-orchestrator"


@app.command()
def sync(
    *,
    company: Annotated[str | None, typer.Option(help="Sync only the company with this _id.")] = None,
    deadline: Annotated[float | None, typer.Option(min=0, help="Stop after so many seconds.")] = None,
    force: Annotated[bool, typer.Option(help="Read also what upstream says has not changed.")] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Sync all companies, or one."""
    console = make_console(as_json=as_json, verbose=verbose)
    if company is not None:
        result = asyncio.run(_sync_one(company, deadline, force=force))
        print_json(result.as_dict()) if as_json else show_company(console, result)
        raise typer.Exit(result.exit_status)
    summary = asyncio.run(_sync_all(console, deadline, force=force))
    print_json(summary.as_dict()) if as_json else show_summary(console, summary)
    raise typer.Exit(summary.exit_status)


@app.command()
def plan(
    *,
    force: Annotated[bool, typer.Option(help="Count also what upstream says has not changed.")] = False,
    as_json: Json = False,
) -> None:
    """Tell what a sync would cost now: companies due, requests, time."""
    console = make_console(as_json=as_json)
    try:
        found = asyncio.run(_plan(force=force))
    except FmcsaError as error:
        refuse(console, error, as_json=as_json)
    print_json(found.as_dict()) if as_json else show_plan(console, found)


@app.command()
def status(
    *,
    company: Annotated[str | None, typer.Option(help="Show only the company with this _id, in full.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Companies shown, the least recently attempted first.")] = STATUS_LIMIT,
    stale_after: Annotated[float | None, typer.Option(min=0, help="Hours after which a success is stale.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write it to this file, as one self-contained page.")] = None,
    as_json: Json = False,
) -> None:
    """Show how fresh the fleet is, per source, and its companies; or one company in full."""
    console = make_console(as_json=as_json)
    try:
        overview = asyncio.run(_overview(company, limit, stale_after))
        if html is not None:
            write_page(overview, html)
    except CompanyNotFoundError as error:
        refuse(console, error, as_json=as_json, exit_status=Exit.SOME_FAILED)
    except FmcsaError as error:
        refuse(console, error, as_json=as_json)
    if as_json:
        print_json(as_json_value(overview))
    elif html is not None:
        console.print(f"written to {escape(str(html))}", highlight=False)
    else:
        show_overview(console, overview)
    raise typer.Exit(Exit.SOME_FAILED if overview.is_failing else Exit.GOOD)


@app.command("prepare")
def make_ready(
    *,
    timeout: Annotated[float, typer.Option(min=0, help="Give up after so many seconds.")] = PREPARE_S,
    as_json: Json = False,
) -> None:
    """Make the indexes in MongoDB, and set for how long ended rows are kept; for each new version, and as often as you like."""
    console = make_console(as_json=as_json)
    _tell(console, asyncio.run(_prepared(timeout)), as_json=as_json)


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check settings, MongoDB, indexes and upstreams, and say what to do about what is wrong."""
    console = make_console(as_json=as_json)
    _tell(console, asyncio.run(_findings()), as_json=as_json)


@app.command()
def demo(
    *,
    companies: Annotated[int, typer.Option(min=1, help="Companies in the sample fleet.")] = 40,
    data_dir: Annotated[Path | None, typer.Option(help="Keep the embedded store's data in this folder.")] = None,
    as_json: Json = False,
) -> None:
    """See it work, with nothing installed or configured: a local double of FMCSA, an embedded store, a sample fleet."""
    console = make_console(as_json=as_json)
    try:
        rounds = asyncio.run(run_demo(console, companies=companies, data_dir=data_dir))
    except FmcsaError as error:
        refuse(console, error, as_json=as_json)
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
        raise typer.Exit(Exit.COULD_NOT_RUN) from None
    if as_json:
        print_json({"rounds": [summary.as_dict() for summary in rounds]})
    raise typer.Exit(max(summary.exit_status for summary in rounds))


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{_DISTRIBUTION} {metadata.version(_DISTRIBUTION)}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")]


@app.callback(help=__doc__)
def options(*, version: Version = False) -> None:
    """What may stand before a command; `version` has its say by itself."""


def main() -> None:
    """The entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal has the letters of every name
    gc.freeze()  # what is loaded by now stays: without it, each full collection holds up the event loop by about 50 ms
    app()


async def _sync_all(console: Console, deadline_s: float | None, *, force: bool) -> SyncSummary:
    view = view_on(console)
    try:
        with stopping_on_signals(stop):
            return await sync_all_companies(deadline_s=deadline_s, on_event=view.on_event, force=force)
    finally:
        view.stop()
        await close()


async def _sync_one(company_id: str, timeout_s: float | None, *, force: bool) -> CompanySyncResult:
    """By the text as it is; where no company has it, and it is a number, by the number."""
    try:
        with stopping_on_signals(stop):
            result = await sync_company(company_id, timeout_s=timeout_s, force=force)
            is_unknown = any(error.kind == CompanyNotFoundError.kind for error in result.errors)
            if is_unknown and company_id.isascii() and company_id.isdigit():
                result = await sync_company(int(company_id), timeout_s=timeout_s, force=force)
            return result
    finally:
        await close()


async def _plan(*, force: bool) -> Plan:
    async with open_orchestrator() as orchestrator:
        return await orchestrator.plan(force=force)


async def _prepared(timeout_s: float) -> list[Finding]:
    try:
        return await prepare(timeout_s=timeout_s)
    finally:
        await close()


async def _findings() -> list[Finding]:
    try:
        settings = Settings.load()
        uri, name, driver = settings.require_mongodb_uri(), settings.mongodb_database, settings.mongodb_driver
        async with (
            open_database(uri, name, driver, selection_s=HASTY_SELECTION_S) as database,
            open_orchestrator(settings, database=database) as orchestrator,
        ):
            return [Finding("settings", True, _told_of(settings)), *await orchestrator.check()]
    except FmcsaError as error:
        return [unusable(error)]


def _told_of(settings: Settings) -> str:
    """What decides how upstreams answer; no secret."""
    given = {
        "FMCSA_SODA_APP_TOKEN": settings.soda_app_token,
        "FMCSA_QCMOBILE_WEB_KEY": settings.qcmobile_web_key,
        "FMCSA_CONTACT": settings.contact,
    }
    words = [f"{name} is {'set' if value else 'not set'}" for name, value in given.items()]
    proxies = getproxies()
    ways = [
        f"{name} goes through the proxy {URL(proxies[name]).with_user(None)}" for name in ("https", "http") if name in proxies
    ]
    return "; ".join(["can be read", *words, *ways])


async def _overview(company_id: str | None, limit: int, stale_after_h: float | None) -> Overview:
    settings = Settings.load()
    stale_after_h = settings.stale_after_h if stale_after_h is None else stale_after_h
    leases, sources = settings.leases_collection, chosen_sources(settings)
    uri, name, companies = settings.require_mongodb_uri(), settings.mongodb_database, settings.companies_collection
    async with open_database(uri, name, settings.mongodb_driver, selection_s=HASTY_SELECTION_S) as database:
        if company_id is not None:
            history = settings.history_collection
            return await read_company(
                database, companies, company_id, sources, stale_after_h=stale_after_h, leases=leases, history=history
            )
        return await read_fleet(database, companies, sources, limit=limit, stale_after_h=stale_after_h, leases=leases)


def _tell(console: Console, findings: Sequence[Finding], *, as_json: bool) -> NoReturn:
    print_json([asdict(finding) for finding in findings]) if as_json else show_findings(console, findings)
    raise typer.Exit(Exit.GOOD if all(finding.is_good for finding in findings) else Exit.COULD_NOT_RUN)
