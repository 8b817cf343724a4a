"""Percentiles that FMCSA does not publish, as our own estimates: where a carrier's measure stands among those of all carriers.

Once per SMS run the result files are read whole, and each safety event group's measures are kept as a histogram, with the way of
ranking that comes nearest to the published percentiles of passenger carriers, and how near that is. What is not known: which
inspections are relevant (the files have all with a driver or vehicle part), measures to more than two decimals, recency.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any

from fmcsa_orchestrator.model.company import Company
from fmcsa_orchestrator.model.documents import as_object, as_time, bson_time, dig
from fmcsa_orchestrator.model.errors import ImplausibleEmptyError
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.sms.census import (
    COLUMNS,
    HIGHEST,
    PERCENTILES,
    RANKED,
    RULES,
    WITH_INSPECTIONS,
    Census,
    Standing,
)
from fmcsa_orchestrator.sources.sms.ranking import LEVELS, Distribution, Fit, Ranked, Way, fit
from fmcsa_orchestrator.sources.sms.result_file import PREFIXES
from fmcsa_orchestrator.sources.soda.file import SodaFile

REVISION = 1  # raise it when the reading changes: the files are then read again

ESTIMATED = tuple(path for basic in PREFIXES for path in (f"fmcsaData.csa.{basic}.estimate", f"smsBasics.{basic}Estimate"))
"""Every path of an estimate in a company's document."""


