"""The double's rows."""
