"""Raw rows to content."""
