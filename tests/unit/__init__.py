"""Quick tests of one part: no server, no other process, no store but the one in memory or on mongomock."""
