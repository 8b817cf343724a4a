"""What is observed, by itself."""