class NoEstimate(StrEnum):
    """Why there is none."""

    SEGMENT = "segment unknown"
    """Unsafe Driving is ranked by the kind of vehicles, which no file tells of all carriers."""
    NOT_READ = "distribution not read"
    """The result files of the latest SMS run have not been read whole yet."""
    OTHER_RUN = "distribution of another SMS run"
    """The carrier's measure is of another month than the distribution."""
    NO_FIT = "nothing published to fit"
    """No passenger carrier's percentile is published, so no way of ranking is better than another; or no carrier is its peer."""
    NO_MEASURE = "not published"
    """FMCSA has published no measure of the carrier."""
    NO_VIOLATIONS = "no violations"
    """Who has none in a BASIC has no rank in it."""
    TOO_FEW = "too few inspections"
    """Or too few with a violation: FMCSA would show no percentile either."""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One file that is read whole: of which class of carriers, and whether it has percentiles."""

    file: SodaFile
    carrier_class: str
    is_passenger: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The distributions of one SMS run, ready to be asked."""

    version: str
    as_of: datetime
    way: Way | None
    ranked: Ranked
    errors: Mapping[Basic, Mapping[str, Any]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Held":
        """From a stored document. Raises: whatever a document that is not ours comes to."""
        ranked: dict[tuple[Basic, str, int], Distribution] = {}
        for basic, value in document["basics"].items():
            for group in value["groups"]:
                ranked[Basic(basic), group["classes"], group["group"]] = Distribution(group["measures"], group["counts"])
        as_of = as_time(document["asOf"])
        if as_of is None:
            raise ValueError("asOf is no time")
        errors = {Basic(basic): value["error"] for basic, value in document["basics"].items()}
        way = Way.named(document["rule"])
        if (way is None) != (document["rule"] is None):
            raise ValueError("rule is the name of none that we know")
        return cls(document["version"], as_of, way, ranked, errors)

    def among(self, basic: Basic, place: "_Place") -> Distribution | None:
        """The carriers that this one is ranked with; None where there are none."""
        if self.way is None or place.standing.group is None:
            return None
        return self.ranked.get((basic, self.way.population.of(place.carrier_class), place.standing.group))


class SmsEstimates:
    """Reads the result files whole, once per SMS run, and says where a carrier stands (a `Survey` of `sources/base.py`).

    Attributes:
        collection: where what was read is kept, a document per SMS run.
        upstream: the version of the result files now, as far as it has been told.
    """

    name = "estimates"

    def __init__(self, files: Sequence[ResultFile], collection: str) -> None:
        self.collection = collection
        self.upstream: str | None = None
        self._files = files
        self._held: Held | None = None

    @property
    def wanted(self) -> str | None:
        """The version of the document that is to be had now."""
        return None if self.upstream is None else f"{RULES.name}.{REVISION}:{self.upstream}"

    @property
    def held(self) -> str | None:
        """The version of the document that is in use."""
        return None if self._held is None else self._held.version

    @property
    def mark(self) -> str:
        """Tells apart the versions of a source whose data was estimated by this run, or by none."""
        is_there = self._held is not None and self.held == self.wanted
        return f"e{int(self._held.as_of.timestamp())}" if self._held is not None and is_there else "e"

    def use(self, document: Mapping[str, Any] | None) -> None:
        """Estimate by this document from now on."""
        self._held = None if document is None else Held.of(document)

    async def read(self) -> Mapping[str, Any]:
        """All carriers with inspections, counted: the document to be kept.

        Raises: SourceError; ImplausibleEmptyError where there are none.
        """
        version, general, passengers = self.wanted, Census(), Census()
        times: list[datetime] = []
        for part in self._files:
            columns = COLUMNS | PERCENTILES if part.is_passenger else COLUMNS
            rows, as_of = await part.file.read_whole(columns, WITH_INSPECTIONS, partial(Census, part.carrier_class))
            times += [] if as_of is None else [as_of]
            (passengers if part.is_passenger else general).join(rows.kept)  # a passenger carrier is in the other file as well
        if not general.carriers or not times:
            raise ImplausibleEmptyError("no carrier in the SMS result files has an inspection, or they are of no time")
        found = await asyncio.to_thread(fit, general.cells, passengers.published)
        return {
            "_id": f"{max(times):%Y-%m-%dT%H:%M:%SZ} {RULES.name}",
            "ruleset": RULES.name,
            "version": version,
            "asOf": bson_time(max(times)),
            "readAt": bson_time(datetime.now(UTC)),
            "carriers": general.carriers,
            "unreadable": general.unreadable,
            "rule": None if found is None else str(found.way),
            "basics": {} if found is None else _by_basic(found),
        }

    def of(self, basic: Basic, results: Mapping[str, Any]) -> dict[str, Any]:
        """The estimate for one carrier, by what is stored of its results (`fmcsaData.csa`)."""
        held, place = self._held, _Place.of(basic, results)
        reason = self._why_not(basic, place, as_time(results.get("dataAsOf")))
        among = None if held is None or place is None else held.among(basic, place)
        estimate: dict[str, Any] = {"percentile": None, "group": None, "rule": None, "error": None}
        if reason is None and held is not None and held.way is not None and place is not None and among is not None:
            estimate = {
                "percentile": held.way.rule.percentile(*among.place(place.measure)),
                "group": place.standing.group,
                "rule": str(held.way),
                "error": held.errors[basic],
            }
        return {**estimate, "asOf": None if held is None else held.as_of, "reason": reason}

    def _why_not(self, basic: Basic, place: "_Place | None", as_of: datetime | None) -> NoEstimate | None:
        """Why there is no estimate; the first that holds."""
        held = self._held
        if basic not in RANKED:
            return NoEstimate.SEGMENT
        if place is None or as_of is None:
            return NoEstimate.NO_MEASURE
        if held is None or held.as_of != as_of:
            return NoEstimate.NOT_READ if held is None else NoEstimate.OTHER_RUN
        if not place.is_shown:
            return NoEstimate.TOO_FEW if place.standing.level else NoEstimate.NO_VIOLATIONS
        return None if basic in held.errors and held.among(basic, place) is not None else NoEstimate.NO_FIT


@dataclass(frozen=True, slots=True)
class _Place:
    """One carrier in one BASIC: its measure in hundredths, and what decides who it is ranked with."""

    measure: int
    carrier_class: str
    standing: Standing

    @classmethod
    def of(cls, basic: Basic, results: Mapping[str, Any]) -> "_Place | None":
        """None without a measure of a BASIC that is ranked."""
        value, peers = as_object(results.get(basic)), RANKED.get(basic)
        measure, with_violations = value.get("measure"), value.get("inspectionsWithViolations")
        if peers is None or not isinstance(measure, int | float) or not 0 <= measure <= HIGHEST:
            return None
        if not isinstance(with_violations, int):
            return None
        standing = Standing.of(peers, as_object(results.get("inspections")), with_violations)
        return cls(round(measure * 100), str(results.get("carrierClass")), standing)

    @property
    def is_shown(self) -> bool:
        """Whether FMCSA would show a percentile."""
        return self.standing.group is not None and self.standing.level == len(LEVELS) - 1


def _by_basic(found: Fit) -> dict[str, Any]:
    """The distributions of each BASIC, with the error of the estimates by them."""
    basics: dict[str, Any] = {basic.value: {"error": error.as_dict(), "groups": []} for basic, error in found.errors.items()}
    for (basic, classes, group), peers in sorted(found.ranked.items()):
        if basic in found.errors:
            histogram = {"measures": list(peers.measures), "counts": list(peers.counts)}
            basics[basic.value]["groups"].append({"classes": classes, "group": group, "carriers": peers.carriers, **histogram})
    return basics


def estimate_fields(company: Company, estimates: SmsEstimates | None) -> dict[str, Any]:
    """Both forms of the estimate of each BASIC; where estimates are off, null in the place of one that is still stored."""
    results = as_object(dig(company.document, "fmcsaData.csa"))
    if estimates is None:
        return {path: None for path in ESTIMATED if dig(company.document, path) is not None}
    if not results:
        return {}
    fields: dict[str, Any] = {}
    for basic in PREFIXES:
        estimate = estimates.of(basic, results)
        fields[f"fmcsaData.csa.{basic}.estimate"] = estimate
        fields[f"smsBasics.{basic}Estimate"] = estimate["percentile"]
    return fields
