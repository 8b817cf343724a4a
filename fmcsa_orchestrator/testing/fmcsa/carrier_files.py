"""One carrier's rows in the six files, and a cache of such."""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Generic, Protocol, TypeVar

from fmcsa_orchestrator.testing.fmcsa.carrier_rows import MadeRows
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import INSPECTIONS, VIOLATIONS, Row
from fmcsa_orchestrator.testing.fmcsa.result_rows import result_rows


class CarrierFiles:
    """Its rows by dataset; the results are worked out when first asked for."""

    def __init__(self, carrier: Carrier, inputs: MadeRows, seed: int) -> None:
        self._carrier = carrier
        self._inputs = inputs
        self._seed = seed
        self.size = len(inputs) + 2  # with the results

    def rows(self, dataset: str) -> list[Row]:
        """A new list of the rows."""
        if dataset == VIOLATIONS:
            return self._inputs.violations.copy()
        if dataset == INSPECTIONS:
            return self._inputs.inspections.copy()
        return self._results[dataset].copy()

    @cached_property
    def _results(self) -> dict[str, list[Row]]:
        return result_rows(self._carrier, self._inputs, self._seed)


class Measured(Protocol):
    """What knows how many rows it stands for."""

    @property
    def size(self) -> int:
        """So many."""


F = TypeVar("F", bound=Measured)


class FilesCache(Generic[F]):
    """Keeps carriers' rows, by USDOT number and version, up to a number of rows; the newest stay whatever their size."""

    def __init__(self, most_rows: int) -> None:
        self.size = 0
        self._most_rows = most_rows
        self._kept: OrderedDict[tuple[int, int], F] = OrderedDict()

    def get(self, key: tuple[int, int], make: Callable[[], F]) -> F:
        """From the cache, or made now."""
        files = self._kept.get(key)
        if files is None:
            files = self._kept[key] = make()
            self.size += files.size
            self._drop_oldest()
        self._kept.move_to_end(key)
        return files

    def _drop_oldest(self) -> None:
        while self.size > self._most_rows and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self.size -= oldest.size
