"""Tells subscribers of carriers' events: webhooks, apprise addresses, and the host's own functions."""
