"""What is upstream, told independently of the sources, and what is stored, told apart by whose it is."""

import os
from collections import Counter

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.sources import catalogue
from tests.support.equality import ONE_TO_ONE, without_proof
from tests.support.world import INSPECTIONS, VIOLATIONS

BUILT_IN = {"csa_scores": None, "violations": VIOLATIONS, "inspections": INSPECTIONS}
# Three stand for all; FMCSA_TEST_ALL_SOURCES has the whole matrix run with every source that there is, by hand.
ALL = tuple(catalogue.BUILT_IN if "FMCSA_TEST_ALL_SOURCES" in os.environ else BUILT_IN)
COUNTED = ONE_TO_ONE if len(ALL) > len(BUILT_IN) else {}  # collections of the others
RESULTS = ("m3ry-qcip", "h3zn-uid9", "4y6x-dmck", "h9zy-gjn8")  # the passenger files have the last word
MEASURES = {
    "unsafeDriving": "unsafe_driv",
    "hoursOfService": "hos_driv",
    "driverFitness": "driv_fit",
    "controlledSubstances": "contr_subst",
    "vehicleMaintenance": "veh_maint",
}
# Upstream's columns, and our fields, that together tell a row from all others; compared as text.
COLUMNS = {
    VIOLATIONS: {
        "unique_id": "uniqueId",
        "viol_code": "violationCode",
        "viol_unit": "unitCode",
        "basic_desc": "basicDescription",
        "severity_weight": "severityWeight",
        "total_severity_wght": "totalSeverityWeight",
        "section_desc": "description",
    },
    INSPECTIONS: {"unique_id": "uniqueId", "report_number": "reportNumber", "report_state": "reportState"},
}


def carrier(scene, usdot):
    """The carrier, as the fleet has it."""
    return next(carrier for carrier in scene.fleet.carriers if carrier.usdot == usdot)


def assert_equals_upstream(scene, picture, source, usdot):
    """What is stored of a source is what upstream has now: no row more, no row less, the right sums."""
    company, dataset = picture.companies[usdot], BUILT_IN[source]
    if dataset is None:
        _assert_results(scene, company, usdot)
        return
    upstream = scene.fleet.rows(dataset, usdot)
    current = [row for row in rows_of(picture, dataset, usdot).values() if row["current"]]
    columns, fields = zip(*COLUMNS[dataset].items(), strict=True)
    assert Counter(tuple(row[column] for column in columns) for row in upstream) == Counter(
        tuple(str(row[name]) for name in fields) for row in current
    )
    assert dig(company, f"fmcsaData.{source}.total") == len(upstream)
    ended = [row for row in rows_of(picture, dataset, usdot).values() if not row["current"]]
    assert all(row["endedAt"] is not None for row in ended)


def assert_counts(scene, picture, usdot):
    """Of the sources of which a row is a document, there are as many as upstream has."""
    for collection, datasets in COUNTED.items():
        current = [row for row in rows_of(picture, collection, usdot).values() if row["current"]]
        assert len(current) == sum(scene.fleet.count(dataset, usdot) for dataset in datasets), (usdot, collection)


def _assert_results(scene, company, usdot):
    row = next((row for dataset in RESULTS for row in scene.fleet.rows(dataset, usdot)), {})
    for field, prefix in MEASURES.items():
        measure = row.get(f"{prefix}_measure")
        assert dig(company, f"smsBasics.{field}Measure") == (None if measure is None else float(measure))
    total = row.get("insp_total")
    assert dig(company, "fmcsaData.csa.inspections.total") == (None if total is None else int(total))


def rows_of(picture, dataset, usdot):
    """A company's rows by `_id`; companies have their USDOT number as `_id` here."""
    return {key: row for key, row in picture.rows[dataset].items() if row["companyId"] == usdot}


def stored(picture, source, usdot):
    """All that is stored of one source for a company: its fields and its rows."""
    company, dataset = picture.companies[usdot], BUILT_IN.get(source)
    results, scoring = results_of(company), [dig(company, "scoring")]
    own = {"csa_scores": results, "scoring": scoring, "company": results + scoring}.get(
        source, [dig(company, f"fmcsaData.{source}")]
    )
    return own, {} if dataset is None else rows_of(picture, dataset, usdot)


def results_of(company):
    """What the result files say of a company, without what was recomputed: that follows from whatever source was read."""
    csa = {name: without_proof(value) for name, value in (dig(company, "fmcsaData.csa") or {}).items() if name != "recomputed"}
    return [dig(company, "smsBasics"), csa]


def of_the_host(company):
    """The fields that are none of ours."""
    return {name: value for name, value in company.items() if name not in {"fmcsaData", "smsBasics", "scoring"}}


def as_host_sees(company):
    """The document without its lease, and without versions, which are forgotten when it is not known what was written."""
    data = company.get("fmcsaData")
    if not isinstance(data, dict):
        return company
    status = {name: value for name, value in data.get("syncStatus", {}).items() if name != "lease"}
    sources = {
        name: {key: value for key, value in source.items() if key != "version"}
        for name, source in status.pop("sources", {}).items()
    }
    known = {name: source for name, source in sources.items() if source}
    data = {**data, "syncStatus": {**status, "sources": known} if known else status}
    data = {name: value for name, value in data.items() if value}
    return {**company, "fmcsaData": data} if data else {name: value for name, value in company.items() if name != "fmcsaData"}
