"""The carriers the double knows and their rows in all datasets, edition by edition."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import accumulate
from random import Random
from typing import Self

from fmcsa_orchestrator.testing.fmcsa.carrier_files import CarrierFiles, FilesCache
from fmcsa_orchestrator.testing.fmcsa.carrier_rows import Keys, make_rows, place_of
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier, alike_carriers, mixed_carriers
from fmcsa_orchestrator.testing.fmcsa.catalogue import DATASETS, TABLES, TITLES
from fmcsa_orchestrator.testing.fmcsa.daily_inspections import DailyInspections, daily_inspections
from fmcsa_orchestrator.testing.fmcsa.datasets import INSPECTIONS, PASSENGER_RESULTS, RESULTS, VIOLATIONS, Row
from fmcsa_orchestrator.testing.fmcsa.ranking import RankedFleet, Ranking
from fmcsa_orchestrator.testing.fmcsa.result_rows import result_datasets
from fmcsa_orchestrator.testing.fmcsa.tables.table import PerInspection, Table

__all__ = ["DATASETS", "TITLES", "Carrier", "Fleet", "Ranking"]

_CACHED_ROWS = 200_000
_SPELLINGS = ("{}", " {:08d}", "USDOT {}")


class Fleet:
    """Carriers whose rows are made when asked for. The rows are shared: do not change them.

    With a `ranking` the percentiles of passenger carriers follow from the measures of the whole fleet, whose rows are then all
    made; without one they are made up.
    """

    def __init__(self, carriers: Iterable[Carrier], *, seed: int = 7, ranking: Ranking | None = None) -> None:
        self.carriers: tuple[Carrier, ...] = tuple(carriers)
        self.usdots: list[int] = [carrier.usdot for carrier in self.carriers]
        self._seed = seed
        self._by_usdot = dict(zip(self.usdots, self.carriers, strict=True))
        ends = list(accumulate((carrier.inspections for carrier in self.carriers), initial=0))
        self._first_key = dict(zip(self.usdots, ends[:-1], strict=True))
        self._starts = ends[:-1]
        self._inspections = ends[-1]
        self._changed: list[frozenset[int]] = []  # whose rows changed, by publish of the monthly files
        self._changed_daily: defaultdict[str, list[frozenset[int]]] = defaultdict(list)  # the same for each daily dataset
        self._left: set[int] = set()
        self._cache = FilesCache[CarrierFiles](_CACHED_ROWS)
        self._daily_cache = FilesCache[DailyInspections](_CACHED_ROWS)
        self._ranking = ranking
        self._ranked: tuple[tuple[int, frozenset[int]], RankedFleet] | None = None  # of the edition, without those that had left

    @classmethod
    def sample(cls, companies: int = 40, *, seed: int = 7, giant: bool = False, ranking: Ranking | None = None) -> Self:
        """Carriers of all kinds, the last one large; `giant` adds one more with over 50,000 violations."""
        return cls(mixed_carriers(companies, seed, giant=giant), seed=seed, ranking=ranking)

    @classmethod
    def uniform(cls, companies: int, *, violations: int = 22, inspections: int = 14, seed: int = 7) -> Self:
        """Small property carriers only, all with as many rows."""
        return cls(alike_carriers(companies, seed, inspections=inspections, violations=violations), seed=seed)

    def __len__(self) -> int:
        return len(self.carriers)

    @property
    def edition(self) -> int:
        """The number of the monthly files upstream now, from 0."""
        return len(self._changed)

    def edition_of(self, dataset: str) -> int:
        """The number of the dataset's edition upstream now, from 0."""
        return len(self._changes(dataset))

    def publish(self, *, changed: float = 0.2) -> None:
        """Put out the next monthly files. In that share of the carriers with rows some are gone and as many are new.

        What SMS has anew has come to the daily files of inspections before.
        """
        candidates = [carrier.usdot for carrier in self.carriers if carrier.inspections]
        self._changed.append(self._some(candidates, changed, f"publish:{self.edition}"))
        for table in TABLES.values():
            if isinstance(table.make, PerInspection):
                self._changed_daily[table.id].append(self._changed[-1])

    def publish_daily(self, *datasets: str, changed: float = 0.2) -> None:
        """Put out the next edition of these daily datasets, or of all. In so many carriers something is other than it was."""
        candidates = [carrier.usdot for carrier in self.carriers if carrier.kind != "unknown"]
        for dataset in datasets or [table.id for table in TABLES.values() if not table.monthly]:
            together = "inspections" if isinstance(TABLES[dataset].make, PerInspection) else dataset
            mark = f"publish:{together}:{self.edition_of(dataset)}"
            self._changed_daily[dataset].append(self._some(candidates, changed, mark))

    def _some(self, usdots: list[int], share: float, mark: str) -> frozenset[int]:
        """That share of the carriers, and one at least where it is not zero."""
        if not 0 <= share <= 1:
            raise ValueError("changed is a share, from 0 to 1")
        number = round(share * len(usdots))
        if share and usdots:
            number = max(1, number)
        return frozenset(Random(f"{self._seed}:{mark}").sample(usdots, number))

    def _changes(self, dataset: str) -> list[frozenset[int]]:
        table = TABLES.get(dataset)
        return self._changed if table is None or table.monthly else self._changed_daily[dataset]

    def leave(self, usdot: int) -> None:
        """The carrier is in no file any more, as one that is out of business or hides its number."""
        self._left.add(usdot)

    def come_back(self, usdot: int) -> None:
        """It is in the files again."""
        self._left.discard(usdot)

    def company_documents(self) -> list[dict[str, str | int]]:
        """The host app's documents of all carriers, the USDOT number spelled as people do."""
        return [{"name": carrier.name, "dotNumber": _spell(carrier.usdot, place)} for place, carrier in enumerate(self.carriers)]

    def rows(self, dataset: str, key: int) -> list[Row]:
        """What upstream has of the carrier now, by its USDOT number; of an inspection in a file that knows rows by that."""
        return self._rows(dataset, key, self.edition_of(dataset))

    def previous(self, dataset: str, key: int) -> list[Row]:
        """What a replica that missed the last publish still has; before any publish, the same as upstream."""
        return self._rows(dataset, key, max(0, self.edition_of(dataset) - 1))

    def count(self, dataset: str, key: int) -> int:
        """How many rows that are; in the SMS files the same in every edition that the carrier is in."""
        if dataset in TABLES:
            return len(self.rows(dataset, key))
        carrier = self._by_usdot.get(key)
        return 0 if carrier is None or key in self._left else _size(dataset, carrier)

    def keys(self, dataset: str) -> list[int]:
        """Whatever rows are known by: USDOT numbers, or the numbers of all inspections."""
        if not (dataset in TABLES and TABLES[dataset].by_inspection):
            return self.usdots
        edition = self.edition_of(dataset)
        return [id_ for carrier in self.carriers for id_ in self._daily(carrier, self._version(dataset, carrier.usdot, edition))]

    def total_rows(self, dataset: str) -> int:
        """How many rows the file has."""
        return sum(self.count(dataset, key) for key in self.keys(dataset))

    def _version(self, dataset: str, usdot: int, edition: int) -> int:
        """How often the carrier changed until that edition."""
        return sum(usdot in changed for changed in self._changes(dataset)[:edition])

    def _rows(self, dataset: str, key: int, edition: int) -> list[Row]:
        table = TABLES.get(dataset)
        usdot = self._inspected(key) if table and table.by_inspection else key
        carrier = self._by_usdot.get(usdot)
        if carrier is None or usdot in self._left:
            return []
        version = self._version(dataset, usdot, edition)
        if table is not None:
            return [] if carrier.kind == "unknown" else self._table_rows(table, carrier, version, key)
        if not _size(dataset, carrier):
            return []
        rows = self._cache.get((usdot, version), lambda: self._make(carrier, version)).rows(dataset)
        if self._ranking is None or dataset != PASSENGER_RESULTS[carrier.file_class]:
            return rows
        ranked = self._ranked_fleet(self._ranking, edition)
        return [ranked.ranked(carrier.file_class, row) for row in rows]

    def _ranked_fleet(self, ranking: Ranking, edition: int) -> RankedFleet:
        key = edition, frozenset(self._left)
        if self._ranked is None or self._ranked[0] != key:
            everyone = (
                (carrier.file_class, row)
                for carrier in self.carriers
                for row in self._rows(RESULTS[carrier.file_class], carrier.usdot, edition)
            )
            self._ranked = key, RankedFleet(ranking, everyone)
        return self._ranked[1]

    def _make(self, carrier: Carrier, version: int) -> CarrierFiles:
        return CarrierFiles(carrier, make_rows(carrier, self._seed, version, self._keys(carrier)), self._seed)

    def _keys(self, carrier: Carrier) -> Keys:
        return Keys(self._first_key[carrier.usdot], self._inspections)

    def _table_rows(self, table: Table, carrier: Carrier, version: int, key: int) -> list[Row]:
        if not isinstance(table.make, PerInspection):
            return table.make(carrier, self._seed, version)
        inspections = self._daily(carrier, version)
        if table.by_inspection:
            return table.make.rows(inspections[key]) if key in inspections else []
        return [row for inspection in inspections.values() for row in table.make.rows(inspection)]

    def _daily(self, carrier: Carrier, version: int) -> DailyInspections:
        make = partial(daily_inspections, carrier, self._seed, version, self._keys(carrier))
        return self._daily_cache.get((carrier.usdot, version), make)

    def _inspected(self, inspection_id: int) -> int:
        """Whose inspection has that number, or would have it; 0 in a fleet without inspections."""
        return self.usdots[bisect(self._starts, place_of(inspection_id, self._inspections)) - 1] if self._inspections else 0


def _size(dataset: str, carrier: Carrier) -> int:
    if dataset == VIOLATIONS:
        return carrier.violations
    if dataset == INSPECTIONS:
        return carrier.inspections
    return int(dataset in result_datasets(carrier))


def _spell(usdot: int, place: int) -> str | int:
    spelling = place % (len(_SPELLINGS) + 1)
    return _SPELLINGS[spelling - 1].format(usdot) if spelling else usdot
