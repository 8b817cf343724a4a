"""From measures to percentiles: the ways in which SMS may rank, and which of them fits what is published. Pure functions.

FMCSA's documents do not settle how a rank becomes a percentile, nor who is ranked with whom. The ways below are those that public
code uses or that the documents allow; the published percentiles of passenger carriers tell which of them comes nearest.

Measures are whole numbers here: hundredths, as they are published. FMCSA most likely ranks with more digits: what is a tie here
need not be one there. Whether a carrier without recent violations is left out before ranking cannot be seen in the result files.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, product
from math import ceil
from typing import Any, Literal, NamedTuple

from fmcsa_orchestrator.model.fmcsa import Basic

CLASSES = ("AB", "C")  # interstate, or intrastate with hazmat; intrastate without
TOGETHER = "AB+C"

Rank = Literal["min", "average", "max"]
Over = Literal["n-1", "n"]
Rounding = Literal["round", "floor", "ceil"]
Least = Literal["inspections", "violation", "critical mass"]
LEVELS: tuple[Least, ...] = ("inspections", "violation", "critical mass")


@dataclass(frozen=True, slots=True)
class RankRule:
    """From a rank among `n` carriers to a percentile.

    Attributes:
        rank: which rank carriers with equal measures have.
        over: `n-1` is 100 x (rank - 1) / (n - 1), `n` is 100 x rank / n.
        rounding: to a whole number; `round` takes halves up.
    """

    rank: Rank
    over: Over
    rounding: Rounding

    def share(self, below: int, same: int, carriers: int) -> tuple[int, int]:
        """The percentile before it is rounded, as numerator and denominator.

        Args:
            below: carriers with a smaller measure.
            same: carriers with this measure, itself included; 0 for a measure that nobody has.
            carriers: all that are ranked.
        """
        twice = 2 * below + {"min": 2, "average": same + 1, "max": 2 * same}[self.rank]
        if self.over == "n":
            return 100 * twice, 2 * max(carriers, 1)
        return 100 * (twice - 2), 2 * max(carriers - 1, 1)

    def percentile(self, below: int, same: int, carriers: int) -> int:
        """The percentile, 0 to 100."""
        share, whole = self.share(below, same, carriers)
        match self.rounding:
            case "floor":
                value = share // whole
            case "ceil":
                value = -(-share // whole)
            case "round":
                value = (2 * share + whole) // (2 * whole)
        return min(100, max(0, value))


@dataclass(frozen=True, slots=True)
class Population:
    """Who is ranked together in a group.

    Attributes:
        least: all with enough inspections; of these, those with a violation; of these, those with as many inspections with a
            violation as a percentile is shown for.
        together: whether both classes of carriers are ranked as one.
    """

    least: Least
    together: bool

    def has(self, peer: "Cell") -> bool:
        """Whether these carriers are in it."""
        return peer.level >= LEVELS.index(self.least)

    def of(self, carrier_class: str) -> str:
        """The name of the classes that a carrier of this one is ranked with."""
        return TOGETHER if self.together else carrier_class


@dataclass(frozen=True, slots=True)
class Way:
    """One way to rank: who, and by which rule."""

    population: Population
    rule: RankRule

    def __str__(self) -> str:
        formula = "100*(rank-1)/(n-1)" if self.rule.over == "n-1" else "100*rank/n"
        return (
            f"{formula}, {self.rule.rank} rank, {self.rule.rounding}; among carriers with {self.population.least}, "
            f"{'classes together' if self.population.together else 'each class by itself'}"
        )

    @classmethod
    def named(cls, text: object) -> "Way | None":
        """The way with that name; None where there is no such."""
        return next((way for way in WAYS if str(way) == text), None)


# Where several fit equally well, the first is taken.
_LEAST: tuple[Least, ...] = ("violation", "critical mass", "inspections")
_OVER: tuple[Over, ...] = ("n-1", "n")
_RANKS: tuple[Rank, ...] = ("min", "average", "max")
_ROUNDINGS: tuple[Rounding, ...] = ("round", "floor", "ceil")
POPULATIONS = tuple(Population(least, together) for together, least in product((True, False), _LEAST))
RANK_RULES = tuple(RankRule(rank, over, rounding) for over, rank, rounding in product(_OVER, _RANKS, _ROUNDINGS))
WAYS = tuple(Way(population, rule) for population, rule in product(POPULATIONS, RANK_RULES))


class Cell(NamedTuple):
    """Carriers that are alike in all that decides who is ranked with them; `level` is a place in `LEVELS`."""

    basic: Basic
    carrier_class: str
    group: int
    level: int


class Published(NamedTuple):
    """A percentile that FMCSA has published for a measure."""

    cell: Cell
    measure: int
    percentile: float


class Distribution:
    """The measures of all carriers that are ranked together, as a histogram: distinct measures, ascending, and their counts."""

    def __init__(self, measures: Sequence[int], counts: Sequence[int]) -> None:
        self.measures = measures
        self.counts = counts

    @classmethod
    def of(cls, measures: Mapping[int, int]) -> "Distribution":
        """Of how many carriers have each measure."""
        ascending = sorted(measures)
        return cls(ascending, [measures[measure] for measure in ascending])

    @cached_property
    def _below(self) -> list[int]:
        return list(accumulate(self.counts, initial=0))

    @property
    def carriers(self) -> int:
        """How many are ranked."""
        return self._below[-1]

    def place(self, measure: int) -> tuple[int, int, int]:
        """Carriers with a smaller measure, with this one, and all: what a `RankRule` asks for."""
        at = bisect_left(self.measures, measure)
        same = self.counts[at] if at < len(self.measures) and self.measures[at] == measure else 0
        return self._below[at], same, self.carriers


Ranked = Mapping[tuple[Basic, str, int], Distribution]  # by BASIC, classes and group


def distributions(cells: Mapping[Cell, Mapping[int, int]], population: Population) -> Ranked:
    """The distribution of each group under a choice of who is ranked with whom."""
    merged: defaultdict[tuple[Basic, str, int], Counter[int]] = defaultdict(Counter)
    for cell, measures in cells.items():
        if population.has(cell):
            merged[cell.basic, population.of(cell.carrier_class), cell.group].update(measures)
    return {key: Distribution.of(measures) for key, measures in merged.items()}


@dataclass(frozen=True, slots=True)
class FitError:
    """How far estimates are from published percentiles, in points: half are within `median`, 95 of 100 within `p95`."""

    median: float
    p95: float
    carriers: int

    def as_dict(self) -> dict[str, Any]:
        """For documents."""
        return {"median": self.median, "p95": self.p95, "carriers": self.carriers}


@dataclass(frozen=True, slots=True)
class Fit:
    """The way that comes nearest, the distributions under it, and its error by BASIC."""

    way: Way
    ranked: Ranked
    errors: Mapping[Basic, FitError]


def fit(cells: Mapping[Cell, Mapping[int, int]], published: Mapping[Published, int]) -> Fit | None:
    """The way to rank with the smallest sum of errors over all that is published; None where nothing is.

    `published` has how many carriers each entry stands for. One way is chosen for all BASICs, since FMCSA has one.
    """
    best: tuple[float, Way, Ranked] | None = None
    for population in POPULATIONS:
        ranked = distributions(cells, population)
        places = [(place, entry.percentile, number) for entry, place, number in _placed(ranked, population, published)]
        for rule in RANK_RULES:
            error = sum(abs(rule.percentile(*place) - percentile) * number for place, percentile, number in places)
            if places and (best is None or error < best[0]):
                best = error, Way(population, rule), ranked
    if best is None:
        return None
    _, way, ranked = best
    differences: defaultdict[Basic, Counter[float]] = defaultdict(Counter)
    for entry, place, number in _placed(ranked, way.population, published):
        differences[entry.cell.basic][abs(way.rule.percentile(*place) - entry.percentile)] += number
    return Fit(way, ranked, {basic: _error(found) for basic, found in differences.items()})


def _placed(
    ranked: Ranked, population: Population, published: Mapping[Published, int]
) -> Iterator[tuple[Published, tuple[int, int, int], int]]:
    """Each published entry with its place among its peers; one without any is at the place of nobody."""
    nobody = Distribution((), ())
    for entry, number in published.items():
        peers = ranked.get((entry.cell.basic, population.of(entry.cell.carrier_class), entry.cell.group), nobody)
        yield entry, peers.place(entry.measure), number


def _error(differences: Mapping[float, int]) -> FitError:
    number = sum(differences.values())
    ascending = sorted(differences.items())
    return FitError(_at(ascending, ceil(number / 2)), _at(ascending, ceil(number * 0.95)), number)


def _at(ascending: Iterable[tuple[float, int]], rank: int) -> float:
    """The value that so many are at or below."""
    for value, number in ascending:
        rank -= number
        if rank <= 0:
            return value
    raise ValueError("no values")
