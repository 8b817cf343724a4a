"""Logs, spans and metrics, as a host app receives them."""

import ast
import asyncio
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

import fmcsa_orchestrator
from fmcsa_orchestrator.observability import telemetry
from fmcsa_orchestrator.testing import Fault, Fleet
from tests.support.deliveries import Deliveries, FlakyReceiver, event
from tests.support.paths import DOCS
from tests.support.world import VIOLATIONS, open_world

PACKAGE = Path(fmcsa_orchestrator.__file__).parent
PAGE = DOCS / "reference" / "telemetry.md"
SECRET = "s3cret-web-key"

_exporter, _reader = InMemorySpanExporter(), InMemoryMetricReader()


@pytest.fixture(scope="module", autouse=True)
def providers():
    """OpenTelemetry takes its providers once per process."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([_reader]))


@pytest.fixture
def spans():
    _exporter.clear()
    return _exporter.get_finished_spans


def points():
    """(metric, attributes) -> count or sum, of all that was recorded since the process began."""
    data = _reader.get_metrics_data()
    found = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        for point in metric.data.data_points:
            key = (metric.name, frozenset(point.attributes.items()))
            found[key] = getattr(point, "count", None) or getattr(point, "value", 0)
    return found


def documented(heading):
    section = PAGE.read_text(encoding="utf-8").split(f"| {heading} |")[1].split("\n\n")[0]
    return {
        line.split("|")[1].strip(" `"): set(re.findall(r"`([\w.]+)`", line))
        for line in section.splitlines()
        if line.startswith("| `")
    }


async def test_a_run_is_a_tree_of_spans_without_secrets(spans, no_pauses):
    async with open_world("memory", "", fleet=Fleet.sample(6), qcmobile_web_key=SecretStr(SECRET)) as world:
        world.upstream.inject(Fault.status(500), dataset=VIOLATIONS, times=1)
        await world.orchestrator.sync_all_companies()
    found = spans()
    by_id = {span.context.span_id: span for span in found}
    parents = {(span.name, by_id[span.parent.span_id].name) for span in found if span.parent}
    assert parents == {
        ("fmcsa.company", "fmcsa.run"),
        ("fmcsa.source", "fmcsa.run"),  # a window
        ("fmcsa.source", "fmcsa.company"),
        ("fmcsa.request", "fmcsa.source"),
        ("fmcsa.request", "fmcsa.run"),  # versions
    }
    (run,) = [span for span in found if span.name == "fmcsa.run"]
    assert run.attributes["fmcsa.total"] == 6
    assert len([span for span in found if span.name == "fmcsa.company"]) == 6
    failed = [span for span in found if span.name == "fmcsa.request" and span.attributes["fmcsa.outcome"] != "ok"]
    assert SECRET not in str([(span.name, dict(span.attributes), span.events, span.status.description) for span in found])
    refused = [span for span in failed if span.attributes.get("fmcsa.status") == 500]
    assert [(span.attributes["fmcsa.outcome"], span.status.is_ok) for span in refused] == [("upstream_unavailable", False)]
    pages = documented("span")
    for span in found:
        assert set(span.attributes) <= pages[span.name], span.name


async def test_metrics_count_what_happened():
    before = points() if _reader.get_metrics_data() else {}
    async with open_world("memory", "", fleet=Fleet.sample(6)) as world:
        summary = await world.orchestrator.sync_all_companies()
        requests = world.upstream.count()
    deliveries = Deliveries({"r": FlakyReceiver(["down"])})
    await deliveries.subscribe("r")
    await deliveries.log.append([event(1)])
    await deliveries.deliver()
    await deliveries.delivery.resume("r")
    await deliveries.deliver()
    after = points()
    added = {key: after[key] - before.get(key, 0) for key in after}

    def total(name, **labels):
        wanted = {f"fmcsa.{label}": value for label, value in labels.items()}.items()
        return sum(number for (metric, attributes), number in added.items() if metric == name and wanted <= attributes)

    assert total("fmcsa.request.duration", outcome="ok", upstream="soda") == requests == summary.requests
    assert total("fmcsa.run.duration", outcome="ok") == 1
    assert total("fmcsa.company.duration") == 6
    for source, counts in summary.outcomes.items():
        for outcome, number in counts.items():
            assert total("fmcsa.outcomes", source=source, outcome=outcome) == number
    assert total("fmcsa.rows.written") == summary.rows_written
    assert [total("fmcsa.delivery.duration", kind="callable", outcome=word) for word in ("ok", "refused")] == [1, 1]
    page = documented("metric")
    assert {name for name, _ in added} == set(page)
    for name, attributes in added:
        assert {key for key, _ in attributes} <= page[name]


async def test_a_handler_is_observed_too_and_a_cancelled_one_says_so(spans):
    async with open_world("memory", "", fleet=Fleet.sample(3)) as world:
        await world.orchestrator.sync_company(world.fleet.usdots[0])
        assert [span.attributes["fmcsa.outcome"] for span in spans() if span.name == "fmcsa.company"] == ["ok"]
        _exporter.clear()
        world.upstream.inject(Fault.hang(3_600), dataset=VIOLATIONS, kind="resource")
        task = asyncio.create_task(world.orchestrator.sync_company(world.fleet.usdots[1]))
        while not world.upstream.count(kind="resource", dataset=VIOLATIONS) > 1:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [span.attributes["fmcsa.outcome"] for span in spans() if span.name == "fmcsa.company"] == ["cancelled"]


def test_without_opentelemetry_all_goes_on_and_nothing_is_observed():
    program = """
import sys
sys.modules["opentelemetry"] = None
from fmcsa_orchestrator import SourceOutcome
from fmcsa_orchestrator.observability import hooks, telemetry
with hooks.watched("run", {"a": "b"}, c=1) as activity:
    activity.facts["d"] = 2
hooks.settle(SourceOutcome(source="s", outcome="changed", written=3))
print(telemetry.IS_INSTALLED, activity.outcome)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False ok\n", "")
    assert telemetry.IS_INSTALLED


def logged_events():
    """Every event name in the code, with its fields."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "note":
                found.setdefault(node.args[2].value, set()).update(word.arg for word in node.keywords if word.arg != "details")
    return found


def test_every_event_and_its_fields_are_documented_and_nothing_else():
    page = {name: {field for field in fields if field != name} for name, fields in documented("event").items()}
    code = logged_events()
    assert page.keys() == code.keys()
    for name, fields in code.items():
        assert fields <= page[name], name


def test_nothing_is_logged_past_the_one_form():
    for path in PACKAGE.rglob("*.py"):
        if path.name != "logs.py" and "testing" not in path.parts:
            assert not re.search(r"\blog\.(debug|info|warning|error|exception|critical)\(", path.read_text(encoding="utf-8")), (
                path
            )


async def test_a_record_has_its_event_its_fields_and_its_company(caplog, no_pauses):
    async with open_world("memory", "", fleet=Fleet.sample(3)) as world:
        world.upstream.inject(Fault.status(400), dataset=VIOLATIONS, kind="resource")
        await world.orchestrator.sync_company(world.fleet.usdots[0])
    (record,) = [record for record in caplog.records if getattr(record, "event", None) == "sync_failed"]
    assert record.fields["source"] == "violations"
    assert record.fields["company"] == str(world.fleet.usdots[0])
    assert record.getMessage().startswith("sync_failed source=violations kind=rejected error=")
    assert (record.levelno, record.name) == (logging.WARNING, "fmcsa_orchestrator.sync.guard.isolation")
