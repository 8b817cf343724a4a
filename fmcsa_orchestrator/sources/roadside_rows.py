"""The rows of the daily files of inspections, and what their codes mean.

Facts: the columns as of 2026-09; the codes by MCMIS's data dictionary, revision 5 of 2025-10-15. No file names a driver.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Required, TypeVar

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.clients.soda_schema import Dataset, Key
from fmcsa_orchestrator.sources.soda.columns import Count, Day, RowParser, Text, Usdot

T = TypeVar("T")

UNKNOWN = "unknown"


def _numbered(words: str) -> dict[str, str]:
    """The words by their codes, from 1."""
    return {str(code): word for code, word in enumerate(words.split(), 1)}


UNIT_TYPES = _numbered(
    "bus dollyConverter fullTrailer limousine motorCoach other poleTrailer schoolBus semiTrailer straightTruck truckTractor van "
    "unknown intermodalChassis cribLogTrailer"
)
CATEGORIES = _numbered(
    "medicalCertificate falseLog noLog hours10And15 hours15And20 hours60And70 otherHoursOfService disqualifiedDriver drugs "
    "alcohol seatBelt trafficEnforcement radarDetector otherDriver brakeAdjustment otherBrakes coupling fuel frame lighting "
    "steering suspension tires wheels loadSecurement windshield exhaust emergencyEquipment periodicInspection otherVehicle "
    "hazmatPapers placards hazmatMarking hazmatBracing tankRetest remoteShutOff nonSpecificationContainer emergencyResponse "
    "otherHazmat trafficControlDevice followingTooClose laneChange passing recklessDriving speeding turns sizeAndWeight "
    "failureToYield stateHoursOfService"
) | {"51": "stateRegistration"}
FACILITIES = {"F": "fixed", "R": "roadside"}
UNITS = {"1": "mainVehicle", "2": "secondaryVehicle", "D": "driver", "C": "coDriver"} | dict.fromkeys("3456789", "furtherVehicle")
VERIFICATIONS = {"1": "repaired", "2": "towed", "3": "notOutOfService", "4": "other"}


def _looked_up(meanings: Mapping[str, T], other: T) -> Callable[[str], T]:
    return lambda code: meanings.get(code, other)


Number = Annotated[int, Field(ge=1, le=10**15)]
# "Y" or "N"; Z is yes for a driver. Anything else (U is "unknown") says neither.
Flag = Annotated[str, AfterValidator(_looked_up({"Y": True, "Z": True, "N": False}, None))]
Pounds = Annotated[str, AfterValidator(lambda text: int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None)]


class RoadsideRow(TypedDict, total=False):
    """One inspection: our field <- the file's column. Totals are counts as the file has them, `inspectedOn` is midnight UTC.

    Those of a driver's and of a vehicle's violations are not read: they are 0 where there are some. `shipper_name` may be a
    person's, and is not read either.
    """

    usdot: Required[Annotated[Usdot, Field(validation_alias="dot_number")]]
    inspectionId: Required[Annotated[Number, Field(validation_alias="inspection_id")]]
    reportState: Annotated[Text, Field(validation_alias="report_state")]
    reportNumber: Annotated[Text, Field(validation_alias="report_number")]
    inspectedOn: Required[Annotated[Day, Field(validation_alias="insp_date")]]
    startTime: Annotated[Text, Field(validation_alias="insp_start_time")]
    endTime: Annotated[Text, Field(validation_alias="insp_end_time")]
    changeDate: Annotated[Text, Field(validation_alias="change_date")]
    level: Annotated[Count, Field(validation_alias="insp_level_id")]
    facility: Annotated[
        str,
        AfterValidator(_looked_up(FACILITIES, UNKNOWN)),
        Field(validation_alias="insp_facility"),
    ]
    location: Annotated[Text, Field(validation_alias="location")]
    locationDescription: Annotated[Text, Field(validation_alias="location_desc")]
    countyState: Annotated[Text, Field(validation_alias="county_code_state")]
    countyCode: Annotated[Text, Field(validation_alias="county_code")]
    statusCode: Annotated[Text, Field(validation_alias="ci_status_code")]
    carrierName: Annotated[Text, Field(validation_alias="insp_carrier_name")]
    carrierCity: Annotated[Text, Field(validation_alias="insp_carrier_city")]
    carrierState: Annotated[Text, Field(validation_alias="insp_carrier_state")]
    interstate: Annotated[Flag, Field(validation_alias="insp_interstate")]
    postCrash: Annotated[Flag, Field(validation_alias="post_acc_ind")]
    hazmatPlacardRequired: Annotated[Flag, Field(validation_alias="hazmat_placard_req")]
    grossWeight: Annotated[Pounds, Field(validation_alias="gross_comb_veh_wt")]
    shippingPaperNumber: Annotated[Text, Field(validation_alias="shipping_paper_number")]
    alcoholCheck: Annotated[Flag, Field(validation_alias="alcohol_control_sub")]
    drugSearch: Annotated[Flag, Field(validation_alias="drug_intrdctn_search")]
    sizeWeightEnforcement: Annotated[Flag, Field(validation_alias="size_weight_enf")]
    trafficEnforcement: Annotated[Flag, Field(validation_alias="traffic_enf")]
    violationsTotal: Annotated[Count, Field(validation_alias="viol_total")]
    oosTotal: Annotated[Count, Field(validation_alias="oos_total")]
    driverOos: Annotated[Count, Field(validation_alias="driver_oos_total")]
    vehicleOos: Annotated[Count, Field(validation_alias="vehicle_oos_total")]
    hazmatOos: Annotated[Count, Field(validation_alias="hazmat_oos_total")]


class InspectedUnitRow(TypedDict, total=False):
    """One unit of an inspection. `companyNumber` is the carrier's own number of it."""

    inspectionId: Required[Annotated[Number, Field(validation_alias="inspection_id")]]
    unitId: Annotated[Number, Field(validation_alias="insp_unit_id")]
    number: Annotated[Count, Field(validation_alias="insp_unit_number")]
    typeCode: Annotated[Text, Field(validation_alias="insp_unit_type_id")]
    type: Annotated[str, AfterValidator(_looked_up(UNIT_TYPES, UNKNOWN)), Field(validation_alias="insp_unit_type_id")]
    make: Annotated[Text, Field(validation_alias="insp_unit_make")]
    companyNumber: Annotated[Text, Field(validation_alias="insp_unit_company")]
    license: Annotated[Text, Field(validation_alias="insp_unit_license")]
    licenseState: Annotated[Text, Field(validation_alias="insp_unit_license_state")]
    vin: Annotated[Text, Field(validation_alias="insp_unit_vehicle_id_number")]
    decal: Annotated[Flag, Field(validation_alias="insp_unit_decal")]
    decalNumber: Annotated[Text, Field(validation_alias="insp_unit_decal_number")]


