"""The local QCMobile: carriers of a fleet in the shapes that QCMobile was recorded with.

Percentiles exist for passenger carriers only; everybody else's are "Not Public". Crashes, insurance and authority are made up.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from fmcsa_orchestrator.testing.fmcsa.fleet import Carrier, Fleet
from fmcsa_orchestrator.testing.server.faults import RETRIEVED, Answer

_HOME = "https://mobile.fmcsa.dot.gov/qc"
_RESULTS = ("4y6x-dmck", "h9zy-gjn8")
_PASSENGER_RESULTS = ("m3ry-qcip", "h3zn-uid9")
_INSPECTIONS, _VIOLATIONS = "rbkj-cgst", "8mt8-2mdr"
_JSON = "application/json;charset=UTF-8"
# basicsId, basicsCode, basicsShortDesc, column prefix in the results, BASIC in the violations, passenger and general threshold
_BASICS = (
    (11, "Unsafe Driving", "Unsafe Driving", "unsafe_driv", "Unsafe Driving", 50, 65),
    (12, "HOS Compliance", "Hours-of-Service Compliance", "hos_driv", "Hours-of-Service Compliance", 50, 65),
    (13, "Driver Fitness", "Driver Fitness", "driv_fit", "Driver Fitness", 65, 80),
    (14, "Drugs/Alcohol", "Controlled Substances/\u200bAlcohol", "contr_subst", "Controlled Substances/Alcohol", 65, 80),
    (15, "Vehicle Maint.", "Vehicle Maintenance", "veh_maint", "Vehicle Maintenance", 65, 80),
)
_LINKS = {
    "basics": "basics",
    "cargo carried": "cargo-carried",
    "operation classification": "operation-classification",
    "docket numbers": "docket-numbers",
    "carrier active-For-hire authority": "authority",
}
_LINKED = {
    "docket-numbers": "mc-numbers",
    "cargo-carried": "cargo-carried",
    "operation-classification": "operation-classification",
}
_CARGO = ((1, "General Freight"), (3, "Metal; Sheets, Coils, Rolls"), (7, "Building Materials"), (23, "Refrigerated Food"))
_LONG_NUMBER = re.compile(r'"#(\d+\.\d+)"')


@dataclass(slots=True)
class _Counts:
    """What a carrier's inspection and violation rows add up to."""

    violations: Counter[str] = field(default_factory=Counter)
    hazmat: int = 0
    hazmat_oos: int = 0


