"""CSA scores: a carrier's BASIC measures and percentiles from the SMS result files, and from QCMobile where there is a key.

Percentiles of property carriers are public nowhere (FAST Act, 2015), Crash Indicator and Hazardous Materials results for
nobody: absence is normal, and `percentileStatus` says which absence it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fmcsa_orchestrator.clients.qcmobile import QcMobileClient
from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange
from fmcsa_orchestrator.model.company import Company, Derived, Finding, SourceReport
from fmcsa_orchestrator.model.documents import bson_time, dig
from fmcsa_orchestrator.model.errors import ImplausibleEmptyError, MalformedPayloadError, SourceError, StaleUpstreamError
from fmcsa_orchestrator.model.fmcsa import NOT_PUBLIC, Basic, UsdotNumber
from fmcsa_orchestrator.model.results import Outcome
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.changes.csa import csa_events
from fmcsa_orchestrator.sources.qcmobile_basics import parse_carrier, parse_qc_basics
from fmcsa_orchestrator.sources.sms.estimates import ESTIMATED, ResultFile, SmsEstimates, estimate_fields
from fmcsa_orchestrator.sources.sms.history import run_entry
from fmcsa_orchestrator.sources.sms.proof import DERIVED, prove
from fmcsa_orchestrator.sources.sms.result_file import (
    PERCENTILE_COLUMNS,
    RESULT_COLUMNS,
    RESULT_NUMBERS,
    parse_percentile,
    parse_result,
)
from fmcsa_orchestrator.sources.soda.columns import Content
from fmcsa_orchestrator.sources.soda.file import CarrierRows, SodaFile, check_newer, unless_all_stale
from fmcsa_orchestrator.sources.soda.source import SodaSource

# A carrier is in one class: AB (interstate, or intrastate with hazmat) or C (intrastate without). A passenger carrier is in
# both files of its class; the passenger file, which alone has percentiles, comes last and so has the last word.
RESULT_FILES = (
    Dataset("4y6x-dmck", "SMS AB PassProperty", RESULT_COLUMNS, RESULT_NUMBERS, one_row=True),
    Dataset("h9zy-gjn8", "SMS C PassProperty", RESULT_COLUMNS, RESULT_NUMBERS, one_row=True),
    Dataset("m3ry-qcip", "SMS AB Pass", RESULT_COLUMNS | PERCENTILE_COLUMNS, RESULT_NUMBERS, one_row=True),
    Dataset("h3zn-uid9", "SMS C Pass", RESULT_COLUMNS | PERCENTILE_COLUMNS, RESULT_NUMBERS, one_row=True),
)
PASSENGER_DATASETS = frozenset({"m3ry-qcip", "h3zn-uid9"})
CARRIER_CLASSES = {"4y6x-dmck": "AB", "m3ry-qcip": "AB", "h9zy-gjn8": "C", "h3zn-uid9": "C"}

# QCMobile was seen answering with BASICs years old; within this much of the SMS files' date it is the same SMS run or the last.
_QC_MAX_AGE = timedelta(days=62)

_ANY_CARRIER = UsdotNumber(21800)  # one that has been registered for decades; any would do

_NOTHING = {"measure": None, "percentile": None, "percentileStatus": "not_found", "percentileText": None}


def csa_fields(found: Mapping[str, Content]) -> dict[str, Any]:
    """The company's fields from its rows: dataset id -> parsed row. Without any, every value is None and says so."""
    row = next((found[dataset.id] for dataset in reversed(RESULT_FILES) if dataset.id in found), None)
    is_passenger = any(dataset in PASSENGER_DATASETS for dataset in found)
    basics = {basic: _basic(basic, row, is_passenger) for basic in Basic}
    fields: dict[str, Any] = {f"fmcsaData.csa.{basic}": value for basic, value in basics.items()}
    fields["fmcsaData.csa.carrierClass"] = next((CARRIER_CLASSES[dataset] for dataset in found), None)
    fields["fmcsaData.csa.passengerCarrier"] = is_passenger if row else None
    fields["fmcsaData.csa.inspections"] = row["inspections"] if row else None
    return fields | sms_basics(basics)


def sms_basics(basics: Mapping[Basic, Mapping[str, Any]]) -> dict[str, Any]:
    """The short form that host apps show: a percentile and a measure per BASIC."""
    percentiles = {f"smsBasics.{basic}": value["percentile"] for basic, value in basics.items()}
    measures = {f"smsBasics.{basic}Measure": value["measure"] for basic, value in basics.items()}
    return percentiles | measures


