"""The tests, by how much they need: see `tests/unit`, `tests/integration`, `tests/faults`, `tests/docs`, `tests/support`."""