class QcMobileDouble:
    """Answers for the carriers of one fleet to whoever has the key."""

    def __init__(self, fleet: Fleet, web_key: str) -> None:
        self._fleet = fleet
        self._web_key = web_key
        self._carriers = {carrier.usdot: carrier for carrier in fleet.carriers if carrier.kind != "unknown"}
        self._counts: dict[int, _Counts] = {}
        self._counted_edition = fleet.edition
        self._parts: dict[str, Callable[[Carrier], Any]] = {
            "": self._carrier,
            "basics": self._basics,
            "oos": _oos,
            "authority": _authority,
            "docket-numbers": _dockets,
            "cargo-carried": _cargo,
            "operation-classification": _classes,
        }

    def carrier(self, usdot: int, part: str, web_key: str | None) -> Answer:
        """The answer to `GET /qc/services/carriers/{usdot}`, or to a part below it such as `basics`."""
        if not web_key:
            return _json(404, "Must provide Webkey", {"self": {"href": _HOME}})
        if web_key != self._web_key:
            search = {"searchByName": {"href": f"{_HOME}/name/:name"}, "lookupBydotNumber": {"href": f"{_HOME}/id/:dotNumber"}}
            return _json(404, "Webkey not found", {"self": {"href": _HOME}, **search})
        if part not in self._parts:
            return Answer(404, b"<html><body>HTTP Status 404</body></html>", "text/html;charset=utf-8")
        carrier = self._carriers.get(usdot)
        nothing: list[Any] | None = [] if part else None
        links = _self(usdot, _LINKED[part]) if part in _LINKED else None
        return _json(200, self._parts[part](carrier) if carrier else nothing, links)

    def _basics(self, carrier: Carrier) -> list[dict[str, Any]]:
        usdot = carrier.usdot
        row = self._first_row(usdot, _RESULTS)
        passenger = self._first_row(usdot, _PASSENGER_RESULTS)
        violations = self._counts_of(usdot).violations
        entries = []
        for id_, code, label, prefix, basic, passenger_threshold, threshold in _BASICS:
            entry = {
                **_judged(usdot, id_, prefix, passenger),
                "basicsRunDate": _run_date(self._fleet.edition),
                "basicsType": {
                    "basicsCode": code,
                    "basicsCodeMcmis": None,
                    "basicsId": id_,
                    "basicsLongDesc": None,
                    "basicsShortDesc": label,
                },
                "basicsViolationThreshold": str(passenger_threshold if carrier.passenger else threshold),
                "id": {"basicsId": id_, "dotNumber": usdot},
                "measureValue": _measure(row.get(f"{prefix}_measure", "0")),
                "seriousViolationFromInvestigationPast12MonthIndicator": row.get(f"{prefix}_ac", "N"),
                "totalInspectionWithViolation": int(row.get(f"{prefix}_insp_w_viol", "0")),
                "totalViolation": violations[basic],
            }
            entries.append({"basic": dict(sorted(entry.items())), "dotNumber": None, "_links": _self(usdot, f"basics/{id_}")})
        return entries

    def _carrier(self, carrier: Carrier) -> dict[str, Any]:
        usdot = carrier.usdot
        row = self._first_row(usdot, _RESULTS)
        driver, driver_oos, vehicle, vehicle_oos = (
            int(row.get(name, "0"))
            for name in ("driver_insp_total", "driver_oos_insp_total", "vehicle_insp_total", "vehicle_oos_insp_total")
        )
        counts = self._counts_of(usdot)
        injuries, tows = usdot % 3, usdot % 7
        stopped = _is_stopped(usdot)
        intrastate = carrier.file_class == "C"
        fields = {
            **_registration(carrier),
            "allowedToOperate": "N" if stopped else "Y",
            "carrierOperation": {
                "carrierOperationCode": "C" if intrastate else "A",
                "carrierOperationDesc": "Intrastate Non-Hazmat" if intrastate else "Interstate",
            },
            "crashTotal": injuries + tows,
            "fatalCrash": 0,
            "injCrash": injuries,
            "towawayCrash": tows,
            "driverInsp": driver,
            "driverOosInsp": driver_oos,
            "driverOosRate": _percent(driver_oos, driver),
            "driverOosRateNationalAverage": "6.67",
            "hazmatInsp": counts.hazmat,
            "hazmatOosInsp": counts.hazmat_oos,
            "hazmatOosRate": _percent(counts.hazmat_oos, counts.hazmat),
            "hazmatOosRateNationalAverage": "4.5",
            "vehicleInsp": vehicle,
            "vehicleOosInsp": vehicle_oos,
            "vehicleOosRate": _percent(vehicle_oos, vehicle),
            "vehicleOosRateNationalAverage": "22.26",
            "oosDate": "2026-03-02" if stopped else None,
            "oosRateNationalAverageYear": "2009-2010",
        }
        return {"_links": _links(usdot), "carrier": dict(sorted(fields.items()))}

    def _first_row(self, usdot: int, datasets: tuple[str, ...]) -> Mapping[str, str]:
        return next((row for dataset in datasets for row in self._fleet.rows(dataset, usdot)), {})

    def _counts_of(self, usdot: int) -> _Counts:
        if self._counted_edition != self._fleet.edition:
            self._counts.clear()
            self._counted_edition = self._fleet.edition
        if usdot not in self._counts:
            hazmat = [row for row in self._fleet.rows(_INSPECTIONS, usdot) if row.get("hm_insp") == "true"]
            self._counts[usdot] = _Counts(
                Counter(row["basic_desc"] for row in self._fleet.rows(_VIOLATIONS, usdot)),
                len(hazmat),
                sum(row.get("hazmat_oos_total", "0") != "0" for row in hazmat),
            )
        return self._counts[usdot]


def _judged(usdot: int, id_: int, prefix: str, passenger: Mapping[str, str]) -> dict[str, str]:
    """Percentile and flags; now and then they are inconclusive, and a flag is "u"."""
    percentile = passenger.get(f"{prefix}_pct", "Not Public")
    alert, on_road = (passenger.get(f"{prefix}_{name}", "N") for name in ("basic_alert", "rd_alert"))
    if (passenger and not percentile.endswith("%")) or (usdot + id_) % 23 == 0:
        percentile, on_road = "Inconclusive", "u"
    return {
        "basicsPercentile": percentile,
        "exceededFMCSAInterventionThreshold": alert,
        "onRoadPerformanceThresholdViolationIndicator": on_road,
    }


