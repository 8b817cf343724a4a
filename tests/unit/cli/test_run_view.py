"""A run as a person or a log sees it: counted by a clock of the test's own, drawn on a console that is a string."""

import io
import re

import pytest
from rich.console import Console

from fmcsa_orchestrator import (
    CompanyStarted,
    CompanySynced,
    CompanySyncResult,
    Outcome,
    Reading,
    RequestSent,
    RunFinished,
    RunStarted,
    SourceFailure,
    SourceOutcome,
    SyncSummary,
    Waiting,
    WindowFetched,
)
from fmcsa_orchestrator.cli.terminal.live import LiveView, LogView, view_on
from fmcsa_orchestrator.cli.terminal.outcomes import STYLES, show_summary
from fmcsa_orchestrator.cli.terminal.progress import RunProgress
from tests.support.status_samples import HOSTILE, NOW


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def synced(outcome=Outcome.CHANGED, kind=None):
    outcomes = {"violations": SourceOutcome(source="violations", outcome=outcome)}
    errors = (SourceFailure(source="violations", error="x", kind=kind, timestamp=NOW),) if kind else ()
    return CompanySynced(CompanySyncResult(company_id=1, usdot=1, success=not errors, errors=errors, outcomes=outcomes))


def finished(**facts):
    return RunFinished(SyncSummary(started_at=NOW, finished_at=NOW, **facts))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    return RunProgress(clock)


def test_it_adds_up_companies_outcomes_and_time(progress, clock):
    requests = {"soda": 6}
    progress.take(RunStarted(10, requests))
    assert (progress.rate, progress.seconds_left, progress.pace()) == (0, None, "0.0/s")
    clock.now = 4
    for event in (synced(), synced(), synced(Outcome.FAILED, "malformed"), synced(kind="lease_held")):
        progress.take(event)
    for _ in range(6):
        progress.take(RequestSent("soda"))
    assert (progress.done, progress.failed, progress.requests) == (4, 1, {"soda": 12})
    assert progress.outcomes == {"violations": {"changed": 3, "failed": 1}}
    assert (progress.rate, progress.seconds_left, progress.pace()) == (1, 6, "1.0/s, 6 s left")


def test_it_says_what_it_is_at(progress, clock):
    progress.take(RunStarted(10))
    said = [progress.doing()]
    for event in (Reading("violations", 1_200), WindowFetched(200, 6), CompanyStarted(1, 7, HOSTILE), CompanyStarted(1, 7)):
        progress.take(event)
        said.append(progress.doing())
    assert said[:3] == [
        "asking each upstream whether anything has changed",
        "reading violations of 1,200 companies",
        "storing what was read of 200 companies",
    ]
    assert said[3].isprintable()
    assert said[4] == "1 (USDOT 7)"


def test_a_pause_counts_down_and_goes(progress, clock):
    progress.take(Reading("violations", 3))
    progress.take(Waiting("soda", 12))
    assert progress.doing() == "soda asked for a pause: 12 s left"
    clock.now = 5
    progress.take(synced())
    assert progress.doing() == "soda asked for a pause: 7 s left"
    clock.now = 12
    assert progress.doing() == "reading violations of 3 companies"


def test_the_picture_has_it_all(clock):
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    view = LiveView(console, clock)
    view.on_event(RunStarted(4, {"soda": 6, "qcmobile": 2}))
    clock.now = 2
    for event in (synced(), synced(Outcome.FAILED, "malformed"), Waiting("soda", 9)):
        view.on_event(event)
    with console.capture() as capture:
        console.print(view.picture())
    text = capture.get()
    for words in (
        "2/4",
        "1.0/s, 2 s left",
        "1 failed",
        "violations",
        "1 changed",
        "6 soda, 2 qcmobile",
        "soda asked for a pause: 9 s left",
    ):
        assert words in text
    view.on_event(finished())
    view.stop()


def lines(clock, *events):
    console = Console(file=io.StringIO(), width=20)
    view = LogView(console, clock)
    for event in events:
        if isinstance(event, float):
            clock.now += event
        else:
            view.on_event(event)
    view.stop()
    return console.file.getvalue().splitlines()


def test_a_log_has_a_line_at_the_start_for_each_pause_and_at_the_end(clock):
    events = (
        RunStarted(2, {"soda": 6}),
        Waiting("soda", 4.4),
        synced(),
        synced(Outcome.FAILED, "malformed"),
        2.0,
        finished(stopped="deadline"),
    )
    outcomes = "violations.changed=1 violations.failed=1"
    assert lines(clock, *events) == [
        "event=sync_started due=2",
        "event=sync_waiting upstream=soda seconds=4",
        "event=sync_finished done=2 due=2 failed=1 skipped=0 stopped=deadline seconds=2 requests=6 requests.soda=6 " + outcomes,
    ]


def test_a_log_has_about_a_line_per_hundred_companies_or_half_a_minute(clock):
    hundred = [synced()] * 100
    quick = lines(clock, RunStarted(500), 1.0, *hundred, *hundred, 1.0, *hundred)
    assert [re.search(r"done=(\d+)", line)[1] for line in quick[1:]] == ["100", "201"]
    slow = lines(clock, RunStarted(500), *[step for event in [synced()] * 40 for step in (event, 4.0)])
    assert [re.search(r"done=(\d+)", line)[1] for line in slow[1:]] == ["9", "17", "25", "33"]


def test_every_line_is_words_of_key_and_value_without_colour(clock):
    for line in lines(clock, RunStarted(1), Waiting("soda", 1), synced(), finished()):
        assert all(re.fullmatch(r"[\w.]+=[\w.]+", word) for word in line.split(" "))


def test_only_a_terminal_is_drawn_on(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(view_on(Console(file=io.StringIO())), LogView)
    screen = io.StringIO()
    screen.isatty = lambda: True
    assert isinstance(view_on(Console(file=screen, force_terminal=True, force_interactive=True)), LiveView)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(view_on(Console(file=screen)), LogView)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 10), (40, 5), (200, 60)])
def test_the_picture_stays_within_the_screen_however_many_sources_there_are(clock, width, height):
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None)
    view = LiveView(console, clock)
    names = [f"a_source_of_ours_{number}" for number in range(12)]
    for outcome in Outcome:
        given = {name: SourceOutcome(source=name, outcome=Outcome.CHANGED) for name in names}
        given["a_source_of_ours_11"] = SourceOutcome(source="a_source_of_ours_11", outcome=outcome)
        view.on_event(CompanySynced(CompanySyncResult(company_id=1, usdot=1, success=True, outcomes=given)))
    view.on_event(CompanyStarted(1, 1, "A name that is as long as names of companies are, and then some more of it, Inc."))
    with console.capture() as capture:
        console.print(view.picture())
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert len(lines) < height
    assert all(len(line) <= width for line in lines)
    assert "  now" in lines[-1]
    shown = sum("a_source_of_ours" in line for line in lines)
    assert ("of the sources" in "".join(lines)) is (shown < len(names))
    if height > 5:
        assert any("a_source_of_ours_11" in line for line in lines)  # something of it failed


def test_every_outcome_can_be_printed():
    assert set(STYLES) == {outcome.value for outcome in Outcome}
    console = Console(file=io.StringIO(), width=120)
    show_summary(console, SyncSummary(started_at=NOW, finished_at=NOW, outcomes={"s": {outcome.value: 1 for outcome in Outcome}}))
    assert "1 skipped" in console.file.getvalue()
