"""Who is in a fleet: made-up carriers of several kinds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

USDOTS = range(10_000, 4_500_000)

_PLACES = "Cedar Granite Prairie Bluewater Juniper Ironwood Mesa Harbor Summit Willow Sandhill Peñasco Åsgard O'Hara".split()
_TRADES = "Freight Hauling Logistics Transport Carriers Cartage Express Lines".split()
_COACHES = "Coaches Charter Shuttle Tours".split()
_ENDINGS = ("LLC", "Inc.", "Co.", "& Sons")

# kind, passenger carrier, class
_MIX = (
    ("small", False, "AB"),
    ("small", False, "C"),
    ("small", True, "AB"),
    ("clean", False, "AB"),
    ("listed", False, "C"),
    ("unknown", False, "AB"),
    ("small", False, "AB"),
    ("small", True, "C"),
    ("small", False, "AB"),
    ("small", False, "AB"),
    ("small", False, "C"),
    ("small", False, "AB"),
    ("clean", False, "C"),
    ("small", False, "AB"),
    ("small", False, "AB"),
    ("listed", True, "AB"),
    ("small", False, "C"),
    ("small", False, "AB"),
    ("clean", True, "AB"),
    ("small", False, "AB"),
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """One carrier, with how many inspection and violation rows it has in every edition.

    Kinds: small, large, giant; clean (inspections, no violations); listed (results, but no inspections); unknown (no rows).
    """

    usdot: int
    name: str
    kind: str
    passenger: bool
    file_class: str
    inspections: int
    violations: int


def mixed_carriers(companies: int, seed: int, *, giant: bool) -> Iterator[Carrier]:
    """Mostly small ones, the last of them large; then a giant if asked for."""
    rng = Random(f"{seed}:mixed")
    kinds = list(islice(cycle(_MIX), companies))
    if kinds:
        kinds[-1] = ("large", False, "AB")
    if giant:
        kinds.append(("giant", False, "AB"))
    usdots = Random(f"{seed}:usdots").sample(USDOTS, len(kinds))
    for usdot, (kind, passenger, file_class) in zip(usdots, kinds, strict=True):
        inspections, violations = _sizes(kind, rng)
        yield Carrier(usdot, _name(passenger, rng), kind, passenger, file_class, inspections, violations)


def alike_carriers(companies: int, seed: int, *, inspections: int, violations: int) -> Iterator[Carrier]:
    """Small property carriers with equally many rows."""
    if violations and not inspections:
        raise ValueError("violations need inspections")
    rng = Random(f"{seed}:alike")
    for usdot in rng.sample(USDOTS, companies):
        yield Carrier(usdot, _name(False, rng), "small", False, "AB", inspections, violations)


def _sizes(kind: str, rng: Random) -> tuple[int, int]:
    """How many inspections and violations."""
    match kind:
        case "small":
            violations = rng.randint(5, 40)
            return max(3, round(violations * rng.uniform(0.5, 1.0))), violations
        case "clean":
            return rng.randint(2, 12), 0
        case "large":
            return rng.randint(1_300, 1_400), rng.randint(2_100, 2_199)
        case "giant":
            return rng.randint(29_900, 30_100), rng.randint(50_001, 50_499)
        case _:
            return 0, 0


def _name(passenger: bool, rng: Random) -> str:
    trades = _COACHES if passenger else _TRADES
    return f"{rng.choice(_PLACES)} {rng.choice(trades)} {rng.randint(2, 999)} {rng.choice(_ENDINGS)}"
