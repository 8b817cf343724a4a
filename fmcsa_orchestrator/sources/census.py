"""One row of FMCSA's company census, and what it says of a carrier.

Facts: MCMIS Company Census File data dictionary, revision 8, for the codes. Carriers report most of it themselves. What the
dictionary calls blank is a column that is left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Required, TypeAlias

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.sources.sms.dates import two_years_after
from fmcsa_orchestrator.sources.soda.columns import Amount, Content, CountOrText, DayOrText, RowParser, Text, Usdot, trimmed

UNKNOWN = "unknown"  # the word for a code that we do not know; the code stands beside it
_STATUSES = {"A": "active", "I": "inactive", "P": "pending"}
_OPERATIONS = {"A": "interstate", "B": "intrastateHazmat", "C": "intrastateNonHazmat"}
_RATINGS = {"S": "satisfactory", "C": "conditional", "U": "unsatisfactory"}
_REVIEWS = {
    "A": "Safety Audit", "C": "Compliance Review", "E": "Educational Contact Review", "F": "CTFR Only", "G": "CR and CTFR",
    "H": "Shipper Review", "I": "Carrier Inactivate", "J": "CR and Security Contact Review",
    "K": "Automatic Safety Assessment Program Review", "N": "Non-Ratable Review", "S": "Safety Review",
    "U": "Historical Audit Record",
}  # fmt: skip
_ENTITIES = {
    "B": "broker", "C": "carrier", "F": "freightForwarder", "I": "intermodalEquipmentProvider", "R": "registrant", "S": "shipper",
    "T": "cargoTank",
}  # fmt: skip


def _flag(yes: str) -> Any:
    """True for that letter; also for the word, which flags are written as in other files; text for anything else."""
    words = {yes: True, "TRUE": True, "N": False, "FALSE": False}
    return Annotated[str, AfterValidator(lambda text: words.get(text.strip().upper(), trimmed(text)))]


_RateOrText = Annotated[Amount | Text, Field(union_mode="left_to_right")]
_UsdotOrText = Annotated[Usdot | Text, Field(union_mode="left_to_right")]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field: its column, its type, and what its codes mean, where it has some."""

    column: str
    type: Any = Text
    words: Mapping[str, str] | None = None


Shape: TypeAlias = Mapping[str, "Leaf | Shape"]


def _days(**columns: str) -> dict[str, Leaf]:
    return {name: Leaf(column, DayOrText) for name, column in columns.items()}


def _counts(**columns: str) -> dict[str, Leaf]:
    return {name: Leaf(column, CountOrText) for name, column in columns.items()}


def _address(prefix: str, barrio: str) -> dict[str, Leaf]:
    names = {"street": "street", "city": "city", "state": "state", "zip": "zip", "county": "cnty", "country": "country"}
    return {name: Leaf(f"{prefix}_{column}") for name, column in names.items()} | {"neighborhood": Leaf(barrio)}


_CARGO = {
    "General Freight": "genfreight", "Household Goods": "household", "Metal: Sheets, Coils, Rolls": "metalsheet",
    "Motor Vehicles": "motoveh", "Driveaway/Towaway": "drivetow", "Logs, Poles, Beams, Lumber": "logpole",
    "Building Materials": "bldgmat", "Mobile Homes": "mobilehome", "Machinery, Large Objects": "machlrg",
    "Fresh Produce": "produce", "Liquids/Gases": "liqgas", "Intermodal Containers": "intermodal", "Passengers": "passengers",
    "Oilfield Equipment": "oilfield", "Livestock": "livestock", "Grain, Feed, Hay": "grainfeed", "Coal/Coke": "coalcoke",
    "Meat": "meat", "Garbage, Refuse, Trash": "garbage", "U.S. Mail": "usmail", "Chemicals": "chem",
    "Commodities Dry Bulk": "drybulk", "Refrigerated Food": "coldfood", "Beverages": "beverages", "Paper Products": "paperprod",
    "Utility": "utility", "Farm Supplies": "farmsupp", "Construction": "construct", "Water-Well": "waterwell",
    "Other": "cargoothr",
}  # fmt: skip
_VEHICLES = {
    "trucks": "truck", "tractors": "tract", "trailers": "trail", "motorCoaches": "coach", "schoolBuses1To8": "school_1_8",
    "schoolBuses9To15": "school_9_15", "schoolBuses16Plus": "school_16", "buses16Plus": "bus_16", "vans1To8": "van_1_8",
    "vans9To15": "van_9_15", "limousines1To8": "limo_1_8", "limousines9To15": "limo_9_15", "limousines16Plus": "limo_16",
}  # fmt: skip

