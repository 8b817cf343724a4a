"""Sources under their contract."""
