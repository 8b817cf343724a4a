"""Registration: who a carrier is by FMCSA's company census: name, status, addresses, fleet, operation, MCS-150, safety rating.

Facts: one row per USDOT number, as far as is known. Left out are those that are shippers only, and holders of a hazardous
materials safety permit; so whoever is not in it may exist all the same.
"""

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.clients.soda_schema import Dataset, Key
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, FieldChange
from fmcsa_orchestrator.model.documents import content_hash
from fmcsa_orchestrator.model.results import Outcome
from fmcsa_orchestrator.model.rules import AlertRules
from fmcsa_orchestrator.sources.census import COUNT_COLUMNS, parse_census, record_of, withhold
from fmcsa_orchestrator.sources.changes.registration import registration_events
from fmcsa_orchestrator.sources.soda.columns import Content
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

DATASET = Dataset(
    "az4n-8mr2",
    "Company Census File",
    parse_census.columns,
    COUNT_COLUMNS,
    one_row=True,
    key=Key("dot_number", "number"),
    others=frozenset(
        "phy_omc_region safety_inv_terr business_org_id mcs151_mileage total_cars mcs150_update_code_id review_id "
        "mail_nationality_indicator phy_nationality_indicator pointnum mcsipstep mcsipdate".split()
    ),
)
MOST_OTHERS = 5  # records of one carrier that are kept beside the first: a bound for the document
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def _precedence(row: Content) -> tuple[bool, datetime, str]:
    """Of several records the active one counts most, then the one that was filed last."""
    filed = row["mcs150_date"]
    return row["status_code"] == "A", filed if isinstance(filed, datetime) else _LONG_AGO, content_hash(row)


class RegistrationSource(RowSource):
    """The record of one carrier in the company census.

    Upstream: Company Census File, dataset az4n-8mr2, replaced daily.

    Shape: `fmcsaData.registration`, without documents. Dates are days, counts are the carrier's own words. Without
    `personal_fields` phones, e-mail, officers, and streets of whoever is no corporation are not stored; `withheld` names them.
    Of a carrier that is in the file no more the last record stays, with `absentSince`, the date of the file.

    Raises:
        SourceError: when the file cannot be read, or is implausibly empty.
    """

    name = "registration"
    owns = ("fmcsaData.registration",)
    collection = None
    revision = 1  # raise it when the parsing changes: every company is then due again
    nothing = Outcome.NOT_FOUND
    nothing_text = (
        "not in the company census; that is no proof that there is no such carrier, since shippers only and holders of a "
        "hazardous materials safety permit are left out of it"
    )

    def __init__(self, soda: SodaClient, *, personal_fields: bool = True, batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, DATASET, parse_census)], batch_size)
        self.mark = "" if personal_fields else "-impersonal"  # so that all are read anew when the setting changes
        self._personal_fields = personal_fields

    async def documents(self, found: Found) -> None:
        """It keeps none."""

    async def summarize(self, found: Found) -> dict[str, Any]:
        """The record, how many there are, and the others where one is not all; where there is none, the last that there was."""
        rows = sorted(found.rows[0], key=_precedence, reverse=True)
        records = [record_of(row, found.as_of, personal=self._personal_fields) for row in rows[: 1 + MOST_OTHERS]]
        if not rows and "legalName" in found.stored:
            return self._last_known(found)
        return {"records": len(rows), **(records[0] if records else {}), "otherRecords": records[1:], "absentSince": None}

    def _last_known(self, found: Found) -> dict[str, Any]:
        """What is stored, as it was when the carrier was last in the file."""
        record: dict[str, Any] = deepcopy(dict(found.stored))
        if not self._personal_fields:
            for each in (record, *record["otherRecords"]):
                withhold(each)
        return {**record, "records": 0, "absentSince": record.get("absentSince") or found.as_of}

    def field_events(self, change: FieldChange, rules: AlertRules) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return registration_events(change, rules)
