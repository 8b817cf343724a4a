"""Whether a store holds exactly what upstream has: every row of every carrier, every field, every status.

Made from the fleet's own rows, without HTTP and without the code that diffs and stores.
"""

from collections import Counter

from fmcsa_orchestrator.model.documents import dig
from fmcsa_orchestrator.model.fmcsa import PROOF
from fmcsa_orchestrator.sources import csa, inspections, violations
from fmcsa_orchestrator.storage.row_diff import RESERVED, scope_of
from tests.support.world import COLLECTIONS, INSPECTIONS, VIOLATIONS, status_of

# By collection, the datasets of which each row is a document of its own, beside the two of SMS that are compared row by row.
ONE_TO_ONE = {
    "fmcsaOutOfServiceOrders": ("p2mt-9ige",),
    "fmcsaAuthority": ("inys-ebih", "yu5v-wbh6", "wb4f-neki"),
    "fmcsaRoadside": ("fx4q-ay7w",),
}


async def differences(world, *, csa_fields=None):
    """What is not as it should be, in words; an empty list when all is well.

    `csa_fields` by `_id` replaces what the SMS files alone say.
    """
    companies = await world.companies()
    found = [line for company in companies for line in _status_faults(company, _sources(world))]
    for company in companies:
        _, fields = await _expected(world.fleet, company["_id"])
        for path, value in {**fields, **(csa_fields or {}).get(company["_id"], {})}.items():
            stored, wanted = without_proof(dig(company, path)), without_proof(value)
            if stored != wanted:
                found.append(f"{company['_id']} {path}: {_unlike(stored, wanted)}")
        if dig(company, f"{PROOF}.agrees") is False:
            found.append(f"{company['_id']} {dig(company, PROOF)}")
    return [*found, *await row_differences(world, companies)][:20]


def without_proof(value):
    """The value of a field without what was recomputed, which has tests of its own."""
    return {name: part for name, part in value.items() if name != "recomputed"} if isinstance(value, dict) else value


async def row_differences(world, companies):
    """The same of the rows of these companies."""
    ids = {company["_id"] for company in companies}
    found = []
    wanted = {dataset: {} for dataset in COLLECTIONS}
    for usdot in ids:
        expected, _ = await _expected(world.fleet, usdot)
        for dataset, rows in expected.items():
            wanted[dataset] |= rows
    for dataset in COLLECTIONS:
        found += _row_faults([row for row in await world.rows(dataset) if row["companyId"] in ids], wanted[dataset])
    kept = {slot.collection for slot in world.orchestrator.components.slots if slot.keeps_rows}
    for collection in ONE_TO_ONE.keys() & kept:
        there = Counter(row["companyId"] for row in await world.rows(collection) if row["current"])
        for usdot in ids:
            due = sum(world.fleet.count(dataset, usdot) for dataset in ONE_TO_ONE[collection])
            if there[usdot] != due:
                found.append(f"{usdot} has {there[usdot]} documents in {collection} for {due} rows upstream")
    return found


async def unlike(world, reference):
    """How rows and fields differ from those of another world's store in memory, source by source."""
    found = []
    for slot in world.orchestrator.components.slots:
        if slot.keeps_rows:
            wanted = {key: row for rows in reference.rows[slot.collection].values() for key, row in rows.items()}
            found += _row_faults(await world.rows(slot.collection), wanted)
    for company in await world.companies():
        for path in (path for slot in world.orchestrator.components.slots for path in slot.owns if path.count(".")):
            stored, wanted = (_lasting(dig(document, path)) for document in (company, reference.companies[company["_id"]]))
            if stored != wanted:
                found.append(f"{company['_id']} {path}: {_unlike(stored, wanted)}")
    return found[:20]


def _lasting(value):
    """Of a field, what does not follow from what else was read."""
    if not isinstance(value, dict):
        return value
    return {name: without_proof(part) for name, part in value.items() if name != "recomputed"}


def _sources(world):
    return [slot.name for slot in world.orchestrator.components.slots]


def _status_faults(company, sources):
    status = status_of(company)
    owner = status.get("lease", {}).get("owner")
    if status["success"] is not True or status["errors"]:
        yield f"{company['_id']} has failed: {status['errors']!r:.300}"
    if owner is not None:
        yield f"{company['_id']} is still held by {owner}"
    for source in sources:
        if not isinstance(status["sources"].get(source, {}).get("version"), str):
            yield f"{company['_id']} {source} has no version"


async def _expected(fleet, usdot):
    """A carrier's rows by dataset and `_id`, and its fields."""
    violation_rows = [violations.parse_violation(row) for row in fleet.rows(VIOLATIONS, usdot)]
    inspection_rows = [inspections.parse_inspection(row) for row in fleet.rows(INSPECTIONS, usdot)]
    documents = {
        VIOLATIONS: await violations.violation_documents(violation_rows),
        INSPECTIONS: await inspections.inspection_documents(inspection_rows),
    }
    results = {dataset.id: fleet.rows(dataset.id, usdot) for dataset in csa.RESULT_FILES}
    fields = {
        **csa.csa_fields({dataset: csa.parse_result(rows[0]) for dataset, rows in results.items() if rows}),
        "fmcsaData.violations": await violations.summarize_violations(violation_rows),
        "fmcsaData.inspections": await inspections.summarize_inspections(inspection_rows),
    }
    rows = {
        dataset: {scope_of(usdot) + document.id: dict(document.content) for document in group}
        for dataset, group in documents.items()
    }
    return rows, fields


def _row_faults(stored, wanted):
    current = {row["_id"]: row for row in stored if row["current"]}
    yield from (f"lost: {key}" for key in wanted.keys() - current.keys())
    yield from (f"too much: {key}" for key in current.keys() - wanted.keys())
    for key in wanted.keys() & current.keys():
        content = {name: value for name, value in current[key].items() if name not in RESERVED}
        own = {name: value for name, value in wanted[key].items() if name not in RESERVED}
        if content != own:
            yield f"differs: {key}: {content!r:.200} instead of {own!r:.200}"


def _unlike(stored, wanted):
    """How two values differ; of two objects, only the fields that do."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        keys = [key for key in {**stored, **wanted} if stored.get(key) != wanted.get(key)]
        stored, wanted = ({key: value.get(key) for key in keys} for value in (stored, wanted))
    return f"{stored!r:.200} instead of {wanted!r:.200}"
