"""QCMobile's `basic` and `carrier` objects as content: numbers read where they are numbers, FMCSA's own words kept."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.model.documents import bson_time
from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.sources.sms.columns import Content, Count, Measure, RowParser
from fmcsa_orchestrator.sources.sms.result_file import parse_percentile

# By id, since the labels have come with an HTML entity in them; no entry for crashes or hazmat was ever seen.
BASIC_IDS = {
    11: Basic.UNSAFE_DRIVING,
    12: Basic.HOS_COMPLIANCE,
    13: Basic.DRIVER_FITNESS,
    14: Basic.CONTROLLED_SUBSTANCES_ALCOHOL,
    15: Basic.VEHICLE_MAINTENANCE,
}
_FLAGS = {"Y": True, "N": False}


def _flag(value: Any) -> Any:
    """Y and N as truth values; any other text ("u", "Inconclusive") as it stands."""
    return _FLAGS.get(value, value) if isinstance(value, str) else value


def _number_or_none(value: Any) -> Any:
    """A number, as text or not; words in its place are no number."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _time(value: Any) -> Any:
    """A time such as 2017-01-27T05:00:00.000+0000, or epoch milliseconds; one without a zone is in UTC."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value / 1000, UTC)
        return bson_time(datetime.fromisoformat(value)) if isinstance(value, str) else value
    except (OverflowError, OSError) as error:
        raise ValueError("not a time that can be kept") from error


Flag = Annotated[bool | str | None, BeforeValidator(_flag)]
Number = Annotated[Measure | None, BeforeValidator(_number_or_none)]


class BasicEntry(TypedDict, total=False):
    """One `basic` object. `runDate` is the SMS run that it is from, which may be long past."""

    percentileText: Annotated[str | None, Field(validation_alias="basicsPercentile")]
    measure: Annotated[Number, Field(validation_alias="measureValue")]
    threshold: Annotated[Number, Field(validation_alias="basicsViolationThreshold")]
    runDate: Annotated[datetime | None, BeforeValidator(_time), Field(validation_alias="basicsRunDate")]
    inspectionsWithViolations: Annotated[Count | None, Field(validation_alias="totalInspectionWithViolation")]
    violations: Annotated[Count | None, Field(validation_alias="totalViolation")]
    exceedsThreshold: Annotated[Flag, Field(validation_alias="exceededFMCSAInterventionThreshold")]
    roadsideAlert: Annotated[Flag, Field(validation_alias="onRoadPerformanceThresholdViolationIndicator")]
    acuteCritical: Annotated[Flag, Field(validation_alias="seriousViolationFromInvestigationPast12MonthIndicator")]


class CarrierEntry(TypedDict, total=False):
    """The `carrier` object, without addresses, tax number and insurance. Rates and averages are percent, as FMCSA gives them."""

    legalName: Annotated[str | None, Field(validation_alias="legalName")]
    dbaName: Annotated[str | None, Field(validation_alias="dbaName")]
    allowedToOperate: Annotated[Flag, Field(validation_alias="allowedToOperate")]
    passengerCarrier: Annotated[Flag, Field(validation_alias="isPassengerCarrier")]
    statusCode: Annotated[str | None, Field(validation_alias="statusCode")]
    oosDate: Annotated[str | None, Field(validation_alias="oosDate")]
    safetyRating: Annotated[str | None, Field(validation_alias="safetyRating")]
    safetyRatingDate: Annotated[str | None, Field(validation_alias="safetyRatingDate")]
    totalDrivers: Annotated[Count | None, Field(validation_alias="totalDrivers")]
    totalPowerUnits: Annotated[Count | None, Field(validation_alias="totalPowerUnits")]
    crashTotal: Annotated[Count | None, Field(validation_alias="crashTotal")]
    fatalCrash: Annotated[Count | None, Field(validation_alias="fatalCrash")]
    injCrash: Annotated[Count | None, Field(validation_alias="injCrash")]
    towawayCrash: Annotated[Count | None, Field(validation_alias="towawayCrash")]
    driverOosPercent: Annotated[Number, Field(validation_alias="driverOosRate")]
    vehicleOosPercent: Annotated[Number, Field(validation_alias="vehicleOosRate")]
    hazmatOosPercent: Annotated[Number, Field(validation_alias="hazmatOosRate")]
    driverOosNationalAveragePercent: Annotated[Number, Field(validation_alias="driverOosRateNationalAverage")]
    vehicleOosNationalAveragePercent: Annotated[Number, Field(validation_alias="vehicleOosRateNationalAverage")]
    hazmatOosNationalAveragePercent: Annotated[Number, Field(validation_alias="hazmatOosRateNationalAverage")]


parse_carrier = RowParser(CarrierEntry)
_parse_entry = RowParser(BasicEntry)


def parse_qc_basics(entries: Iterable[Mapping[str, Any]]) -> dict[Basic, Content]:
    """The entries by BASIC; one of a BASIC that we do not know is passed over. Raises: MalformedPayloadError."""
    basics: dict[Basic, Content] = {}
    for entry in entries:
        basic = BASIC_IDS.get(_basic_id(entry))
        if basic is None:
            continue
        content = _parse_entry(entry)
        status, percentile = parse_percentile(content["percentileText"])
        basics[basic] = {**content, "percentile": percentile, "percentileStatus": status}
    return basics


def _basic_id(entry: Mapping[str, Any]) -> int:
    try:
        return int(entry["basicsType"]["basicsId"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise MalformedPayloadError("QCMobile: a BASIC without an id", field="basicsType.basicsId") from None
