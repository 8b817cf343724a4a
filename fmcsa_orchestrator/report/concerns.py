"""What somebody should look at in a company, in a few words each: its sources first, then what they say of the carrier. Pure.

In brackets stands what a figure is held against: FMCSA's threshold for a percentile, the national average for a rate.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.model.results import FAILURES
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.report.carrier import Section
from fmcsa_orchestrator.report.freshness import SourceView
from fmcsa_orchestrator.report.safety import BasicView, SafetyView
from fmcsa_orchestrator.report.wording import duration, in_one_line, number, our_estimate, percent
from fmcsa_orchestrator.storage.fleet_status import State

_NOT_FOUND = "not_found"
_BRIEFLY = {
    Basic.HOS_COMPLIANCE: "HOS",
    Basic.CONTROLLED_SUBSTANCES_ALCOHOL: "Controlled Substances",
    Basic.HM_COMPLIANCE: "HM Compliance",
}
_LEAST_INSPECTIONS = AlertRules().least_inspections


class Weight(StrEnum):
    """How much it matters."""

    BAD = "bad"  # a source failed, or FMCSA may act on it
    WARNING = "warning"
    NOTE = "note"  # good to know


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to look at."""

    weight: Weight
    text: str


def briefly(basic: Basic) -> str:
    """The BASIC's name where there is little room."""
    return _BRIEFLY.get(basic, basic.label)


def concerns_of(
    state: State,
    errors: Iterable[str],
    sources: Sequence[SourceView],
    safety: SafetyView,
    sections: Iterable[Section],
    at: datetime,
) -> tuple[Concern, ...]:
    """All of them, what matters most first. `errors`: the kinds of those that are no source's."""
    if state is State.NEVER:
        return ()
    found = [Concern(Weight.BAD, kind) for kind in errors]
    found += [*_of_sources(state, sources, at), *_of_safety(safety), *_of_sections(sections)]
    return tuple(sorted(found, key=lambda concern: list(Weight).index(concern.weight)))


def _of_sources(state: State, sources: Sequence[SourceView], at: datetime) -> Iterator[Concern]:
    for source in sources:
        if source.outcome in FAILURES:
            age = source.last_success and duration((at - source.last_success).total_seconds())
            yield Concern(Weight.BAD, f"{source.name} {source.outcome}, {f'held {age}' if age else 'nothing held'}")
    stale = [source for source in sources if source.state is State.STALE]
    if stale and state is not State.STALE:  # of a company that is stale as a whole it is the state that says so
        yield Concern(Weight.WARNING, f"stale: {_names(stale)}")
    if never := [source for source in sources if source.state is State.NEVER]:
        yield Concern(Weight.WARNING, f"not read yet: {_names(never)}")
    if missing := [source for source in sources if source.outcome == _NOT_FOUND]:
        yield Concern(Weight.WARNING, f"not found: {_names(missing)}")


def _of_safety(safety: SafetyView) -> Iterator[Concern]:
    known = [basic for basic in safety.basics if basic.percentile is not None]
    worst = max(known, key=_beyond, default=None)
    for basic in safety.basics:
        label = briefly(basic.basic)
        if basic.exceeds:
            yield Concern(Weight.BAD, f"{label} {number(basic.percentile)} ({number(basic.threshold)})")
        elif basic is worst:
            yield Concern(Weight.NOTE, f"{label} {number(basic.percentile)} ({number(basic.threshold)})")
        if basic.estimate is not None and basic.estimate.percentile >= basic.threshold:
            estimate = our_estimate(basic.estimate.percentile, basic.estimate.within)
            yield Concern(Weight.WARNING, f"{label}: {estimate} ({number(basic.threshold)})")
        if basic.acute_critical:
            yield Concern(Weight.BAD, f"{label}: serious violation")
    for kind in safety.oos:
        if kind.above and kind.inspections >= _LEAST_INSPECTIONS:
            yield Concern(Weight.WARNING, f"{kind.kind} OOS {percent(kind.rate)} ({percent(kind.national_average)})")
    if safety.proof is not None and safety.proof.agrees is False:
        yield Concern(Weight.WARNING, "rows disagree")


def _beyond(basic: BasicView) -> float:
    return (basic.percentile or 0.0) - basic.threshold


def _of_sections(sections: Iterable[Section]) -> Iterator[Concern]:
    for section in sections:
        texts = [fact.concern for fact in section.facts if fact.concern]
        for text in dict.fromkeys(texts):  # in their order, each once
            times = texts.count(text)
            yield Concern(Weight.BAD, text if times == 1 else f"{text} ({times})")


def _names(sources: Iterable[SourceView]) -> str:
    return in_one_line(source.name for source in sources)
