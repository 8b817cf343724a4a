"""Rows, statuses and leases by themselves."""
