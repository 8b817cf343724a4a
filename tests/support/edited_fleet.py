"""A fleet of the double of which a test changes single rows."""

from fmcsa_orchestrator.testing import Fleet
from fmcsa_orchestrator.testing.fmcsa.catalogue import TABLES


class EditedFleet(Fleet):
    """Carriers whose rows in a dataset are what `edit` makes of them."""

    def __init__(self, carriers, **options):
        super().__init__(carriers, **options)
        self._edits = {}

    def edit(self, dataset, change):
        """Put out an edition that has what `change` makes of each carrier's rows; None: what it had."""
        self._edits[dataset] = change
        if dataset in TABLES and not TABLES[dataset].monthly:
            self.publish_daily(dataset, changed=0)
        else:
            self.publish(changed=0)

    def rows(self, dataset, key):
        rows, change = super().rows(dataset, key), self._edits.get(dataset)
        return rows if change is None or key not in self.usdots else change([dict(row) for row in rows])

    def count(self, dataset, key):
        return len(self.rows(dataset, key))
