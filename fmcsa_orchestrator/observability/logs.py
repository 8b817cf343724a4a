"""One form for every log line: a stable event name, then `key=value`; the same as `extra` for structured handlers.

A record has `record.event` (the name) and `record.fields` (a dict). `docs/reference/logs.md` lists the names.
"""
