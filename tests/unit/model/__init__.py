"""The model by itself."""
