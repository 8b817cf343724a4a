"""The command `events`: what has changed about carriers, and what changes from now on."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from fmcsa_orchestrator.cli.common import Exit, Json, ids_of, make_console, refuse
from fmcsa_orchestrator.cli.terminal.events import event_line
from fmcsa_orchestrator.cli.terminal.screen import Screen
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.errors import FmcsaError
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.storage.event_log import Wanted
from fmcsa_orchestrator.storage.mongodb.driver import HASTY_SELECTION_S, open_database
from fmcsa_orchestrator.storage.mongodb.event_log import MongoEventLog

_PAGE = 500
_PAUSE_S = 2.0  # between two looks with --follow
_AGE = re.compile(r"(\d{1,5})(min|h|d)", re.ASCII)
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def show_events(
    *,
    since: Annotated[str, typer.Option(help="Only events seen since a day (2026-11-01) or within 30min, 24h, 7d.")] = "7d",
    after: Annotated[int, typer.Option(min=0, help="Only events behind this place, the `_id` of the last that you have.")] = 0,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only of this type, or of all that begin with it.")] = None,
    company: Annotated[list[str] | None, typer.Option(help="Only of the company with this _id.")] = None,
    severity: Annotated[Severity, typer.Option(help="Only as alarming as this, or more.")] = Severity.INFO,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest.")] = 100,
    follow: Annotated[bool, typer.Option(help="Go on with what is yet to come, until it is interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Show what has changed about carriers, the latest last; with --json one event in a line."""
    console = make_console(as_json=as_json)
    try:
        wanted = Wanted(
            types=type_ or (),
            companies=company or (),
            severities=[one for one in Severity if one.rank >= severity.rank],
            since=None if after else _since(since, datetime.now(UTC)),
        )
        with suppress(KeyboardInterrupt):
            asyncio.run(_show(console, wanted, after, limit, follow=follow, as_json=as_json))
    except FmcsaError as error:
        refuse(console, error, as_json=as_json)
    raise typer.Exit(Exit.GOOD)


def _since(text: str, now: datetime) -> datetime:
    if match := _AGE.fullmatch(text):
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter("give a day, as 2026-11-01, or an age, as 30min, 24h or 7d", param_hint="--since") from None


async def _show(console: Console, wanted: Wanted, after: int, limit: int, *, follow: bool, as_json: bool) -> None:
    async for event in _found(wanted, after, limit, follow=follow):
        if as_json:
            Screen().out(json.dumps(to_jsonable_python(event, fallback=str)), highlight=False)
        else:
            console.print(event_line(event))


async def _found(wanted: Wanted, after: int, limit: int, *, follow: bool) -> AsyncIterator[dict[str, Any]]:
    settings = Settings.load()
    uri, name = settings.require_mongodb_uri(), settings.mongodb_database
    async with open_database(uri, name, settings.mongodb_driver, selection_s=HASTY_SELECTION_S) as database:
        log = MongoEventLog(database, settings.events_collection)
        companies = [key for text in wanted.companies for key in ids_of(database, text)]
        wanted = Wanted(wanted.types, companies, wanted.severities, wanted.since)
        latest = list(await log.latest(limit, wanted, after=after))
        cursor = latest[-1]["_id"] if latest else max(after, await log.last())
        for event in latest:
            yield dict(event)
        while follow:
            part: Sequence[Any] = await log.read(cursor, _PAGE, wanted)
            for event in part:
                cursor = event["_id"]
                yield dict(event)
            if len(part) < _PAGE:
                await asyncio.sleep(_PAUSE_S)
