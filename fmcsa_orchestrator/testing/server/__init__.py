"""A local HTTP server that fails on demand."""
