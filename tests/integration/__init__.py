"""Tests over sockets, the embedded store, and other processes."""