def _registration(carrier: Carrier) -> dict[str, Any]:
    """What a carrier says of itself."""
    usdot = carrier.usdot
    for_hire = "N" if carrier.file_class == "C" else "A"
    reviewed = usdot % 3 == 0
    nothing = dict.fromkeys(("dbaName", "issScore", "snapshotDate"))
    reviews = {
        "reviewDate": "2022-04-22",
        "reviewType": "C",
        "safetyRating": "S",
        "safetyRatingDate": "2022-04-25",
        "safetyReviewDate": "2022-04-22",
        "safetyReviewType": "C",
    }
    return {
        **nothing,
        **(reviews if reviewed else dict.fromkeys(reviews)),
        "bipdInsuranceOnFile": "1000",
        "bipdInsuranceRequired": "Y",
        "bipdRequiredAmount": "750",
        "bondInsuranceOnFile": "0",
        "bondInsuranceRequired": "u",
        "brokerAuthorityStatus": "N",
        "cargoInsuranceOnFile": "0",
        "cargoInsuranceRequired": "u",
        "censusTypeId": {"censusType": "C", "censusTypeDesc": "CARRIER", "censusTypeId": 1},
        "commonAuthorityStatus": for_hire,
        "contractAuthorityStatus": for_hire,
        "dotNumber": usdot,
        "ein": 10_000_000 + usdot,
        "isPassengerCarrier": None if usdot % 5 == 0 else "NY"[carrier.passenger],
        "legalName": carrier.name.upper(),
        "mcs150Outdated": "N",
        "phyCity": "SPRINGFIELD",
        "phyCountry": "US",
        "phyState": "IL",
        "phyStreet": f"{usdot % 9_000 + 100} DEPOT RD",
        "phyZipcode": "62701",
        "statusCode": "A",
        "totalDrivers": max(1, carrier.inspections // 2),
        "totalPowerUnits": max(1, carrier.inspections // 3),
    }


def _oos(carrier: Carrier) -> list[dict[str, Any]]:
    usdot = carrier.usdot
    order = {
        "dotNumber": usdot,
        "id": usdot + 2_000,
        "oosDate": "2026-03-02",
        "oosReason": "NOP",
        "oosReasonDescription": "90 day failure to pay fine",
    }
    return [{"oos": order, "_links": _self(usdot, f"oos/{order['id']}")}] if _is_stopped(usdot) else []


def _authority(carrier: Carrier) -> list[dict[str, Any]]:
    usdot = carrier.usdot
    authority = {
        "applicantID": usdot + 300,
        "authority": "N",
        "authorizedForBroker": "N",
        "authorizedForHouseholdGoods": "N",
        "authorizedForPassenger": "N",
        "authorizedForProperty": "Y",
        "brokerAuthorityStatus": "N",
        "commonAuthorityStatus": "A",
        "contractAuthorityStatus": "A",
        "docketNumber": _docket(usdot),
        "dotNumber": usdot,
        "prefix": "MC",
    }
    return [{"carrierAuthority": authority, "_links": _self(usdot, f"authority/{authority['applicantID']}")}]


def _dockets(carrier: Carrier) -> list[dict[str, Any]]:
    usdot = carrier.usdot
    return [{"docketNumber": _docket(usdot), "docketNumberId": usdot + 81_000, "dotNumber": usdot, "prefix": "MC"}]


def _classes(carrier: Carrier) -> list[dict[str, Any]]:
    return [{"id": {"dotNumber": carrier.usdot, "operationClassId": 1}, "operationClassDesc": "Authorized For Hire"}]


def _cargo(carrier: Carrier) -> list[dict[str, Any]]:
    classes = ((13, "Passengers"),) if carrier.passenger else _CARGO
    return [{"cargoClassDesc": text, "id": {"cargoClassId": id_, "dotNumber": carrier.usdot}} for id_, text in classes]


def _is_stopped(usdot: int) -> bool:
    return usdot % 19 == 0


def _docket(usdot: int) -> int:
    return 100_000 + usdot % 900_000


def _links(usdot: int) -> dict[str, Any]:
    links = {name: {"href": f"{_HOME}/services/carriers/{usdot}/{path}"} for name, path in _LINKS.items()}
    return {**links, "self": {"href": f"{_HOME}/services/carriers/{usdot}"}}


def _self(usdot: int, path: str) -> dict[str, Any]:
    return {"self": {"href": f"{_HOME}/services/carriers/{usdot}/{path}"}}


def _measure(text: str) -> str:
    return f"0{text}" if text.startswith(".") else text


def _percent(part: int, whole: int) -> int | str:
    """Of 100, whole if it is, else with 38 decimals; the mark makes `_json` write it as a number."""
    if not whole or 100 * part % whole == 0:
        return 100 * part // (whole or 1)
    with localcontext(prec=60):
        return f"#{(Decimal(100 * part) / whole).quantize(Decimal(1).scaleb(-38))}"


def _run_date(edition: int) -> str:
    """The last Friday of the month, at midnight in Washington: October 2026 for the first edition."""
    years, months = divmod(10 + edition, 12)
    last = date(2026 + years, months + 1, 1) - timedelta(days=1)
    friday = last - timedelta(days=(last.weekday() - 4) % 7)
    return f"{friday}T{'04' if 3 < friday.month < 11 else '05'}:00:00.000+0000"


def _json(status: int, content: Any, links: dict[str, Any] | None = None) -> Answer:
    body = {"content": content, "retrievalDate": RETRIEVED} | ({"_links": links} if links else {})
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Answer(status, _LONG_NUMBER.sub(r"\1", text).encode(), _JSON)
