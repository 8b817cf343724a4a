"""Whole syncs over HTTP."""
