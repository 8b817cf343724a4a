"""The carriers the double knows and their rows in all datasets, edition by edition."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate
from random import Random
from typing import Self

from fmcsa_orchestrator.testing.fmcsa.carrier_files import CarrierFiles, FilesCache
from fmcsa_orchestrator.testing.fmcsa.carrier_rows import Keys, make_rows
from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier, alike_carriers, mixed_carriers
from fmcsa_orchestrator.testing.fmcsa.catalogue import DATASETS, TABLES, TITLES
from fmcsa_orchestrator.testing.fmcsa.datasets import INSPECTIONS, PASSENGER_RESULTS, RESULTS, VIOLATIONS, Row
from fmcsa_orchestrator.testing.fmcsa.ranking import RankedFleet, Ranking
from fmcsa_orchestrator.testing.fmcsa.result_rows import result_datasets

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
        self._inspections = ends[-1]
        self._changed: list[frozenset[int]] = []  # whose rows changed, by publish of the monthly files
        self._changed_daily: defaultdict[str, list[frozenset[int]]] = defaultdict(list)  # the same for each daily dataset
        self._left: set[int] = set()
        self._cache = FilesCache(_CACHED_ROWS)
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
        """Put out the next monthly files. In that share of the carriers with rows some are gone and as many are new."""
        candidates = [carrier.usdot for carrier in self.carriers if carrier.inspections]
        self._changed.append(self._some(candidates, changed, f"publish:{self.edition}"))

    def publish_daily(self, *datasets: str, changed: float = 0.2) -> None:
        """Put out the next edition of these daily datasets, or of all. In so many carriers something is other than it was."""
        candidates = [carrier.usdot for carrier in self.carriers if carrier.kind != "unknown"]
        for dataset in datasets or [table.id for table in TABLES.values() if not table.monthly]:
            mark = f"publish:{dataset}:{self.edition_of(dataset)}"
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

    def rows(self, dataset: str, usdot: int) -> list[Row]:
        """What upstream has of the carrier now."""
        return self._rows(dataset, usdot, self.edition_of(dataset))

    def previous(self, dataset: str, usdot: int) -> list[Row]:
        """What a replica that missed the last publish still has; before any publish, the same as upstream."""
        return self._rows(dataset, usdot, max(0, self.edition_of(dataset) - 1))

    def count(self, dataset: str, usdot: int) -> int:
        """How many rows upstream has of the carrier; in the SMS files the same in every edition that it is in."""
        carrier = self._by_usdot.get(usdot)
        if carrier is None or usdot in self._left:
            return 0
        return len(self.rows(dataset, usdot)) if dataset in TABLES else _size(dataset, carrier)

    def total_rows(self, dataset: str) -> int:
        """How many rows the file has."""
        return sum(self.count(dataset, usdot) for usdot in self.usdots)

    def _rows(self, dataset: str, usdot: int, edition: int) -> list[Row]:
        carrier = self._by_usdot.get(usdot)
        if carrier is None or usdot in self._left:
            return []
        version = sum(usdot in changed for changed in self._changes(dataset)[:edition])
        if (table := TABLES.get(dataset)) is not None:
            return [] if carrier.kind == "unknown" else table.make(carrier, self._seed, version)
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
        keys = Keys(self._first_key[carrier.usdot], self._inspections)
        return CarrierFiles(carrier, make_rows(carrier, self._seed, version, keys), self._seed)


def _size(dataset: str, carrier: Carrier) -> int:
    if dataset == VIOLATIONS:
        return carrier.violations
    if dataset == INSPECTIONS:
        return carrier.inspections
    return int(dataset in result_datasets(carrier))


def _spell(usdot: int, place: int) -> str | int:
    spelling = place % (len(_SPELLINGS) + 1)
    return _SPELLINGS[spelling - 1].format(usdot) if spelling else usdot
