"""What the sources over SMS files have in common."""
