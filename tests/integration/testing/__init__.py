"""What is shipped for tests, over the wire."""
