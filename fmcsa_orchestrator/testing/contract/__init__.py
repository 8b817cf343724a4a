"""The contract of a source, as a pytest suite."""
