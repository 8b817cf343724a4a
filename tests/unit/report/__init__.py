"""What the status shows."""
