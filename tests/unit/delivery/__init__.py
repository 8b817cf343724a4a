"""Delivery without connections."""
