"""Counts all carriers of an SMS result file by their measures: what percentiles are made of. No carrier is kept by itself."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

from fmcsa_orchestrator.clients.json_rows import decode_rows
from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.sms.ranking import LEVELS, Cell, Published
from fmcsa_orchestrator.sources.sms.result_file import PREFIXES, parse_percentile, parse_result
from fmcsa_orchestrator.sources.sms.rulesets import SMS_3_21, Peers
from fmcsa_orchestrator.sources.soda.columns import Content

RULES = SMS_3_21
RANKED: Mapping[Basic, Peers] = {basic: RULES.peers[basic] for basic in PREFIXES if basic in RULES.peers}  # with a measure
WITH_INSPECTIONS = "insp_total != '0'"  # the column is text
COLUMNS = frozenset({"dot_number", "driver_insp_total", "vehicle_insp_total"}).union(
    *({f"{PREFIXES[basic]}_insp_w_viol", f"{PREFIXES[basic]}_measure"} for basic in RANKED)
)
PERCENTILES = frozenset(f"{PREFIXES[basic]}_pct" for basic in RANKED)  # of the passenger files alone
HIGHEST = 10_000  # a measure cannot be over 90: 30 points at the triple weight, over one inspection at the least


class Standing(NamedTuple):
    """What decides who a carrier is ranked with in one BASIC, and whether FMCSA would show its percentile.

    Attributes:
        group: its safety event group; None where it has too few inspections to be in one.
        level: its place in `LEVELS`.
    """

    group: int | None
    level: int

    @classmethod
    def of(cls, peers: Peers, inspections: Mapping[str, Any], with_violations: int) -> Self:
        """By the numbers of a result file, which has all inspections with a driver or vehicle part, not the relevant ones."""
        number = with_violations if peers.counted == "withViolations" else inspections.get(peers.counted)
        level = len(LEVELS) - 1 if with_violations >= peers.with_violations else int(with_violations > 0)
        return cls(peers.group(number) if isinstance(number, int) else None, level)


class Census:
    """Keeps the rows of pages (a `Keeper` of `SodaClient`): how many carriers have each measure, in hundredths, and percentile.

    Attributes:
        carriers: rows that could be understood.
        unreadable: those that could not; they are left out.
        cells: how many carriers have each measure, by who they are ranked with.
        published: how many carriers have each published percentile; of such without a violation none is taken.
    """

    def __init__(self, carrier_class: str = "") -> None:
        """Of carriers of one class; without it, to join others in."""
        self.carriers = 0
        self.unreadable = 0
        self.cells: defaultdict[Cell, Counter[int]] = defaultdict(Counter)
        self.published: Counter[Published] = Counter()
        self._class = carrier_class

    def decode(self, array: bytes) -> list[Content | None]:
        """The rows of a JSON array; None for one that cannot be understood. Raises: ValueError for what is not JSON."""
        try:
            return list(parse_result.all(array))
        except ValueError:
            return [_parsed(row) for row in decode_rows(array)]

    def add(self, rows: list[Content | None]) -> None:
        """Count these."""
        for row in rows:
            if row is None or any((value["measure"] or 0) > HIGHEST for value in row["basics"].values()):
                self.unreadable += 1
                continue
            self.carriers += 1
            for cell, measure, text in self._placed(row):
                self.cells[cell][measure] += 1
                status, percentile = parse_percentile(text)
                if percentile is not None and status == "published" and cell.level > 0:
                    self.published[Published(cell, measure, percentile)] += 1

    def join(self, later: Self) -> None:
        """Count what another has counted."""
        self.carriers += later.carriers
        self.unreadable += later.unreadable
        self.published.update(later.published)
        for cell, measures in later.cells.items():
            self.cells[cell].update(measures)

    def _placed(self, row: Content) -> Iterator[tuple[Cell, int, str | None]]:
        for basic, peers in RANKED.items():
            value = row["basics"][basic]
            measure, with_violations = value["measure"], value["inspectionsWithViolations"]
            if measure is None or with_violations is None:
                continue
            group, level = Standing.of(peers, row["inspections"], with_violations)
            if group is not None:
                yield Cell(basic, self._class, group, level), round(measure * 100), value["percentileText"]


def _parsed(row: Mapping[str, Any]) -> Content | None:
    try:
        return parse_result(row)
    except MalformedPayloadError:
        return None
