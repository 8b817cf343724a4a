"""What the sources over datasets of the open data portal have in common."""
