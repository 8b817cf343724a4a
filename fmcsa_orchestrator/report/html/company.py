"""One company on the page: its BASICs, violations, inspections, sources and errors."""

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.report.freshness import STATE_WORDS, SourceView
from fmcsa_orchestrator.report.html.charts import bar
from fmcsa_orchestrator.report.html.elements import date, element, group, moment, row, table
from fmcsa_orchestrator.report.overview import CompanyView
from fmcsa_orchestrator.report.safety import BasicView, OosView, SafetyView
from fmcsa_orchestrator.report.wording import day, number, percent
from fmcsa_orchestrator.storage.fleet_status import State

Highest = Mapping[Basic, float]
_SHAPES = {State.FRESH: "●", State.STALE: "◐", State.FAILING: "✖", State.NEVER: "○"}
_OOS_SCALE = 0.5  # a rate above it fills the bar; the figure stands beside it


def badge(state: State) -> ET.Element:
    """A state by shape, word and colour."""
    return element("span", element("span", _SHAPES[state], aria_hidden="true"), f" {STATE_WORDS[state]}", class_=f"state {state}")


def company_sections(company: CompanyView, level: int, highest: Highest) -> list[ET.Element]:
    """Everything about one company, under headings of this level. `highest`: the largest measure on the page, by BASIC."""
    safety, heading = company.safety, f"h{level}"
    sections = [element("p", *_facts(company))]
    if company.errors:
        errors = (element("li", element("strong", error.kind), f" {error.source}: {error.error}") for error in company.errors)
        sections += [element(heading, "Errors of the last sync"), element("ul", *errors, class_="errors")]
    sections += [element(heading, "BASICs and violations"), _basics(safety.basics, company.name, highest), _violations(safety)]
    if safety.inspections is not None:
        seen = safety.inspections
        text = f"{seen.total:,} inspections, {seen.marked:,} with violations; the latest on {day(seen.latest)}."
        sections += [element(heading, "Inspections and out-of-service rates"), element("p", text), _oos(safety.oos, company.name)]
    return [*sections, element(heading, "Sources"), _sources(company)]


def _facts(company: CompanyView) -> Iterable[ET.Element | str]:
    passenger = {True: "Passenger carrier. ", False: "No passenger carrier. "}
    yield badge(company.state)
    yield f" USDOT {company.usdot}, _id {company.id}. "
    if company.safety.passenger is not None:
        yield passenger[company.safety.passenger]
    yield "Last run: "
    yield moment(company.last_run)
    yield "."


def _basics(basics: Iterable[BasicView], name: str, highest: Highest) -> ET.Element:
    rows = (
        row(
            element(
                "span",
                basic.label,
                element("small", " serious violation found in an investigation") if basic.acute_critical else None,
            ),
            _percentile(basic),
            _measure(basic, highest.get(basic.basic)),
            number(basic.violations),
            number(basic.out_of_service),
        )
        for basic in basics
    )
    return table(f"BASICs of {name}", ("BASIC", "Percentile", "Measure", "Violations", "Out of service"), rows)


def _percentile(basic: BasicView) -> ET.Element:
    limit = f"threshold {number(basic.threshold)} ({basic.threshold_by})"
    if basic.percentile is None:
        return group(element("span", basic.reason, class_="none"), element("small", limit))
    value = number(basic.percentile)
    words = f"{value}, at or above the threshold" if basic.exceeds else f"{value}, below the threshold"
    figure = element("strong", f"▲ {words}", class_="warn") if basic.exceeds else element("span", words)
    chart = bar(
        basic.percentile,
        100,
        f"percentile {words} of {number(basic.threshold)}",
        mark=basic.threshold,
        is_over=bool(basic.exceeds),
    )
    return group(figure, chart, element("small", limit))


def _measure(basic: BasicView, highest: float | None) -> ET.Element:
    """The measure; and against the highest one on the page, for measures of different BASICs cannot be compared."""
    if basic.measure is None:
        return group("-")
    value = number(basic.measure)
    chart = bar(basic.measure, highest, f"measure {value}; the highest on this page is {number(highest)}") if highest else None
    return group(value, chart)


def _violations(safety: SafetyView) -> ET.Element:
    found = safety.violations
    if found is None:
        return element("p", "Violations have not been read yet.")
    unplaced = f", {safety.unplaced:,} of a BASIC not known here" if safety.unplaced else ""
    return element(
        "p", f"{found.total:,} violations, {found.marked:,} out of service{unplaced}; the latest on {day(found.latest)}."
    )


def _oos(kinds: Iterable[OosView], name: str) -> ET.Element:
    rows = (
        row(kind.kind, number(kind.inspections), number(kind.out_of_service), _rate(kind), percent(kind.national_average))
        for kind in kinds
    )
    columns = ("Kind", "Inspections", "Out of service", "Rate", "National average")
    return table(f"Out-of-service rates of {name}", columns, rows)


def _rate(kind: OosView) -> ET.Element:
    if kind.rate is None:
        return group(element("span", "no inspections", class_="none"))
    value = percent(kind.rate)
    if kind.national_average is None:
        return group(value)
    words = f"{value}, above average" if kind.above else f"{value}, not above average"
    figure = element("strong", f"▲ {words}", class_="warn") if kind.above else element("span", words)
    text = f"out-of-service rate {words} of {percent(kind.national_average)}"
    return group(figure, bar(kind.rate, _OOS_SCALE, text, mark=kind.national_average, is_over=bool(kind.above)))


def _sources(company: CompanyView) -> ET.Element:
    columns = ("Source", "State", "Outcome", "Last attempt", "Last success", "Last change", "Data as of", "Rows", "Message")
    return table(f"Sources of {company.name}", columns, (_source(source) for source in company.sources))


def _source(source: SourceView) -> ET.Element:
    times = (moment(time) for time in (source.last_attempt, source.last_success, source.last_changed))
    known = (date(source.data_as_of), number(source.rows), source.message or "-")
    return row(source.name, badge(source.state), source.outcome or "-", *times, *known)
