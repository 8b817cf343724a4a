"""The orchestrator on fakes."""
