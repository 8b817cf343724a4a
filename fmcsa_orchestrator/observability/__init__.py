"""The one channel of what happens, and those who listen to it: logs, spans, metrics."""

from fmcsa_orchestrator.observability import hooks, logs, telemetry

hooks.subscribe(event=logs.write_event, note=logs.write_note)
if telemetry.IS_INSTALLED:
    _telemetry = telemetry.Telemetry()
    hooks.subscribe(outcome=_telemetry.settled, around=_telemetry.watching)
