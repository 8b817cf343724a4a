"""The plain script that we are measured against: what a good engineer writes in an afternoon, with batches.

The same six files, 200 carriers in a request, the same row documents with ids and hashes, only differences written in bulks, the
same totals and measures, one bulk of company updates. No leases, no isolation, no retries, no versions, no check of what comes:
one failure ends it, nothing tells old data from new, a file that is replaced meanwhile goes unnoticed, a carrier of over 50,000
rows is cut off.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import aiohttp
from pymongo import ReplaceOne, UpdateOne

BATCH = 200
RESULTS = ("4y6x-dmck", "h9zy-gjn8", "m3ry-qcip", "h3zn-uid9")
VIOLATIONS, INSPECTIONS = "8mt8-2mdr", "rbkj-cgst"
BASICS = {
    "Unsafe Driving": "unsafeDriving",
    "HOS Compliance": "hoursOfService",
    "Hours-of-Service Compliance": "hoursOfService",
    "Driver Fitness": "driverFitness",
    "Controlled Substances/Alcohol": "controlledSubstances",
    "Vehicle Maintenance": "vehicleMaintenance",
    "Hazardous Materials Compliance": "hazmat",
}
PREFIXES = {
    "unsafeDriving": "unsafe_driv",
    "hoursOfService": "hos_driv",
    "driverFitness": "driv_fit",
    "controlledSubstances": "contr_subst",
    "vehicleMaintenance": "veh_maint",
}
UNITS = {"1": "mainVehicle", "2": "secondaryVehicle", "D": "driver", "C": "coDriver"}
TEXTS = {
    "uniqueId": "unique_id",
    "reportNumber": "report_number",
    "reportState": "report_state",
    "countyState": "county_code_state",
    "hazmatPlacardRequired": "hazmat_placard_req",
}
NUMBERS = {
    "level": "insp_level_id",
    "timeWeight": "time_weight",
    "driverOos": "driver_oos_total",
    "vehicleOos": "vehicle_oos_total",
    "hazmatOos": "hazmat_oos_total",
    "oosTotal": "oos_total",
    "hazmatSent": "total_hazmat_sent",
    "violations": "basic_viol",
    "unsafeDrivingViolations": "unsafe_viol",
    "hoursOfServiceViolations": "fatigued_viol",
    "driverFitnessViolations": "dr_fitness_viol",
    "controlledSubstancesViolations": "subt_alcohol_viol",
    "vehicleMaintenanceViolations": "vh_maint_viol",
    "hazmatViolations": "hm_viol",
}
FLAGS = {
    "relevantForUnsafeDriving": "unsafe_insp",
    "relevantForHoursOfService": "fatigued_insp",
    "relevantForDriverFitness": "dr_fitness_insp",
    "relevantForControlledSubstances": "subt_alcohol_insp",
    "relevantForVehicleMaintenance": "vh_maint_insp",
    "relevantForHazmat": "hm_insp",
}
UNIT = {
    "type": "unit_type_desc",
    "make": "unit_make",
    "license": "unit_license",
    "licenseState": "unit_license_state",
    "vin": "vin",
    "decalNumber": "unit_decal_number",
}
NATIONAL_AVERAGES = {"driver": 0.0667, "vehicle": 0.2226}

Row = dict[str, Any]


async def sync(database: Any, soda_url: str) -> int:
    """Sync all companies of the database; how many rows were written."""
    companies = await database["companies"].find({"dotNumber": {"$nin": [None, ""]}}, {"dotNumber": 1}).to_list(None)
    written = 0
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(companies), BATCH):
            written += await _batch(database, session, soda_url, companies[start : start + BATCH])
    return written


async def _batch(database: Any, session: aiohttp.ClientSession, soda_url: str, companies: Sequence[Row]) -> int:
    by_usdot = {int("".join(filter(str.isdigit, str(company["dotNumber"])))): company["_id"] for company in companies}
    results: dict[int, Row] = {}
    for dataset in RESULTS:
        for row in await _rows(session, soda_url, dataset, by_usdot):
            results[int(row["dot_number"])] = row
    violations = _grouped(await _rows(session, soda_url, VIOLATIONS, by_usdot), _violation)
    inspections = _grouped(await _rows(session, soda_url, INSPECTIONS, by_usdot), _inspection)
    now = datetime.now(UTC)
    written = await _store(database["fmcsaViolations"], by_usdot, violations, _violation_key, now)
    written += await _store(database["fmcsaInspections"], by_usdot, inspections, lambda row: row["uniqueId"], now)
    await database["companies"].bulk_write(
        [
            UpdateOne({"_id": company_id}, {"$set": _company(results.get(usdot), violations[usdot], inspections[usdot], now)})
            for usdot, company_id in by_usdot.items()
        ],
        ordered=False,
    )
    return written


async def _rows(session: aiohttp.ClientSession, soda_url: str, dataset: str, usdots: Mapping[int, Any]) -> list[Row]:
    numbers = ",".join(f"'{usdot}'" for usdot in usdots)
    params = {"$where": f"dot_number in ({numbers})", "$order": ":id", "$limit": "50000"}
    async with session.get(f"{soda_url}/resource/{dataset}.json", params=params) as response:
        response.raise_for_status()
        rows: list[Row] = await response.json()
        return rows


def _grouped(rows: Sequence[Row], typed: Callable[[Row], Row]) -> defaultdict[int, list[Row]]:
    grouped: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[int(row["dot_number"])].append(typed(row))
    return grouped


def _violation(row: Row) -> Row:
    unit, description = row.get("viol_unit"), row.get("basic_desc")
    return {
        "uniqueId": row["unique_id"],
        "inspectedOn": _date(row["insp_date"]),
        "violationCode": row.get("viol_code"),
        "basic": BASICS.get(description or "", "unknown"),
        "basicDescription": description,
        "outOfService": _flag(row.get("oos_indicator")),
        "oosWeight": _number(row.get("oos_weight")),
        "severityWeight": _number(row.get("severity_weight")),
        "timeWeight": _number(row.get("time_weight")),
        "totalSeverityWeight": _number(row.get("total_severity_wght")),
        "description": row.get("section_desc"),
        "group": row.get("group_desc"),
        "unitCode": unit,
        "unit": UNITS.get(unit or "", "unknown"),
    }


def _inspection(row: Row) -> Row:
    units = [{name: row.get(column + suffix) for name, column in UNIT.items()} for suffix in ("", "2")]
    return {
        **{name: row.get(column) for name, column in TEXTS.items()},
        "inspectedOn": _date(row["insp_date"]),
        **{name: _number(row.get(column)) for name, column in NUMBERS.items()},
        **{name: _flag(row.get(column)) for name, column in FLAGS.items()},
        "units": [unit for unit in units if any(unit.values())],
    }


@lru_cache(maxsize=4_096)
def _date(text: str) -> datetime:
    return datetime.strptime(text.title(), "%d-%b-%y").replace(tzinfo=UTC)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _flag(value: Any) -> bool | None:
    return None if value is None else value in {"Y", "true", True}


def _violation_key(row: Row) -> str:
    return f"{row['uniqueId']}:{row['violationCode']}:{row['unitCode']}"


def _documents(company_id: Any, rows: Sequence[Row], key_of: Any) -> Iterator[Row]:
    seen: Counter[str] = Counter()
    for row in rows:
        key = key_of(row)
        seen[key] += 1
        digest = hashlib.md5(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()  # no secret
        yield {"_id": f"{company_id}:{key}:{seen[key]}", "hash": digest, **row}


async def _store(collection: Any, by_usdot: Mapping[int, Any], rows: Mapping[int, list[Row]], key_of: Any, now: datetime) -> int:
    stored = {
        row["_id"]: row
        async for row in collection.find(
            {"companyId": {"$in": list(by_usdot.values())}}, {"hash": 1, "current": 1, "firstSeen": 1}
        ).batch_size(5_000)
    }
    operations: list[Any] = []
    seen = set()
    for usdot, company_id in by_usdot.items():
        for document in _documents(company_id, rows[usdot], key_of):
            seen.add(document["_id"])
            old = stored.get(document["_id"])
            if old is None or old["hash"] != document["hash"] or not old["current"]:
                document |= {"companyId": company_id, "usdot": usdot, "current": True, "lastChanged": now}
                document["firstSeen"] = old["firstSeen"] if old else now
                operations.append(ReplaceOne({"_id": document["_id"]}, document, upsert=True))
    gone = [row_id for row_id, row in stored.items() if row_id not in seen and row["current"]]
    operations += [UpdateOne({"_id": row_id}, {"$set": {"current": False, "endedAt": now}}) for row_id in gone]
    for start in range(0, len(operations), 1_000):
        await collection.bulk_write(operations[start : start + 1_000], ordered=False)
    return len(operations)


def _company(result: Row | None, violations: Sequence[Row], inspections: Sequence[Row], now: datetime) -> Row:
    total, oos = Counter[str](), Counter[str]()
    for row in violations:
        total[row["basic"]] += 1
        oos[row["basic"]] += bool(row["outOfService"])
    levels = Counter(str(row["level"]) for row in inspections if row["level"] is not None)
    values: Row = {
        "fmcsaData.violations": {
            "total": len(violations),
            "outOfService": oos.total(),
            "inspectionsWithViolations": len({row["uniqueId"] for row in violations}),
            "byBasic": {basic: {"total": total[basic], "outOfService": oos[basic]} for basic in dict.fromkeys(BASICS.values())},
            "latest": max((row["inspectedOn"] for row in violations), default=None),
        },
        "fmcsaData.inspections": {
            "total": len(inspections),
            "withViolations": sum(bool(row["violations"]) for row in inspections),
            "byLevel": dict(levels),
            "driver": _rate(inspections, "driver", {1, 2, 3, 6}),
            "vehicle": _rate(inspections, "vehicle", {1, 2, 5, 6}),
            "latest": max((row["inspectedOn"] for row in inspections), default=None),
        },
        "fmcsaData.syncStatus.lastRun": now,
        "fmcsaData.syncStatus.success": True,
        "fmcsaData.syncStatus.errors": [],
        "smsBasics.lastUpdated": now,
    }
    for source in ("csaScores", "violations", "inspections"):
        values[f"fmcsaData.syncStatus.{source}LastSync"] = now
    row = result or {}
    for name, prefix in PREFIXES.items():
        measure = row.get(f"{prefix}_measure")
        values[f"smsBasics.{name}Measure"] = None if measure is None else float(measure)
        values[f"smsBasics.{name}"] = row.get(f"{prefix}_pct")
        values[f"fmcsaData.csa.{name}"] = {
            "measure": values[f"smsBasics.{name}Measure"],
            "percentile": row.get(f"{prefix}_pct"),
            "inspectionsWithViolations": _number(row.get(f"{prefix}_insp_w_viol")),
            "acuteCritical": _flag(row.get(f"{prefix}_ac")),
            "roadsideAlert": _flag(row.get(f"{prefix}_rd_alert")),
            "basicAlert": _flag(row.get(f"{prefix}_basic_alert")),
        }
    return values


def _rate(inspections: Sequence[Row], kind: str, levels: set[int]) -> Row:
    relevant = [row for row in inspections if row["level"] in levels]
    oos = sum(bool(row[f"{kind}Oos"]) for row in relevant)
    rate = round(oos / len(relevant), 4) if relevant else None
    return {
        "inspections": len(relevant),
        "outOfService": oos,
        "oosRate": rate,
        "nationalAverage": NATIONAL_AVERAGES[kind],
    }
