"""The command line and everything else that is a process of its own."""
