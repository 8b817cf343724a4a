"""The rows of the two crash files, MCMIS and SMS: columns, codes, and what a vehicle in a crash is known by.

Facts: both files have a row per vehicle, and repeat the crash's fatalities and injuries on each. Codes and their names are those
of FMCSA's dictionary of the Crash File. SMS has flags as "true" and "false", and `not_preventable` as Y or not at all.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Required

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.sources.sms.dates import SmsDate
from fmcsa_orchestrator.sources.soda.columns import Content, Count, Day, RowParser, Text, Usdot

# FMCSA's codes, as far as they are sure: of road surfaces, two sources disagree on 3 to 8. Any other is kept as it came.
STATUSES = {
    "C": "complete",
    "H": "hold",
    "I": "intrastate",
    "N": "nonMatch",
    "P": "potential",
    "T": "censusSearch",
    "U": "uploaded",
    "X": "nonMotorCarrier",
}
TRUCK_OR_BUS = {"T": "truck", "B": "bus"}
TRAFFICWAYS = {
    "1": "twoWayUndivided",
    "2": "twoWayDividedUnprotected",
    "3": "twoWayDividedBarrier",
    "4": "oneWay",
    "98": "other",
    "99": "unknown",
}
ACCESS_CONTROLS = {"1": "full", "2": "partial", "3": "none"}
SURFACES = {"1": "dry", "2": "wet"}
WEATHERS = dict(enumerate("none rain sleetOrHail snow fog rainAndFog crosswind other unknown".split(), 1))
LIGHTS = {
    "1": "daylight",
    "2": "darkUnlit",
    "3": "darkLit",
    "4": "dawn",
    "5": "dusk",
    "6": "darkUnknownLighting",
    "8": "other",
    "9": "unknown",
}
GROSS_WEIGHTS = {"1": "upTo10000Lb", "2": "upTo26000Lb", "3": "over26000Lb"}
CONFIGURATIONS = {
    "1": "carWithHazmat",
    "2": "lightTruckWithHazmat",
    "3": "bus9To15",
    "4": "bus16OrMore",
    "5": "twoAxleTruck",
    "6": "threeAxleTruck",
    "7": "truckWithTrailer",
    "8": "bobtail",
    "9": "tractorWithSemitrailer",
    "10": "tractorWithDoubles",
    "11": "tractorWithTriples",
    "99": "other",
}


def _named(names: Mapping[Any, str]) -> AfterValidator:
    """The name of a code; a code that we do not know as it came."""
    known = {str(code): name for code, name in names.items()}
    return AfterValidator(lambda text: known.get(text.strip(), text.strip() or None))


# A date, a flag or a number that is none is kept as text: no crash is lost over it.
_Either = Field(union_mode="left_to_right")
Flag = Annotated[bool | Text, _Either]
DayOrText = Annotated[Day | Text, _Either]
SmsDayOrText = Annotated[SmsDate | Text, _Either]
CountOrText = Annotated[Count | Text, _Either]
Upper = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True)]
ReportNumber = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, min_length=1)]


class _CrashRow(TypedDict, total=False):
    """What both files have of a vehicle in a crash, by columns of the same name. `sequence` numbers the vehicles from 1."""

    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    reportState: Annotated[Upper, Field(validation_alias="report_state")]
    reportNumber: Required[Annotated[ReportNumber, Field(validation_alias="report_number")]]
    sequence: Annotated[CountOrText, Field(validation_alias="report_seq_no")]
    fatalities: Annotated[Count, Field(validation_alias="fatalities")]
    injuries: Annotated[Count, Field(validation_alias="injuries")]
    towAway: Annotated[Flag, Field(validation_alias="tow_away")]
    hazmatReleased: Annotated[Flag, Field(validation_alias="hazmat_released")]


class McmisRow(_CrashRow, total=False):
    """One row of MCMIS: our field <- the file's column. `crashId` is unique per row, that is per vehicle."""

    crashId: Annotated[Text, Field(validation_alias="crash_id")]
    crashedOn: Annotated[DayOrText, Field(validation_alias="report_date")]
    crashTime: Annotated[Text, Field(validation_alias="report_time")]
    addedOn: Annotated[DayOrText, Field(validation_alias="add_date")]
    matchStatus: Annotated[str, _named(STATUSES), Field(validation_alias="ci_status_code")]
    federalRecordable: Annotated[Flag, Field(validation_alias="federal_recordable")]
    stateRecordable: Annotated[Flag, Field(validation_alias="state_recordable")]
    location: Annotated[Text, Field(validation_alias="location")]
    city: Annotated[Text, Field(validation_alias="city")]
    countyCode: Annotated[Text, Field(validation_alias="county_code")]
    agency: Annotated[Text, Field(validation_alias="agency")]
    vehicles: Annotated[CountOrText, Field(validation_alias="vehicles_in_accident")]
    events: Annotated[Text, Field(validation_alias="crash_event_seq_id_desc")]
    trafficway: Annotated[str, _named(TRAFFICWAYS), Field(validation_alias="trafficway_id")]
    accessControl: Annotated[str, _named(ACCESS_CONTROLS), Field(validation_alias="access_control_id")]
    surface: Annotated[str, _named(SURFACES), Field(validation_alias="road_surface_condition_id")]
    weather: Annotated[str, _named(WEATHERS), Field(validation_alias="weather_condition_id")]
    light: Annotated[str, _named(LIGHTS), Field(validation_alias="light_condition_id")]
    truckOrBus: Annotated[str, _named(TRUCK_OR_BUS), Field(validation_alias="truck_bus_ind")]
    configuration: Annotated[str, _named(CONFIGURATIONS), Field(validation_alias="vehicle_configuration_id")]
    grossWeight: Annotated[str, _named(GROSS_WEIGHTS), Field(validation_alias="gvw_rating_id")]
    cargoBodyTypeCode: Annotated[Text, Field(validation_alias="cargo_body_type_id")]
    hazmatPlacard: Annotated[Flag, Field(validation_alias="vehicle_hazmat_placard")]
    vin: Annotated[Text, Field(validation_alias="vehicle_identification_number")]
    license: Annotated[Text, Field(validation_alias="vehicle_license_number")]
    licenseState: Annotated[Text, Field(validation_alias="vehicle_lic_state")]