SHAPE: Shape = {
    "legalName": Leaf("legal_name"),
    "dbaName": Leaf("dba_name"),
    "status": Leaf("status_code", words=_STATUSES),
    "carrierOperation": Leaf("carrier_operation", words=_OPERATIONS),
    "entityTypes": Leaf("carship"),
    "businessOrganization": Leaf("business_org_desc"),
    "dunsNumber": Leaf("dun_bradstreet_no"),
    "dockets": {
        n: {
            "prefix": Leaf(f"docket{n}prefix"),
            "number": Leaf(f"docket{n}"),
            "docketStatusCode": Leaf(f"docket{n}_status_code"),
        }
        for n in "123"
    },
    "address": {**_address("phy", "phy_barrio"), "undeliverable": Leaf("undeliv_phy", _flag("U"))},
    "mailingAddress": {**_address("carrier_mailing", "mail_barrio"), **_days(undeliverableSince="carrier_mailing_und_date")},
    "contact": {
        "phone": Leaf("phone"),
        "fax": Leaf("fax"),
        "cellPhone": Leaf("cell_phone"),
        "email": Leaf("email_address"),
    },
    "officers": {n: Leaf(f"company_officer_{n}") for n in "12"},
    "fleet": {
        **_counts(powerUnits="power_units", trucks="truck_units", buses="bus_units"),
        "sizeCode": Leaf("fleetsize"),
        "equipment": {
            kind: _counts(**{name: f"{prefix}{column}" for name, column in _VEHICLES.items()})
            for kind, prefix in {"owned": "own", "termLeased": "trm", "tripLeased": "trp"}.items()
        },
    },
    "drivers": _counts(
        total="total_drivers",
        cdl="total_cdl",
        interstate="driver_inter_total",
        intrastate="total_intrastate_drivers",
        interstateBeyond100Miles="interstate_beyond_100_miles",
        interstateWithin100Miles="interstate_within_100_miles",
        intrastateBeyond100Miles="intrastate_beyond_100_miles",
        intrastateWithin100Miles="intrastate_within_100_miles",
        leasedPerMonth="avg_drivers_leased_per_month",
    ),
    "classifications": Leaf("classdef"),
    "cargo": {name: Leaf(f"crgo_{column}", _flag("X")) for name, column in _CARGO.items()},
    "otherCargo": Leaf("crgo_cargoothr_desc"),
    "hazmat": Leaf("hm_ind", _flag("Y")),
    "mcs150": {**_days(filedOn="mcs150_date"), **_counts(mileage="mcs150_mileage", mileageYear="mcs150_mileage_year")},
    **_days(addedOn="add_date"),
    "review": {"type": Leaf("review_type", words=_REVIEWS), **_days(reviewedOn="review_date")},
    "safetyRating": {"rating": Leaf("safety_rating", words=_RATINGS), **_days(ratedOn="safety_rating_date")},
    "recordableCrashRate": Leaf("recordable_crash_rate", _RateOrText),
    "priorRevocation": {
        "revoked": Leaf("prior_revoke_flag", _flag("Y")),
        "usdot": Leaf("prior_revoke_dot_number", _UsdotOrText),
    },
}
"""`fmcsaData.registration`, each field with its column; what becomes a list is made one by `record_of`."""

# What may be a person's own. A street is where somebody lives, unless the carrier is a corporation.
PERSONAL = ("contact", "officers")
STREETS = tuple(f"{part}.{name}" for part in ("address", "mailingAddress") for name in ("street", "neighborhood", "zip"))
_CORPORATION = "CORPORATION"


def _leaves(shape: Shape, path: str = "") -> Iterator[tuple[str, Leaf]]:
    for name, part in shape.items():
        if isinstance(part, Leaf):
            yield path + name, part
        else:
            yield from _leaves(part, f"{path}{name}.")


_LEAVES = dict(_leaves(SHAPE))
_LENIENT = {path: leaf.column for path, leaf in _LEAVES.items() if leaf.type is not Text}  # as text where they cannot be read
COUNT_COLUMNS = frozenset(leaf.column for leaf in _LEAVES.values() if leaf.type is CountOrText)
_ROW: Any = {leaf.column: Annotated[leaf.type, Field(validation_alias=leaf.column)] for leaf in _LEAVES.values()}
_ROW["usdot"] = Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
CensusRow: Any = TypedDict("CensusRow", _ROW, total=False)  # type: ignore[misc]  # its fields are those of the shape
parse_census = RowParser(
    CensusRow, private=frozenset(leaf.column for path, leaf in _LEAVES.items() if path.startswith((*PERSONAL, *STREETS)))
)