class RoadsideViolationRow(TypedDict, total=False):
    """One violation of an inspection. Equal codes recur lawfully; `violationId` tells them apart."""

    inspectionId: Required[Annotated[Number, Field(validation_alias="inspection_id")]]
    violationId: Required[Annotated[Number, Field(validation_alias="insp_violation_id")]]
    sequence: Annotated[Count, Field(validation_alias="seq_no")]
    violationCode: Annotated[Text, Field(validation_alias="viol_code")]
    description: Annotated[Text, Field(validation_alias="viol_desc")]
    part: Annotated[Text, Field(validation_alias="part_no")]
    section: Annotated[Text, Field(validation_alias="part_no_section")]
    categoryCode: Annotated[Text, Field(validation_alias="insp_violation_category_id")]
    category: Annotated[
        str, AfterValidator(_looked_up(CATEGORIES, UNKNOWN)), Field(validation_alias="insp_violation_category_id")
    ]
    unitCode: Annotated[Text, Field(validation_alias="insp_viol_unit")]
    unit: Annotated[str, AfterValidator(_looked_up(UNITS, UNKNOWN)), Field(validation_alias="insp_viol_unit")]
    unitId: Annotated[Number, Field(validation_alias="insp_unit_id")]
    outOfService: Annotated[Flag, Field(validation_alias="out_of_service_indicator")]
    defectVerification: Annotated[
        str, AfterValidator(_looked_up(VERIFICATIONS, UNKNOWN)), Field(validation_alias="defect_verification_id")
    ]
    citationNumber: Annotated[Text, Field(validation_alias="citation_number")]


parse_roadside = RowParser(RoadsideRow, begins_with="inspection_id")
parse_unit = RowParser(InspectedUnitRow, key="inspectionId", begins_with="inspection_id")
parse_roadside_violation = RowParser(RoadsideViolationRow, key="inspectionId", begins_with="inspection_id")

ROADSIDE = Dataset(
    "fx4q-ay7w",
    "Vehicle Inspections",
    parse_roadside.columns,
    numbers=frozenset(
        "inspection_id insp_level_id viol_total oos_total driver_oos_total vehicle_oos_total hazmat_oos_total".split()
    ),
    key=Key("dot_number", "number"),
    others=frozenset(
        "registration_date region service_center census_source_id shipper_name cargo_tank snet_version_number snet_search_date "
        "drug_intrdctn_arrests local_enf_jurisdiction pen_cen_match final_status_date driver_viol_total vehicle_viol_total "
        "hazmat_viol_total snet_sequence_id transaction_code transaction_date upload_date upload_first_byte upload_dot_number "
        "upload_search_indicator census_search_date snet_input_date source_office mcmis_add_date insp_carrier_street "
        "insp_carrier_zip_code insp_colonia docket_number insp_carrier_state_id".split()
    ),
)
UNIT_DATASET = Dataset(
    "wt8s-2hbx",
    "Inspection Units",
    parse_unit.columns,
    numbers=frozenset("insp_unit_id insp_unit_number insp_unit_type_id".split()),
    key=Key("inspection_id", "text"),
    others=frozenset({"change_date"}),
)
VIOLATION_DATASET = Dataset(
    "876r-jsdb",
    "Inspection Violations",
    parse_roadside_violation.columns,
    numbers=frozenset("insp_violation_id seq_no insp_violation_category_id insp_unit_id".split()),
    key=Key("inspection_id", "number"),
    others=frozenset({"change_date"}),
)