def _basic(basic: Basic, row: Content | None, is_passenger: bool) -> dict[str, Any]:
    if row is None:
        return dict(_NOTHING)
    if basic in NOT_PUBLIC:
        return _NOTHING | {"percentileStatus": "not_public"}
    value = dict(row["basics"][basic])
    text = value.pop("percentileText", None)
    status, percentile = parse_percentile(text) if is_passenger else ("not_public", None)
    return {
        "measure": value.pop("measure"),
        "percentile": percentile,
        "percentileStatus": status,
        "percentileText": text,
        **value,
    }


def with_qcmobile(report: SourceReport, basics: Mapping[Basic, Content], carrier: Content | None) -> SourceReport:
    """The report with what QCMobile adds: its own words per BASIC, percentiles that the files lack, the carrier's record."""
    fields = dict(report.fields)
    for basic, entry in basics.items():
        path = f"fmcsaData.csa.{basic}"
        value = {**fields[path], "qcmobile": entry}
        is_recent = report.data_as_of is None or (
            entry["runDate"] is not None and entry["runDate"] >= report.data_as_of - _QC_MAX_AGE
        )
        if value["percentile"] is None and is_recent:
            value |= {key: entry[key] for key in ("percentile", "percentileStatus", "percentileText")}
            if value["measure"] is None:
                value["measure"] = entry["measure"]
        fields[path] = value
    fields |= sms_basics({basic: fields[f"fmcsaData.csa.{basic}"] for basic in Basic})
    fields["fmcsaData.csa.carrier"] = carrier
    if report.outcome is Outcome.NOT_FOUND and basics:
        return replace(report, fields=fields, outcome=Outcome.CHANGED, message="not in the SMS result files, but in QCMobile")
    if report.outcome is Outcome.NOT_FOUND and carrier is not None:
        return replace(report, fields=fields, outcome=Outcome.NOT_PUBLISHED, message="registered, without SMS results")
    return replace(report, fields=fields)


