"""The screen: whatever is printed on it, nobody's name moves its cursor."""

import io

import pytest
from rich.text import Text

from fmcsa_orchestrator import CompanySyncResult, Finding, Outcome, SourceFailure, SourceOutcome, SyncSummary
from fmcsa_orchestrator.cli.terminal.fleet import show_overview
from fmcsa_orchestrator.cli.terminal.outcomes import show_company, show_findings, show_summary
from fmcsa_orchestrator.cli.terminal.screen import Screen
from fmcsa_orchestrator.report.overview import make_overview
from tests.support.hidden import HIDDEN, hidden_in
from tests.support.status_samples import NOW, SOURCES, company, failing, with_safety

NAME = f"Acme{HIDDEN}Ltd"


def failure():
    return SourceFailure(source=NAME, error=NAME, kind=NAME, timestamp=NOW)


def findings(screen):
    show_findings(screen, [Finding(NAME, False, NAME, NAME), Finding(NAME, True, NAME)])


def summary(screen):
    errors = [{"companyId": NAME, "name": NAME, "errors": [failure()]}]
    show_summary(screen, SyncSummary(started_at=NOW, finished_at=NOW, total=1, failed=1, errors=errors))


def one(screen):
    outcomes = {NAME: SourceOutcome(source=NAME, outcome=Outcome.CHANGED)}
    show_company(screen, CompanySyncResult(company_id=NAME, name=NAME, success=False, errors=(failure(),), outcomes=outcomes))


def overview(screen):
    document = with_safety(failing(NAME, name=NAME, number=NAME, message=NAME))
    document["fmcsaData"]["csa"]["hazmat"] = {"percentileStatus": NAME}
    for found in (document, company(NAME, name=NAME)):
        show_overview(screen, make_overview([found], SOURCES, NOW, 48))


def own(screen):
    screen.print(f"[bold]{NAME}[/]", Text(NAME), NAME, highlight=False)
    screen.out(NAME, NAME, highlight=False)


@pytest.mark.parametrize("show", [findings, summary, one, overview, own])
def test_what_nobody_sees_is_not_sent_to_a_terminal(show):
    screen = Screen(file=io.StringIO(), width=120)
    show(screen)
    text = screen.file.getvalue()
    assert "Acme" in text
    assert not hidden_in(text, but="\n")


def test_colours_are_still_sent():
    screen = Screen(file=io.StringIO(), force_terminal=True, color_system="standard", width=40)
    screen.print(f"[red]{NAME}[/]")
    assert screen.file.getvalue().startswith("\x1b[31mAcme ")
