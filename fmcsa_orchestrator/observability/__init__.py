"""The one channel of what happens, and those who listen: logs, spans, metrics."""