class CsaSource(SodaSource):
    """BASIC measures and percentiles of one carrier.

    Upstream: the four SMS result files (4y6x-dmck, h9zy-gjn8, m3ry-qcip, h3zn-uid9), replaced monthly; with a web key also
    QCMobile `/carriers/:dot` and `/carriers/:dot/basics`, asked once per company and SMS run.

    Shape: `smsBasics.<basic>` percentile (0-100, high is worse) or None, `smsBasics.<basic>Measure` (0 is best) or None;
    `fmcsaData.csa.<basic>` the same with the reason for each None.

    Raises:
        SourceError: when a file cannot be read, or is implausibly empty; a QCMobile that fails leaves the report
            `incomplete`.
    """

    name = "csa_scores"
    owns = ("smsBasics", "fmcsaData.csa")
    derives = (*DERIVED, *ESTIMATED)
    registry = "sms"
    collection = None
    revision = 1  # raise it when the parsing changes: every company is then due again

    def __init__(
        self,
        soda: SodaClient,
        qcmobile: QcMobileClient | None = None,
        *,
        batch_size: int = 200,
        estimates: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(soda, [SodaFile(soda, dataset, parse_result) for dataset in RESULT_FILES], batch_size)
        self.mark = "q" if qcmobile else ""
        self._qcmobile = qcmobile
        self.completes = qcmobile is not None
        self.survey: SmsEstimates | None = None
        if estimates is not None:
            parts = [(file, file.dataset.id) for file in self.files]
            read = [ResultFile(file, CARRIER_CLASSES[name], name in PASSENGER_DATASETS) for file, name in parts]
            self.survey = SmsEstimates(read, estimates)
        self._now = now

    async def check(self) -> Sequence[Finding]:
        """The four files; with a web key, whether QCMobile takes it."""
        findings = await super().check()
        if self._qcmobile is None:
            return [*findings, Finding("QCMobile", True, "not asked: FMCSA_QCMOBILE_WEB_KEY is not set")]
        await self._qcmobile.carrier(_ANY_CARRIER)
        return [*findings, Finding("QCMobile", True, "answers, and takes the web key")]

    def estimate(self, companies: int) -> Mapping[str, int]:
        """Four files: one request each for the version, one each per batch; two of QCMobile per company."""
        return {**super().estimate(companies), **({"qcmobile": 2 * companies} if self._qcmobile else {})}

    async def version(self) -> str:
        """The files' last replacements; with estimates also of which SMS run the distributions are."""
        version = await super().version()
        if self.survey is None:
            return version
        self.survey.upstream = version.partition(":")[2]
        return f"{version}:{self.survey.mark}"

    def field_events(self, change: FieldChange, rules: AlertRules) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return csa_events(change, rules)

    def history(self, company: Company) -> tuple[datetime, Mapping[str, Any]] | None:
        """What is kept of the SMS run."""
        return run_entry(company.document)

    def derive(self, company: Company) -> Derived:
        """Whether the stored violations and inspections come to the published measures and counts; and our estimates."""
        proof = prove(company)
        return Derived({**proof.fields, **estimate_fields(company, self.survey)}, proof.read_again)

    async def fetch(self, company: Company) -> SourceReport:
        """The four files for one carrier, then QCMobile."""
        return await self.complete(company, await super().fetch(company))

    async def fetch_many(self, companies: Sequence[Company]) -> Mapping[UsdotNumber, SourceReport | SourceError]:
        """The four files for many carriers: four requests."""
        usdots = [company.usdot for company in companies]
        return await self.reports(companies, await self.read(usdots, alone=True))

    async def reports(
        self, companies: Sequence[Company], reads: Sequence[CarrierRows]
    ) -> dict[UsdotNumber, SourceReport | SourceError]:
        """What the files say of each carrier. Raises: ImplausibleEmptyError, StaleUpstreamError where none is to be believed."""
        by_file = dict(zip(self.files, reads, strict=True))
        as_of = max((read.as_of for read in reads if read.as_of), default=None)
        reports: dict[UsdotNumber, SourceReport | SourceError] = {}
        for company in companies:
            rows = {file.dataset.id: read.by_usdot[company.usdot] for file, read in by_file.items()}
            error = next((found for found in rows.values() if isinstance(found, MalformedPayloadError)), None)
            found = {dataset: group[0] for dataset, group in rows.items() if group and not isinstance(group, SourceError)}
            try:
                check_newer(company, self.name, as_of)
            except StaleUpstreamError as stale:  # for this carrier alone: what is stored of it is newer
                reports[company.usdot] = stale
                continue
            if error is None:
                await self._confirm_missing(company, found, by_file)
            reports[company.usdot] = error or self._report(found, as_of)
        return unless_all_stale(reports)

    async def _confirm_missing(
        self, company: Company, found: Mapping[str, Content], reads: Mapping[SodaFile, CarrierRows]
    ) -> None:
        """Make sure that the carrier is not missing because a file is empty altogether.

        One that was a passenger carrier ought to be in its passenger file still. One that is in no file may belong to either
        class: where it was in some, neither of their files may be empty, else not both. Raises: ImplausibleEmptyError.
        """
        was_passenger, was_class = (
            dig(company.document, f"fmcsaData.csa.{name}") for name in ("passengerCarrier", "carrierClass")
        )
        for file, read in reads.items():
            dataset = file.dataset.id
            was_there = dataset in PASSENGER_DATASETS and was_passenger is True and was_class == CARRIER_CLASSES[dataset]
            may_be_there = dataset not in PASSENGER_DATASETS and not found and company.stored_rows(self.name) > 0
            if dataset not in found and (was_there or may_be_there):
                await file.confirm_empty(read, strictly=company.stored_rows(self.name) > 0)
        if not found and not company.stored_rows(self.name):
            of_all_carriers = [item for item in reads.items() if item[0].dataset.id not in PASSENGER_DATASETS]
            if all([await file.has_no_rows(read) for file, read in of_all_carriers]):
                raise ImplausibleEmptyError("the SMS result files have no rows at all upstream")

    async def complete(self, company: Company, report: SourceReport) -> SourceReport:
        """Add QCMobile's part, at the company's turn. Where it fails, the files' part stands and the source is to be retried."""
        if self._qcmobile is None:
            return report
        try:
            carrier = await self._qcmobile.carrier(company.usdot)
            if carrier is None and company.stored_rows(self.name) and dig(company.document, "fmcsaData.csa.carrier"):
                raise ImplausibleEmptyError("QCMobile no longer knows the carrier, whose record is stored; it is kept")
            basics = await self._qcmobile.basics(company.usdot) if carrier is not None else []
            return with_qcmobile(report, parse_qc_basics(basics), parse_carrier(carrier) if carrier is not None else None)
        except SourceError as error:
            return replace(report, incomplete=error)

    def _report(self, found: Mapping[str, Content], as_of: datetime | None) -> SourceReport:
        return SourceReport(
            fields=csa_fields(found),
            stamps={"smsBasics.lastUpdated": bson_time(self._now()), "fmcsaData.csa.dataAsOf": as_of},
            outcome=Outcome.CHANGED if found else Outcome.NOT_FOUND,
            data_as_of=as_of,
            rows=len(found),
            message=None if found else "not in the SMS result files",
        )
