"""What a client asks of its server."""

from collections import Counter

from pymongo.monitoring import CommandListener


class Commands(CommandListener):
    """Counts the commands, by name."""

    def __init__(self):
        self.counts = Counter()

    def started(self, event):
        self.counts[event.command_name] += 1

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass
