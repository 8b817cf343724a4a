"""Company documents as the status finds them: good, stale, failing, never attempted, and broken by somebody else."""

from datetime import UTC, datetime, timedelta

from fmcsa_orchestrator.model.fmcsa import Basic

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
AS_OF = datetime(2026, 11, 12, tzinfo=UTC)
SOURCES = ("csa_scores", "violations", "inspections")
CARRIER_SOURCES = ("registration", "crashes", "out_of_service_orders", "authority", "insurance", "roadside")
HOSTILE = "<script>alert('x')</script> & \"Sons\" \x1b[31m\u202e]]> {{7*7}} --> https://evil.example/x.js"


def source(outcome="changed", hours=1, **facts):
    """A source's status whose last success is so many hours old; None: it never had one."""
    success = None if hours is None else NOW - timedelta(hours=hours)
    return {"outcome": outcome, "lastAttempt": success or NOW, "lastSuccess": success, "dataAsOf": AS_OF, "rows": 3} | facts


def company(key, hours=1, *, success=True, name="A Carrier", number=1021580, **sources):
    """A company whose last run was so many hours ago."""
    found = {name: source(hours=hours) for name in SOURCES} | sources
    status = {"lastRun": NOW - timedelta(hours=hours), "success": success, "errors": [], "sources": found}
    return {"_id": key, "name": name, "dotNumber": number, "fmcsaData": {"syncStatus": status}}


def failing(key, hours=1, *, message="no such column", **facts):
    """A company whose violations could not be read."""
    found = company(key, hours, success=False, violations=source("failed", 60, message=message), **facts)
    error = {"source": "violations", "kind": "malformed", "error": message, "timestamp": NOW}
    found["fmcsaData"]["syncStatus"]["errors"] = [error]
    return found


def with_safety(document, **facts):
    """The document of a passenger carrier with a percentile over its threshold, one below, and the reasons for no others."""
    csa = {basic.value: {"measure": 1.5, "percentile": None, "percentileStatus": "not_public"} for basic in Basic}
    csa["unsafeDriving"] |= {"percentile": 50, "percentileStatus": "published", "acuteCritical": True}
    csa["hoursOfService"] |= {"percentile": 49.5, "percentileStatus": "published"}
    text = {"percentileStatus": "insufficient_data", "percentileText": "Less than 3 driver inspections"}
    csa["driverFitness"] |= text | {"qcmobile": {"threshold": 75}}
    agreeing = {"measure": 1.5062, "agrees": True, "difference": 0.0062, "reason": None, "missing": 0}
    csa["hoursOfService"]["recomputed"] = agreeing
    csa["driverFitness"]["recomputed"] = {"measure": None, "agrees": None, "difference": None, "reason": "unavailable"}
    csa["vehicleMaintenance"]["recomputed"] = agreeing | {"measure": 1.234, "agrees": False, "reason": "rows missing"}
    csa["recomputed"] = {"agrees": False, "reason": "rows missing", "missing": {"violations": 3}, "confirmed": True}
    estimate = {"percentile": 57, "error": {"median": 1, "p95": 4, "carriers": 812}, "asOf": AS_OF, "reason": None}
    csa["vehicleMaintenance"]["estimate"] = estimate
    csa["hoursOfService"]["estimate"] = estimate  # beside one that is published
    csa["controlledSubstances"]["estimate"] = {"percentile": None, "error": None, "asOf": AS_OF, "reason": "no violations"}
    by_basic = {"unsafeDriving": {"total": 4, "outOfService": 1}, "Another": {"total": 1}, "unknown": {"total": 1}}
    document["fmcsaData"] |= {
        "csa": csa | {"passengerCarrier": True},
        "violations": {"total": 6, "outOfService": 1, "byBasic": by_basic, "latest": AS_OF},
        "inspections": {
            "total": 9,
            "withViolations": 5,
            "latest": AS_OF,
            "driver": {"inspections": 8, "outOfService": 2, "oosRate": 0.25, "nationalAverage": 0.0667},
            "vehicle": {"inspections": 5, "outOfService": 1, "oosRate": 0.2, "nationalAverage": 0.2226},
            "hazmat": {"inspections": 0, "outOfService": 0, "oosRate": None, "nationalAverage": 0.045},
        },
    } | facts
    return document


def with_carrier(document, text="Freight", **facts):
    """The document of a carrier of which every source has something to say, and some of it is alarming."""
    document["fmcsaData"]["syncStatus"]["sources"] |= {name: source() for name in CARRIER_SOURCES}
    document["fmcsaData"] |= {
        "registration": {
            "records": 1,
            "legalName": text,
            "dbaName": "Fast Freight",
            "status": "inactive",
            "carrierOperation": "intrastateNonHazmat",
            "entityTypes": ["carrier", "freightForwarder"],
            "hazmat": True,
            "fleet": {"powerUnits": 1},
            "drivers": {"total": 1_200},
            "mcs150": {"filedOn": AS_OF, "mileage": 90_000, "mileageYear": 2024},
            "safetyRating": {"rating": "conditional", "ratedOn": AS_OF},
            "doubtful": [{"field": "fleet.powerUnits", "reason": "x"}],
        },
        "crashes": {
            "total": 4,
            "fatal": 1,
            "injury": 3,
            "latest": AS_OF,
            "last24Months": {"total": 0},
            "sms": {"total": 2, "notPreventable": 1},
            "notCounted": {"nonMatch": 2, "hold": 0},
        },
        "outOfServiceOrders": {
            "total": 3,
            "inForce": 2,
            "rescinded": 1,
            "orders": [{"orderedOn": AS_OF, "reason": text}, {"orderedOn": None, "reason": None}],
        },
        "authority": {
            "total": 1,
            "authorities": [
                {
                    "docket": "MC1",
                    "kind": "Motor Carrier",
                    "state": "active",
                    "bipdRequired": 750_000.0,
                    "bipdOnFile": 0.0,
                    "bondRequired": True,
                    "bondOnFile": False,
                    "lastChange": {"changedOn": AS_OF, "status": "Active", "reason": None},
                },
                {"docket": "MC2", "kind": None, "state": None, "lastChange": None},
            ],
            "openOrders": [{"docket": "MC1", "kind": "Broker", "state": "standing", "description": text, "effectiveOn": AS_OF}],
        },
        "insurance": {
            "inForce": 1,
            "scheduled": 1,
            "ended": 2,
            "endedBy": {"replaced": 2},
            "coverage": [
                {"docket": "MC1", "type": "bipd", "amount": 1_000_000.0, "insurers": [text], "effectiveSince": AS_OF},
            ],
        },
        "roadside": {"total": 2, "latest": AS_OF, "driverOos": 1, "awaitingDetails": 1},
    } | facts
    return document


def run(day, **basics):
    """What is kept of one SMS run."""
    return {"asOf": day, "basics": basics}


BROKEN = [
    {"_id": 1, "dotNumber": 1},
    {"_id": 1, "dotNumber": None, "name": 5, "fmcsaData": None},
    {"_id": 1, "dotNumber": [], "fmcsaData": "x"},
    {"_id": 1, "dotNumber": 1, "fmcsaData": {"syncStatus": [], "csa": 5, "violations": "x", "inspections": []}},
    {
        "_id": 1,
        "dotNumber": 1,
        "fmcsaData": {"syncStatus": {"success": True, "lastRun": "x", "errors": 5, "sources": {"violations": 1}}},
    },
    {
        "_id": 1,
        "dotNumber": 1,
        "fmcsaData": {"syncStatus": {"errors": [None, {"kind": 5}], "sources": {"a.b": {}, "$x": {}, "": {}}}},
    },
    {"_id": 1, "fmcsaData": {"csa": {"unsafeDriving": {"percentile": float("nan"), "measure": True, "percentileStatus": "new"}}}},
    {"_id": 1, "fmcsaData": {"inspections": {"total": "x", "driver": 3}, "violations": {"total": 1, "byBasic": {"hazmat": 7}}}},
]
