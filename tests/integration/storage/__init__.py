"""The stores on mongomock and over the wire."""
