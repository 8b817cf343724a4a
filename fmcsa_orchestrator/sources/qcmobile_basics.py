"""QCMobile's `basic` and `carrier` objects as content: numbers read where they are numbers, FMCSA's own words kept."""

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from fmcsa_orchestrator.model.documents import bson_time
from fmcsa_orchestrator.model.errors import MalformedPayloadError
from fmcsa_orchestrator.model.fmcsa import Basic
from fmcsa_orchestrator.observability.hooks import note
from fmcsa_orchestrator.sources.sms.result_file import parse_percentile
from fmcsa_orchestrator.sources.soda.columns import Content, Count, Measure, RowParser

log = logging.getLogger(__name__)

# By id, since the labels have come with an HTML entity in them; no entry for crashes or hazmat was ever seen.
BASIC_IDS = {
    11: Basic.UNSAFE_DRIVING,
    12: Basic.HOS_COMPLIANCE,
    13: Basic.DRIVER_FITNESS,
    14: Basic.CONTROLLED_SUBSTANCES_ALCOHOL,
    15: Basic.VEHICLE_MAINTENANCE,
}
_FLAGS = {"Y": True, "N": False}
_THOUSANDS = re.compile(r"\s*[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?\s*", re.ASCII)
_WORDS = re.compile(r"(?![+-]?(?:nan|inf|infinity)$)[^0-9]*", re.IGNORECASE)  # NaN is no word of FMCSA's
_MILLISECONDS = re.compile(r"[0-9]{13}", re.ASCII)  # of 2001 to 2286
_DAY = re.compile(r"[0-9]{8}", re.ASCII)


def _text(value: Any) -> Any:
    """Text as it stands; a number is its text."""
    is_number = isfinite(value) if isinstance(value, float) else isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


def _flag(value: Any) -> Any:
    """Y and N as truth values, 1 and 0 too; any other text ("u", "Inconclusive") as it stands."""
    if isinstance(value, str):
        return _FLAGS.get(value, value)
    return value if value in (0, 1) else _text(value)


def _count(value: Any) -> Any:
    """A number, as text or not, which may have commas between groups of three; blanks are none."""
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")  # noqa: TRY004  # pydantic takes no other error for a fault of the value
    if not isinstance(value, str):
        return value
    return value.replace(",", "") if _THOUSANDS.fullmatch(value) else value.strip() or None


def _ratio(value: Any) -> Any:
    """The same; words in its place ("Not Available") are how FMCSA says that there is none."""
    value = _count(value)
    return None if isinstance(value, str) and _WORDS.fullmatch(value) else value


