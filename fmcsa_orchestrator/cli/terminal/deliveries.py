"""What subscribers were told, and who they are: a line each."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmcsa_orchestrator.cli.terminal.outcomes import in_words
from fmcsa_orchestrator.model.deliveries import Delivered, DeliverySummary
from fmcsa_orchestrator.model.subscriber import Subscriber, SubscriberState, SubscriptionForm
from fmcsa_orchestrator.model.text import printable
from fmcsa_orchestrator.report.wording import minute

_STYLES = {SubscriberState.ACTIVE: "green", SubscriberState.PAUSED: "dim", SubscriberState.PARKED: "red"}


def show_delivery(console: Console, summary: DeliverySummary) -> None:
    """The whole of it."""
    if summary.failure is not None:
        console.print(in_words(summary.failure), highlight=False)
        return
    verdict = "[green]all good[/]" if summary.success else "[red]with failures[/]"
    seconds = (summary.finished_at - summary.started_at).total_seconds()
    console.print(f"{verdict}: {summary.accepted} accepted in {seconds:.1f} s", highlight=False)
    for told in summary.subscribers.values():
        console.print(delivery_line(told))


def delivery_line(told: Delivered) -> Text:
    """One subscriber."""
    line = Text.assemble(f"  {told.subscriber}: {told.accepted} accepted")
    if told.state is not None and told.state is not SubscriberState.ACTIVE:
        line.append(f", {told.state}", _STYLES[told.state])
    if told.skipped:
        line.append(f"; left alone: {told.skipped}", "dim")
    if told.error:
        line.append(f"; {told.error}", "red")
    if told.error and told.next_try is not None and told.state is SubscriberState.ACTIVE:
        line.append(f"; again at {minute(told.next_try)}")
    return line


def show_subscribers(console: Console, subscribers: Sequence[Subscriber]) -> None:
    """A table of them."""
    if not subscribers:
        console.print("nobody is told of events; see fmcsa-orchestrator subscribers add --help", highlight=False)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("name", "kind", "state", "wants", "last accepted", "what is wrong"):
        table.add_column(heading, overflow="fold")
    for each in subscribers:
        table.add_row(
            each.name,
            each.kind.value,
            Text(each.state.value, _STYLES[each.state]),
            _wants(each),
            minute(each.last_accepted),
            Text(printable(each.why or "")),
        )
    console.print(table)


def _wants(subscriber: Subscriber) -> Text:
    words = [", ".join(subscriber.types) or "all", f"from {subscriber.least_severity.value}"]
    if subscriber.companies:
        words.append(f"of {len(subscriber.companies)} companies")
    if subscriber.form is SubscriptionForm.DIGEST:
        words.append(f"once a day at {subscriber.hour}:00 {subscriber.time_zone}")
    return Text(", ".join(words))