class SmsRow(_CrashRow, total=False):
    """One row of SMS: our field <- the file's column. Weights are dimensionless, conditions in FMCSA's words."""

    crashedOn: Annotated[SmsDayOrText, Field(validation_alias="report_date")]
    vin: Annotated[Text, Field(validation_alias="vehicle_id_number")]
    license: Annotated[Text, Field(validation_alias="vehicle_license_number")]
    licenseState: Annotated[Text, Field(validation_alias="vehicle_license_state")]
    severityWeight: Annotated[Count, Field(validation_alias="severity_weight")]
    timeWeight: Annotated[Count, Field(validation_alias="time_weight")]
    notPreventable: Annotated[Flag, Field(validation_alias="not_preventable")]
    citationIssued: Annotated[Flag, Field(validation_alias="citation_issued_desc")]
    trafficway: Annotated[Text, Field(validation_alias="trafficway_desc")]
    accessControl: Annotated[Text, Field(validation_alias="access_control_desc")]
    surface: Annotated[Text, Field(validation_alias="road_surface_condition_desc")]
    weather: Annotated[Text, Field(validation_alias="weather_condition_desc")]
    light: Annotated[Text, Field(validation_alias="light_condition_desc")]


parse_mcmis = RowParser(McmisRow, begins_with="report_state")
parse_sms = RowParser(SmsRow, begins_with="report_state")
_COUNTS = frozenset("report_seq_no fatalities injuries".split())
MCMIS = Dataset(
    "aayw-vxb3",
    "Crash File",
    parse_mcmis.columns,
    numbers=_COUNTS | {"crash_id", "vehicles_in_accident"},
    others=frozenset(
        "change_date final_status_date city_code state snet_version_number snet_sequence_id transaction_code transaction_date "
        "upload_first_byte upload_dot_number upload_search_indicator upload_date crash_carrier_id crash_carrier_name "
        "crash_carrier_street crash_carrier_city crash_carrier_city_code crash_carrier_state crash_carrier_zip_code "
        "crash_colonia docket_number crash_carrier_interstate no_id_flag state_number state_issuing_number".split()
    ),
)
SMS = Dataset(
    "4wxs-vbns",
    "SMS Input - Crash",
    parse_sms.columns,
    numbers=_COUNTS | {"severity_weight", "time_weight"},
    others=frozenset({"seq_num"}),
)

# What both files have, under names of ours that are the same; and what only SMS has, or has in words of its own.
SHARED = tuple(
    "reportState reportNumber sequence crashedOn fatalities injuries towAway hazmatReleased vin license licenseState".split()
)
OF_MCMIS = tuple(name for name in McmisRow.__annotations__ if name != "usdot")
OF_SMS = tuple(name for name in SmsRow.__annotations__ if name != "usdot" and name not in SHARED)


def crash_of(row: Content) -> str:
    """What a crash is known by: the state that reports it, and its number there."""
    return f"{row['reportState'] or ''}:{row['reportNumber']}"


def vehicle_of(row: Content) -> str:
    """What a vehicle in a crash is known by in both files: no date, which may be corrected, nor `crashId`, which SMS lacks."""
    return f"{crash_of(row)}:{'' if row['sequence'] is None else row['sequence']}"


def day_of_crash(row: Content) -> datetime | None:
    """The day; None where the file has none that can be read."""
    day = row["crashedOn"]
    return day if isinstance(day, datetime) else None


def order_of(row: Content) -> str:
    """By what rows of one vehicle are numbered, should there be several: what neither a correction nor the other file changes."""
    crash_id = row.get("crashId")
    return f"{crash_id.zfill(12) if crash_id else '~'}:{day_of_crash(row) or ''}:{content_hash(row)}"
