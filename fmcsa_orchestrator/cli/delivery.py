"""The commands `deliver` and `subscribers`: events on their way to others, and who these are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from fmcsa_orchestrator.cli.common import Exit, Json, Verbose, ids_of, make_console, print_json, refuse
from fmcsa_orchestrator.cli.signals import stopping_on_signals
from fmcsa_orchestrator.cli.terminal.deliveries import delivery_line, show_delivery, show_subscribers
from fmcsa_orchestrator.model.carrier_events import Severity
from fmcsa_orchestrator.model.deliveries import Delivered, DeliverySummary
from fmcsa_orchestrator.model.errors import FmcsaError
from fmcsa_orchestrator.model.events import Event, EventsDelivered
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberKind, SubscriptionForm
from fmcsa_orchestrator.settings import Settings
from fmcsa_orchestrator.storage.mongodb.driver import HASTY_SELECTION_S, open_database
from fmcsa_orchestrator.sync.orchestrator import Orchestrator
from fmcsa_orchestrator.wiring import open_orchestrator

T = TypeVar("T")

subscribers = typer.Typer(no_args_is_help=True, help="List, add, test and remove those who are told of events.")

Name = Annotated[str, typer.Argument(help="The subscriber's name.")]
_EVERY_S = 5.0  # between two looks for something new


def deliver(
    *,
    deadline: Annotated[float | None, typer.Option(min=0, help="Send nothing more after so many seconds.")] = None,
    follow: Annotated[bool, typer.Option(help="Go on with what is yet to come, until it is interrupted.")] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Tell each subscriber of the events that there are for it."""
    console = make_console(as_json=as_json, verbose=verbose)

    async def call(orchestrator: Orchestrator, _: Any) -> DeliverySummary:
        def on_event(event: Event) -> None:
            if follow and isinstance(event, EventsDelivered):
                console.print(delivery_line(event.result))

        with stopping_on_signals(orchestrator.stop):
            every_s = _EVERY_S if follow else None
            return await orchestrator.deliver(deadline_s=deadline, every_s=every_s, on_event=on_event)

    summary = _asked(console, call, as_json=as_json)
    print_json(summary.as_dict()) if as_json else show_delivery(console, summary)
    raise typer.Exit(summary.exit_status)


@subscribers.command("list")
def list_(*, as_json: Json = False) -> None:
    """Show all of them: what they want, how far they are, and what is wrong."""
    console = make_console(as_json=as_json)
    found = _asked(console, lambda orchestrator, _: orchestrator.delivery.subscribers(), as_json=as_json)
    print_json([subscriber.document() for subscriber in found]) if as_json else show_subscribers(console, found)


@subscribers.command()
def add(
    name: Annotated[str, typer.Argument(help="A name for it: letters, digits, `.`, `_` and `-`.")],
    *,
    webhook: Annotated[str | None, typer.Option(help="The https address that gets signed POST requests.")] = None,
    apprise: Annotated[bool, typer.Option("--apprise", help="Tell an address of apprise, which `--secret` names.")] = False,
    function: Annotated[str | None, typer.Option("--callable", help="Call the host's function of this name.")] = None,
    secret: Annotated[str | None, typer.Option(help="The name in FMCSA_DELIVERY_SECRETS.")] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only of this type, or of all that begin with it.")] = None,
    severity: Annotated[Severity, typer.Option(help="Only as alarming as this, or more.")] = Severity.INFO,
    company: Annotated[list[str] | None, typer.Option(help="Only of the company with this _id.")] = None,
    digest: Annotated[int | None, typer.Option(min=0, max=23, help="One message a day, from this hour on.")] = None,
    time_zone: Annotated[str, typer.Option(help="Of all hours, as America/Chicago.")] = "UTC",
    quiet_from: Annotated[int | None, typer.Option(min=0, max=23, help="Nothing is sent from this hour on...")] = None,
    quiet_until: Annotated[int | None, typer.Option(min=0, max=23, help="... until this hour.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Tell it also of all that the log still has.")] = False,
) -> None:
    """Have somebody told of events: by a webhook, by apprise, or by a function of the host."""
    console = make_console(as_json=False)
    kinds = {SubscriberKind.WEBHOOK: webhook, SubscriberKind.APPRISE: apprise or None, SubscriberKind.CALLABLE: function}
    chosen = [kind for kind, given in kinds.items() if given is not None]
    if len(chosen) != 1:
        raise typer.BadParameter("give one of --webhook, --apprise and --callable")

    async def call(orchestrator: Orchestrator, database: Any) -> Subscriber:
        subscriber = Subscriber.of(
            {
                "name": name,
                "kind": chosen[0],
                "address": webhook or function,
                "secret": secret,
                "types": type_ or (),
                "least_severity": severity,
                "companies": [key for text in company or () for key in ids_of(database, text)],
                "form": SubscriptionForm.EACH if digest is None else SubscriptionForm.DIGEST,
                **({} if digest is None else {"hour": digest}),
                "time_zone": time_zone,
                "quiet_from": quiet_from,
                "quiet_until": quiet_until,
            }
        )
        return await orchestrator.delivery.add(subscriber, from_start=from_start)

    _asked(console, call)
    console.print(f"{name} is told from now on; try it: fmcsa-orchestrator subscribers test {name}", highlight=False)


@subscribers.command()
def remove(name: Name) -> None:
    """Tell it nothing any more, and forget how far it was."""
    _done(name, lambda orchestrator, _: orchestrator.delivery.remove(name), "is removed")


@subscribers.command("pause")
def hold_back(name: Name) -> None:
    """Tell it nothing for now."""
    _done(name, lambda orchestrator, _: orchestrator.delivery.pause(name), "is paused")


@subscribers.command()
def resume(name: Name) -> None:
    """Go on where it was left, whether it was paused or parked."""
    _done(name, lambda orchestrator, _: orchestrator.delivery.resume(name), "is told again")


@subscribers.command("test")
def try_out(name: Name, *, as_json: Json = False) -> None:
    """Send it one event of the type `test`, now; nothing else changes."""
    console = make_console(as_json=as_json)
    told: Delivered = _asked(console, lambda orchestrator, _: orchestrator.delivery.test(name), as_json=as_json)
    print_json(told.as_dict()) if as_json else console.print(delivery_line(told))
    raise typer.Exit(Exit.GOOD if told.error is None else Exit.SOME_FAILED)


def _done(name: str, call: Callable[[Orchestrator, Any], Awaitable[None]], words: str) -> None:
    console = make_console(as_json=False)
    _asked(console, call)
    console.print(f"{name} {words}", highlight=False)


def _asked(console: Console, call: Callable[[Orchestrator, Any], Awaitable[T]], *, as_json: bool = False) -> T:
    """What the call gives, of an orchestrator and its database; ends the command where it cannot be."""

    async def run() -> T:
        async with _opened() as (orchestrator, database):
            return await call(orchestrator, database)

    try:
        return asyncio.run(run())
    except FmcsaError as error:
        refuse(console, error, as_json=as_json)


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Orchestrator, Any]]:
    settings = Settings.load()
    uri, name, driver = settings.require_mongodb_uri(), settings.mongodb_database, settings.mongodb_driver
    async with (
        open_database(uri, name, driver, selection_s=HASTY_SELECTION_S) as database,
        open_orchestrator(settings, database=database) as orchestrator,
    ):
        yield orchestrator, database
