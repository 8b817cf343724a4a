"""The page as a whole: the fleet's counts, the table of companies, each of them in full; or one company alone."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from importlib.resources import files
from xml.etree import ElementTree as ET

from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.report.freshness import STATE_WORDS, SourceView
from fmcsa_orchestrator.report.html.charts import stack
from fmcsa_orchestrator.report.html.company import Highest, badge, company_sections
from fmcsa_orchestrator.report.html.elements import date, element, group, moment, row, table, to_html
from fmcsa_orchestrator.report.overview import CompanyView, Overview
from fmcsa_orchestrator.report.wording import minute, number, rows_of, tally
from fmcsa_orchestrator.storage.fleet_status import FleetCounts, SourceCounts

_THRESHOLDS = """FMCSA intervenes at or above the threshold. It differs by kind of carrier: QCMobile's own word on a
carrier counts where there is one; else the thresholds of passenger carriers for a carrier in FMCSA's passenger files, and the
general ones for all others. Whether a carrier hauls hazardous materials is not known here: its thresholds would be lower (60
for 65, 75 for 80)."""
_BARS = """Where a measure has a bar, it is compared with the highest one on this page in the same BASIC; there is no threshold
for measures. Out-of-service bars end at 50 %; the line across is the national average."""
_TIMES = "All times are UTC. Not affiliated with FMCSA."


def page(overview: Overview) -> str:
    """The whole page as HTML."""
    fleet = overview.fleet
    title = "FMCSA data of the fleet" if fleet is not None else f"FMCSA data of {_names(overview.companies)}"
    header = element(
        "header",
        element("h1", title),
        element(
            "p", "As of ", moment(overview.at), f" UTC. Stale: last success over {number(overview.stale_after_h)} hours ago."
        ),
    )
    main = element("main", *(_alone(overview) if fleet is None else _fleet(overview, fleet)))
    footer = element("footer", *(element("p", note) for note in (_THRESHOLDS, _BARS, _TIMES)))
    return to_html(element("html", _head(title), element("body", header, main, footer), lang="en"))


def _head(title: str) -> ET.Element:
    """The head, with a policy that forbids everything but this very style sheet."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )


def _alone(overview: Overview) -> Iterable[ET.Element]:
    for company in overview.companies:
        yield element("section", *company_sections(company, 2, {}), aria_label=company.name)


def _fleet(overview: Overview, fleet: FleetCounts) -> Iterable[ET.Element]:
    yield element("section", element("h2", "Companies by state", id="states"), *_states(fleet), aria_labelledby="states")
    yield element("section", element("h2", "Sources", id="sources"), _source_table(fleet.sources), aria_labelledby="sources")
    shown = f"{len(overview.companies):,} of {fleet.total:,}, the longest unattempted first."
    heading = element("h2", "Companies", id="companies")
    if overview.companies:
        listed = _company_table(overview.companies)
        yield element("section", heading, element("p", shown), listed, aria_labelledby="companies")
        yield _details(overview.companies)
    else:
        yield element("section", heading, element("p", "No company has a dotNumber."), aria_labelledby="companies")


def _states(fleet: FleetCounts) -> Iterable[ET.Element]:
    counts = fleet.states.by_state()
    tiles = (element("li", element("strong", f"{count:,}"), badge(state)) for state, count in counts.items())
    yield element("p", element("strong", f"{fleet.total:,}"), " companies")
    yield element("ul", *tiles, class_="tiles")
    words = tally({STATE_WORDS[state]: count for state, count in counts.items()})
    yield stack({state.value: count for state, count in counts.items() if count}, f"companies by state: {words}")
    if fleet.oldest is not None:
        yield element("p", f"The oldest attempt is that of {fleet.oldest_company}: ", moment(fleet.oldest), ".")


def _source_table(sources: Iterable[SourceCounts]) -> ET.Element:
    columns = ("Source", "Last outcomes", "Fresh", "Stale", "Failing", "Never synced", "Oldest success", "Data as of")
    return table("How fresh each source is", columns, (_source_row(source) for source in sources))


def _source_row(source: SourceCounts) -> ET.Element:
    counts = (f"{count:,}" for count in source.states.by_state().values())
    legend = element("small", *_legend(source.outcomes.items()))
    outcomes = group(stack(source.outcomes, f"last outcomes of {source.name}: {tally(source.outcomes)}"), legend)
    return row(source.name, outcomes, *counts, moment(source.oldest_success), date(source.data_as_of))


def _legend(outcomes: Iterable[tuple[str, int]]) -> Iterable[ET.Element]:
    for outcome, count in sorted(outcomes, key=lambda item: -item[1]):
        yield element(
            "span", element("span", class_=f"key {outcome}", aria_hidden="true"), f"{count:,} {outcome} ", class_="entry"
        )


def _company_table(companies: Iterable[CompanyView]) -> ET.Element:
    companies = list(companies)
    columns = ("Company", "State", "USDOT", "Last run", *(source.name for source in companies[0].sources))
    rows = (
        row(
            element("a", company.name, href=f"#{_anchor(place)}"),
            badge(company.state),
            company.usdot,
            minute(company.last_run),
            *(_source_cell(source) for source in company.sources),
        )
        for place, company in enumerate(companies)
    )
    return table("Companies shown", columns, rows)


def _source_cell(source: SourceView) -> ET.Element:
    """The outcome; and the last success, where the last run was none."""
    is_told = source.last_success == source.last_attempt
    success = None if is_told else element("small", f"last success: {minute(source.last_success)}")
    return group(f"{source.outcome or '-'}{rows_of(source.rows)}", success)


def _details(companies: Iterable[CompanyView]) -> ET.Element:
    companies = list(companies)
    highest = _highest(companies)
    parts = (_detail(company, place, highest) for place, company in enumerate(companies))
    return element("section", element("h2", "Each company", id="each"), *parts, aria_labelledby="each")


def _detail(company: CompanyView, place: int, highest: Highest) -> ET.Element:
    """Closed at first; the anchor lies within, since a link to it then opens what is around it."""
    summary = element("summary", element("h3", company.name), badge(company.state))
    return element("details", summary, element("div", *company_sections(company, 4, highest), id=_anchor(place)))


def _highest(companies: Iterable[CompanyView]) -> Highest:
    """The largest measure of each BASIC among these."""
    highest: dict[Basic, float] = {}
    for company in companies:
        for basic in company.safety.basics:
            if basic.measure is not None:
                highest[basic.basic] = max(basic.measure, highest.get(basic.basic, 0.0))
    return highest


def _anchor(place: int) -> str:
    return f"company-{place + 1}"


def _names(companies: Iterable[CompanyView]) -> str:
    return ", ".join(company.name for company in companies)