def record_of(row: Content, as_of: datetime | None, *, personal: bool) -> dict[str, Any]:
    """What a row says, as in `SHAPE`, and besides: what in it cannot be read, what is doubtful, what is withheld.

    Without `personal` the fields that may be a person's own are left out, and named in `withheld`.
    """
    record = _filled(SHAPE, row)
    record["entityTypeCodes"] = re.findall(r"\w+", record["entityTypes"] or "")
    record["entityTypes"] = [_ENTITIES.get(code, UNKNOWN) for code in record["entityTypeCodes"]]
    record["dockets"] = [
        {"docket": f"{docket['prefix'] or ''}{docket['number'] or ''}", **docket}
        for docket in record["dockets"].values()
        if docket["prefix"] or docket["number"]
    ]
    for part in ("address", "mailingAddress"):
        record[part]["zip"] = _zip(record[part]["zip"], record[part]["country"])
    if row["undeliv_phy"] is None:
        record["address"]["undeliverable"] = False
    record["officers"] = [name for name in record["officers"].values() if name]
    for kind, vehicles in record["fleet"]["equipment"].items():
        record["fleet"]["equipment"][kind] = {name: number for name, number in vehicles.items() if number is not None}
    record["classifications"] = [name for text in (record["classifications"] or "").split(";") if (name := trimmed(text))]
    record["cargo"] = [name for name, is_carried in record["cargo"].items() if is_carried]
    record["safetyRating"]["rating"] = record["safetyRating"]["rating"] or "none"
    odd = {path: row[column] for path, column in _LENIENT.items() if isinstance(row[column], str)}
    record["unreadable"] = [{"field": path, "text": text[:40]} for path, text in odd.items()]
    record["doubtful"] = [{"field": path, "reason": reason} for path, reason in sorted(_doubts(row, as_of))]
    filed = record["mcs150"]["filedOn"]
    record["mcs150"]["outdated"] = None if filed is None or as_of is None else two_years_after(filed) <= as_of
    record["withheld"] = []
    if not personal:
        withhold(record)
    return record


def _filled(shape: Shape, row: Content) -> dict[str, Any]:
    """The shape with the row's values; None for what cannot be read. Beside what a code means stands the code."""
    record: dict[str, Any] = {}
    for name, part in shape.items():
        if not isinstance(part, Leaf):
            record[name] = _filled(part, row)
            continue
        value = row[part.column]
        if part.type is not Text and isinstance(value, str):
            value = None
        if part.words is not None:
            record[f"{name}Code"] = value
            value = value and part.words.get(value, UNKNOWN)
        record[name] = value
    return record


def _zip(text: str | None, country: str | None) -> str | None:
    """A ZIP+4 with its hyphen, which may be left out."""
    return re.sub(r"\A(\d{5})(\d{4})\Z", r"\1-\2", text) if text and country in {"US", None} else text


def _doubts(row: Content, as_of: datetime | None) -> Iterator[tuple[str, str]]:
    """The fields that the row itself contradicts; that a number is large is no doubt: there are fleets of 100,000."""
    found = {path: value for path, column in _LENIENT.items() if not isinstance(value := row[column], str | None)}
    for path, value in found.items():
        if _LEAVES[path].type is CountOrText and re.fullmatch("9{5,}", str(value)):
            yield path, "only nines, which stand for no number"
        if as_of and isinstance(value, datetime) and value > as_of:
            yield path, "later than the file"
    for whole, parts in _PARTS.items():
        for part in parts:
            if whole in found and found.get(part, 0) > found[whole]:
                yield part, f"more than {whole}"
    year = found.get("mcs150.mileageYear", 0)
    if "mcs150.mileage" in found and not year:
        yield "mcs150.mileage", "of no year"
    if as_of and year > as_of.year:
        yield "mcs150.mileageYear", "later than the file"


_PARTS = {
    "fleet.powerUnits": ("fleet.trucks", "fleet.buses"),
    "drivers.total": ("drivers.cdl", "drivers.interstate", "drivers.intrastate"),
}


def withhold(record: dict[str, Any]) -> None:
    """Take out of a record what may be a person's own, and name it in `withheld`."""
    is_corporation = (record["businessOrganization"] or "").upper() == _CORPORATION
    record["withheld"] = list(PERSONAL if is_corporation else (*PERSONAL, *STREETS))
    for path in record["withheld"]:
        part, _, name = path.rpartition(".")
        (record[part] if part else record).pop(name, None)
