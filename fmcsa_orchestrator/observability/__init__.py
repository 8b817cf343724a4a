"""The one channel of what happens, and those who listen to it: logs, spans, metrics."""

from fmcsa_orchestrator.observability import hooks, logs, telemetry

hooks.subscribe(logs.LogWriter())
if telemetry.IS_INSTALLED:
    hooks.subscribe(telemetry.Telemetry())
