"""From measures to percentiles: the arithmetic, the edges of groups, and that the fit finds the way by which a population was ranked."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.sms.ranking import (
    LEVELS,
    POPULATIONS,
    RANK_RULES,
    WAYS,
    Cell,
    Distribution,
    Population,
    Published,
    RankRule,
    Way,
    distributions,
    fit,
)
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21
from tests.support.strategies import often

HOS = Basic.HOS_COMPLIANCE
FIVE = Distribution.of(Counter([50, 100, 100, 200, 900]))


def shares(rank, over):
    rule = RankRule(rank, over, "round")
    return [float(Fraction(*rule.share(*FIVE.place(measure)))) for measure in (50, 100, 100, 200, 900)]


@pytest.mark.parametrize(
    ("rank", "over", "expected"),
    [
        ("min", "n-1", [0, 25, 25, 75, 100]),
        ("average", "n-1", [0, 37.5, 37.5, 75, 100]),
        ("max", "n-1", [0, 50, 50, 75, 100]),
        ("average", "n", [20, 50, 50, 80, 100]),
    ],
)
def test_ranks_of_five_carriers(rank, over, expected):
    assert shares(rank, over) == expected


@pytest.mark.parametrize(("rounding", "expected"), [("floor", 37), ("round", 38), ("ceil", 38)])
def test_halves_are_rounded_up(rounding, expected):
    assert RankRule("average", "n-1", rounding).percentile(*FIVE.place(100)) == expected


@pytest.mark.parametrize(
    ("basic", "number", "group"),
    [
        (HOS, 2, None), (HOS, 3, 1), (HOS, 10, 1), (HOS, 11, 2), (HOS, 100, 3), (HOS, 101, 4), (HOS, 501, 5),
        (Basic.VEHICLE_MAINTENANCE, 4, None), (Basic.VEHICLE_MAINTENANCE, 5, 1),
        (Basic.VEHICLE_MAINTENANCE, 500, 4), (Basic.VEHICLE_MAINTENANCE, 501, 5),
        (Basic.HM_COMPLIANCE, 15, 2), (Basic.HM_COMPLIANCE, 16, 3),
        (Basic.CONTROLLED_SUBSTANCES_ALCOHOL, 0, None), (Basic.CONTROLLED_SUBSTANCES_ALCOHOL, 1, 1),
        (Basic.CONTROLLED_SUBSTANCES_ALCOHOL, 400, 4),
    ],
)  # fmt: skip
def test_group_edges(basic, number, group):
    assert SMS_3_21.peers[basic].group(number) == group


def test_a_carrier_without_peers():
    alone = Distribution.of({70: 1})
    for rule in RANK_RULES:
        assert rule.percentile(*alone.place(70)) == (100 if rule.over == "n" else 0)
        assert rule.percentile(*Distribution.of({}).place(70)) in range(101)


hundredths = st.integers(0, 9_000)
populations = st.lists(hundredths, min_size=1, max_size=60)


@often
@given(populations, hundredths, st.sampled_from(RANK_RULES))
def test_within_bounds_and_as_counted_by_hand(measures, measure, rule):
    place = Distribution.of(Counter(measures)).place(measure)
    ascending = sorted(measures)
    below, upto = bisect_left(ascending, measure), bisect_right(ascending, measure)
    assert place == (below, upto - below, len(measures))
    assert 0 <= rule.percentile(*place) <= 100


@often
@given(populations, hundredths, hundredths, st.sampled_from(RANK_RULES))
def test_never_less_for_a_larger_measure(measures, one, other, rule):
    peers = Distribution.of(Counter(measures))
    low, high = sorted((one, other))
    assert rule.percentile(*peers.place(low)) <= rule.percentile(*peers.place(high))


@often
@given(populations, st.randoms(use_true_random=False))
def test_the_order_in_which_carriers_come_does_not_matter(measures, random):
    mixed = random.sample(measures, len(measures))
    one, other = Distribution.of(Counter(measures)), Distribution.of(Counter(mixed))
    assert (one.measures, one.counts) == (other.measures, other.counts)


def test_each_way_has_a_name_of_its_own():
    assert len({str(way) for way in WAYS}) == len(WAYS) == len(POPULATIONS) * len(RANK_RULES)
    assert all(Way.named(str(way)) == way for way in WAYS)
    assert Way.named("by dice") is None


# --- the fit


def by_hand(rule, measures, measure):
    """The percentile as FMCSA might work it out, carrier by carrier, with fractions."""
    ascending = sorted(measures)
    ranks = [rank for rank, value in enumerate(ascending, 1) if value == measure]
    rank = {"min": min(ranks), "max": max(ranks), "average": Fraction(sum(ranks), len(ranks))}[rule.rank]
    exact = Fraction(100 * (rank - 1), len(measures) - 1) if rule.over == "n-1" else Fraction(100 * rank, len(measures))
    return {"floor": exact.__floor__(), "ceil": exact.__ceil__(), "round": (exact + Fraction(1, 2)).__floor__()}[rule.rounding]


def made(carriers, way):
    """The cells of these carriers (cell, measure), and what is published of those that are of the last level."""
    cells = defaultdict(Counter)
    for cell, measure in carriers:
        cells[cell][measure] += 1
    published = Counter()
    for cell, measure in carriers:
        if cell.level == len(LEVELS) - 1:
            peers = [
                other
                for peer, other in carriers
                if peer.level >= LEVELS.index(way.population.least)
                and (peer.basic, peer.group) == (cell.basic, cell.group)
                and (way.population.together or peer.carrier_class == cell.carrier_class)
            ]
            if len(peers) > 1:
                published[Published(cell, measure, by_hand(way.rule, peers, measure))] += 1
    return cells, published


cells = st.builds(Cell, st.sampled_from([HOS, Basic.DRIVER_FITNESS]), st.sampled_from(["AB", "C"]), st.just(1), st.integers(0, 2))
fleets = st.lists(st.tuples(cells, st.integers(0, 40)), min_size=2, max_size=60)


@often
@given(fleets, st.sampled_from(WAYS))
def test_a_hidden_way_is_found_or_one_that_comes_to_the_same(carriers, hidden):
    census, published = made(carriers, hidden)
    found = fit(census, published)
    if not published:
        assert found is None
        return
    assert all((error.median, error.p95) == (0, 0) for error in found.errors.values())
    assert sum(error.carriers for error in found.errors.values()) == published.total()
    by_found = distributions(census, found.way.population)
    for entry in published:
        key = entry.cell.basic, found.way.population.of(entry.cell.carrier_class), entry.cell.group
        assert found.way.rule.percentile(*by_found[key].place(entry.measure)) == entry.percentile


def test_a_large_population_tells_each_way_from_all_others():
    carriers = [
        (Cell(HOS, carrier_class, group, level), (number * number) % (97 + 40 * level))
        for group in (1, 2)
        for carrier_class, size in (("AB", 211), ("C", 97))
        for level in range(3)
        for number in range(size)
    ]
    for hidden in WAYS[::11]:
        census, published = made(carriers, hidden)
        assert fit(census, published).way == hidden


def test_the_error_is_told_where_nothing_fits():
    cell = Cell(HOS, "AB", 1, 2)
    census = {cell: Counter(range(101))}
    published = Counter(
        {Published(cell, measure, min(100, measure + (7 if measure % 10 == 0 else 0))): 1 for measure in range(101)}
    )
    found = fit(census, published)
    error = found.errors[HOS]
    assert (error.median, error.p95, error.carriers) == (0, 7, 101)


def test_without_anything_published_no_way_is_chosen():
    assert fit({Cell(HOS, "AB", 1, 2): Counter([1, 2])}, {}) is None


def test_who_is_in_a_population():
    census = {Cell(HOS, name, 1, level): Counter({level: 1}) for name in ("AB", "C") for level in range(3)}
    found = {population: distributions(census, population) for population in POPULATIONS}
    assert found[Population("inspections", True)][HOS, "AB+C", 1].carriers == 6
    assert found[Population("violation", True)][HOS, "AB+C", 1].carriers == 4
    assert found[Population("critical mass", False)][HOS, "C", 1].carriers == 1