def _time(value: Any) -> Any:
    """A time such as 2017-01-27T05:00:00.000+0000, a day such as 20170127, or epoch milliseconds of this age; no zone is UTC.

    Other digits might be seconds, or a day with its hour, and are no time.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(_text(value)).strip()
    if value is None or not text:
        return None
    try:
        if _MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if _DAY.fullmatch(text) or not text.isdigit():
            return bson_time(datetime.fromisoformat(text))
    except (OverflowError, OSError) as error:
        raise ValueError("not a time that can be kept") from error
    raise ValueError("not a time for sure")


Text = Annotated[str | None, BeforeValidator(_text)]
Flag = Annotated[bool | str | None, BeforeValidator(_flag)]
Amount = Annotated[Count | None, BeforeValidator(_count)]
Number = Annotated[Measure | None, BeforeValidator(_ratio)]
Time = Annotated[datetime | None, BeforeValidator(_time)]


class BasicEntry(TypedDict, total=False):
    """One `basic` object. `runDate` is the SMS run that it is from, which may be long past."""

    percentileText: Annotated[Text, Field(validation_alias="basicsPercentile")]
    measure: Annotated[Number, Field(validation_alias="measureValue")]
    threshold: Annotated[Number, Field(validation_alias="basicsViolationThreshold")]
    runDate: Annotated[Time, Field(validation_alias="basicsRunDate")]
    inspectionsWithViolations: Annotated[Amount, Field(validation_alias="totalInspectionWithViolation")]
    violations: Annotated[Amount, Field(validation_alias="totalViolation")]
    exceedsThreshold: Annotated[Flag, Field(validation_alias="exceededFMCSAInterventionThreshold")]
    roadsideAlert: Annotated[Flag, Field(validation_alias="onRoadPerformanceThresholdViolationIndicator")]
    acuteCritical: Annotated[Flag, Field(validation_alias="seriousViolationFromInvestigationPast12MonthIndicator")]


class CarrierEntry(TypedDict, total=False):
    """The `carrier` object, without addresses, tax number and insurance. Rates and averages are percent, as FMCSA gives them."""

    legalName: Annotated[Text, Field(validation_alias="legalName")]
    dbaName: Annotated[Text, Field(validation_alias="dbaName")]
    allowedToOperate: Annotated[Flag, Field(validation_alias="allowedToOperate")]
    passengerCarrier: Annotated[Flag, Field(validation_alias="isPassengerCarrier")]
    statusCode: Annotated[Text, Field(validation_alias="statusCode")]
    oosDate: Annotated[Text, Field(validation_alias="oosDate")]
    safetyRating: Annotated[Text, Field(validation_alias="safetyRating")]
    safetyRatingDate: Annotated[Text, Field(validation_alias="safetyRatingDate")]
    totalDrivers: Annotated[Amount, Field(validation_alias="totalDrivers")]
    totalPowerUnits: Annotated[Amount, Field(validation_alias="totalPowerUnits")]
    crashTotal: Annotated[Amount, Field(validation_alias="crashTotal")]
    fatalCrash: Annotated[Amount, Field(validation_alias="fatalCrash")]
    injCrash: Annotated[Amount, Field(validation_alias="injCrash")]
    towawayCrash: Annotated[Amount, Field(validation_alias="towawayCrash")]
    driverOosPercent: Annotated[Number, Field(validation_alias="driverOosRate")]
    vehicleOosPercent: Annotated[Number, Field(validation_alias="vehicleOosRate")]
    hazmatOosPercent: Annotated[Number, Field(validation_alias="hazmatOosRate")]
    driverOosNationalAveragePercent: Annotated[Number, Field(validation_alias="driverOosRateNationalAverage")]
    vehicleOosNationalAveragePercent: Annotated[Number, Field(validation_alias="vehicleOosRateNationalAverage")]
    hazmatOosNationalAveragePercent: Annotated[Number, Field(validation_alias="hazmatOosRateNationalAverage")]


_parse_carrier = RowParser(CarrierEntry)
_parse_entry = RowParser(BasicEntry)


def parse_carrier(carrier: Mapping[str, Any]) -> Content:
    """The carrier's record. A field that cannot surely be read is null, and named in the log."""
    content, odd = _read(_parse_carrier, carrier)
    _tell(odd)
    return content


def parse_qc_basics(entries: Iterable[Mapping[str, Any]]) -> dict[Basic, Content]:
    """The entries by BASIC; one of a BASIC that we do not know is passed over. Fields that are odd, as of the carrier's record.

    Raises: MalformedPayloadError for an entry without an id.
    """
    basics: dict[Basic, Content] = {}
    odd_ones: list[str] = []
    for entry in entries:
        basic = BASIC_IDS.get(_basic_id(entry))
        if basic is None:
            continue
        content, odd = _read(_parse_entry, entry)
        odd_ones += [f"{basic}.{name}" for name in odd]
        status, percentile = parse_percentile(content["percentileText"])
        if "basicsPercentile" in odd:
            status = "other"
        basics[basic] = {**content, "percentile": percentile, "percentileStatus": status}
    _tell(odd_ones)
    return basics


def _read(parse: RowParser, entry: Mapping[str, Any]) -> tuple[Content, list[str]]:
    """The content, and which fields were odd and are null therefore: all fields are optional, and none is to cost the others."""
    odd: list[str] = []
    while True:
        try:
            return parse({**entry, **dict.fromkeys(odd)}), odd
        except MalformedPayloadError as error:
            if error.field is None or error.field in odd:  # null does not help
                raise
            odd.append(error.field)


def _tell(odd: list[str]) -> None:
    if odd:
        note(log, logging.WARNING, "odd_field", fields=",".join(sorted(odd)))


def _basic_id(entry: Mapping[str, Any]) -> int:
    try:
        return int(entry["basicsType"]["basicsId"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise MalformedPayloadError("QCMobile: a BASIC without an id", field="basicsType.basicsId") from None
