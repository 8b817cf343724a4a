"""Crashes: every vehicle of a carrier in a reported crash, by MCMIS (daily) and SMS (monthly), and their counts by crash.

Facts: about a fifth of all crash records name no USDOT number: a carrier's counts are a floor. None tells whose fault it was.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest
from math import ceil
from typing import Any

from fmcsa_orchestrator.clients.soda import SodaClient
from fmcsa_orchestrator.model.carrier_events import CarrierEvent, RowChange
from fmcsa_orchestrator.model.company import Document
from fmcsa_orchestrator.sources.changes.crashes import crash_events, crash_of_row
from fmcsa_orchestrator.sources.crash_rows import (
    MCMIS,
    OF_MCMIS,
    OF_SMS,
    SHARED,
    SMS,
    STATUSES,
    crash_of,
    day_of_crash,
    order_of,
    parse_mcmis,
    parse_sms,
    vehicle_of,
)
from fmcsa_orchestrator.sources.sms.dates import two_years_after
from fmcsa_orchestrator.sources.soda.columns import Content
from fmcsa_orchestrator.sources.soda.file import SodaFile
from fmcsa_orchestrator.sources.soda.kept_rows import KeptRows, slices
from fmcsa_orchestrator.sources.soda.row_documents import documents_of
from fmcsa_orchestrator.sources.soda.source import Found, RowSource

JOINED_AT_ONCE = 5_000  # rows of SMS that are held while their other halves are looked for: with these some 15 MB
CONFIRMED = STATUSES["C"]
NOT_COUNTED = (*sorted(STATUSES[code] for code in STATUSES if code != "C"), "unknown")
SEVERITIES = ("fatal", "injury", "towAway", "other")  # a crash is counted under the first that fits


def severity_of(fatalities: int | None, injuries: int | None, tow_away: object) -> str:
    """FMCSA's classes, each of which excludes those before it; "other" is not recordable by any of them."""
    if fatalities:
        return "fatal"
    if injuries:
        return "injury"
    return "towAway" if tow_away is True else "other"


async def joined(mcmis: Sequence[Content], sms: Sequence[Content], *, at_once: int = JOINED_AT_ONCE) -> KeptRows:
    """Each vehicle once, with what either file has of it. No more than so many rows of SMS are held unpacked at a time."""
    found = KeptRows()
    turns = ceil(len(sms) / at_once) or 1
    for turn in range(turns):
        halves: dict[str, tuple[list[Content], list[Content]]] = {}
        async for part in slices(sms):
            for key, row in _of_turn(part, turn, turns):
                halves.setdefault(key, ([], []))[1].append(row)
        async for part in slices(mcmis):
            for key, row in _of_turn(part, turn, turns):
                if key in halves:
                    halves[key][0].append(row)
                else:
                    found.append(_whole(row, None))
        async for groups in slices(halves.values()):
            for first, second in groups:
                for pair in _pairs(first, second):
                    found.append(_whole(*pair))
    return found


def _of_turn(rows: Iterable[Content], turn: int, turns: int) -> Iterator[tuple[str, Content]]:
    return ((key, row) for row in rows if hash(key := vehicle_of(row)) % turns == turn)


def _pairs(mcmis: list[Content], sms: list[Content]) -> Iterator[tuple[Content | None, Content | None]]:
    """Those of one vehicle: nearly always one of each. Of several, those of one day; then the newest, as all of SMS are."""
    of_day: defaultdict[datetime | None, list[Content]] = defaultdict(list)
    for row in sorted(mcmis, key=_age):
        of_day[day_of_crash(row)].append(row)
    alone: list[Content] = []
    for row in sorted(sms, key=_age):
        if others := of_day.get(day_of_crash(row)):
            yield others.pop(), row
        else:
            alone.append(row)
    rest = [row for rows in of_day.values() for row in rows]
    yield from zip_longest(sorted(rest, key=_age, reverse=True), reversed(alone))


def _age(row: Content) -> tuple[str, str]:
    return str(day_of_crash(row) or ""), order_of(row)


def _whole(mcmis: Content | None, sms: Content | None) -> Content:
    """One document's content. MCMIS is the newer of the two: SMS fills in only what that leaves empty."""
    row = dict(mcmis or dict.fromkeys(OF_MCMIS))
    if sms is not None:
        row |= {name: sms[name] for name in SHARED if row[name] is None}
    return {
        **row,
        "severity": severity_of(row["fatalities"], row["injuries"], row["towAway"]),
        "inMcmis": mcmis is not None,
        "sms": None if sms is None else {name: sms[name] for name in OF_SMS},
    }


@dataclass(slots=True)
class _Crash:
    """What the vehicles of one crash say of it: each repeats its fatalities and injuries."""

    day: datetime | None = None
    fatalities: int = 0
    injuries: int = 0
    tow_away: bool = False
    hazmat_released: bool = False
    federal_recordable: bool = False
    in_mcmis: bool = False
    status: str | None = None
    sms_vehicles: int = 0
    not_preventable: bool = False
    weight: int = 0  # severity by time weight, as SMS adds it up
    is_weighed: bool = True

    def add(self, vehicle: Content) -> None:
        """One more of its vehicles."""
        self.day = max(filter(None, (self.day, day_of_crash(vehicle))), default=None)
        self.fatalities = max(self.fatalities, vehicle["fatalities"] or 0)
        self.injuries = max(self.injuries, vehicle["injuries"] or 0)
        self.tow_away |= vehicle["towAway"] is True
        self.hazmat_released |= vehicle["hazmatReleased"] is True
        self.federal_recordable |= vehicle["federalRecordable"] is True
        self.in_mcmis |= vehicle["inMcmis"]
        status = vehicle["matchStatus"]
        if status is not None and self.status != CONFIRMED:
            self.status = status if status == CONFIRMED else min(status, self.status or status)
        if (sms := vehicle["sms"]) is not None:
            self.sms_vehicles += 1
            self.not_preventable |= sms["notPreventable"] is True
            weights = sms["severityWeight"], sms["timeWeight"]
            if None in weights:
                self.is_weighed = False
            else:
                self.weight = max(self.weight, weights[0] * weights[1])

    @property
    def is_confirmed(self) -> bool:
        """Whether FMCSA holds it to be this carrier's: as MCMIS says; where that says nothing, SMS counts it, or does not."""
        return self.status == CONFIRMED or (self.status is None and self.sms_vehicles > 0)

    def is_within_24_months(self, as_of: datetime) -> bool:
        """Whether it happened in the 24 months before."""
        return self.day is not None and self.day <= as_of < two_years_after(self.day)


async def summarize_crashes(rows: Sequence[Content], as_of: datetime | None) -> dict[str, Any]:
    """`fmcsaData.crashes`, of joined rows: confirmed crashes, all and of the 24 months before `as_of`; what SMS has; the rest.

    A zero is a fact: both files were read to the end. `last24Months` is None where the files do not say of when they are.
    """
    crashes: defaultdict[str, _Crash] = defaultdict(_Crash)
    async for part in slices(rows):
        for row in part:
            crashes[crash_of(row)].add(row)
    every, recent, rest = Counter(_counts([])), Counter(_counts([])), Counter[str]()
    in_sms: list[_Crash] = []
    latest: datetime | None = None
    async for group in slices(crashes.values()):
        confirmed = [crash for crash in group if crash.is_confirmed]
        every.update(_counts(confirmed))
        if as_of is not None:
            recent.update(_counts([crash for crash in confirmed if crash.is_within_24_months(as_of)]))
        rest.update([crash.status if crash.status in NOT_COUNTED else "unknown" for crash in group if not crash.is_confirmed])
        in_sms += [crash for crash in group if crash.sms_vehicles]
        latest = _latest(confirmed, latest)
    return {
        **every,
        "latest": latest,
        "last24Months": None if as_of is None else dict(recent),
        "sms": _sms(in_sms),
        "onlyInSms": sum(not crash.in_mcmis for crash in in_sms),
        "notCounted": {status: rest[status] for status in NOT_COUNTED},
    }


def _counts(crashes: Sequence[_Crash]) -> dict[str, int]:
    severities = Counter(severity_of(crash.fatalities, crash.injuries, crash.tow_away) for crash in crashes)
    return {
        "total": len(crashes),
        **{severity: severities[severity] for severity in SEVERITIES},
        "fatalities": sum(crash.fatalities for crash in crashes),
        "injuries": sum(crash.injuries for crash in crashes),
        "hazmatReleased": sum(crash.hazmat_released for crash in crashes),
        "federalRecordable": sum(crash.federal_recordable for crash in crashes),
    }


def _sms(crashes: Sequence[_Crash]) -> dict[str, Any]:
    """What SMS has; and what its Crash Indicator adds up, each crash taken once: severity by time weight of the preventable."""
    preventable = [crash for crash in crashes if not crash.not_preventable]
    return {
        "total": len(crashes),
        "vehicles": sum(crash.sms_vehicles for crash in crashes),
        "notPreventable": len(crashes) - len(preventable),
        "weightedTotal": sum(crash.weight for crash in preventable) if all(crash.is_weighed for crash in preventable) else None,
        "latest": _latest(crashes),
    }


def _latest(crashes: Iterable[_Crash], known: datetime | None = None) -> datetime | None:
    return max(filter(None, (known, *(crash.day for crash in crashes))), default=None)


def _dropped_on(row: Content) -> datetime | None:
    day = day_of_crash(row)
    return None if row["inMcmis"] or day is None else two_years_after(day)


class CrashesSource(RowSource):
    """Crashes of one carrier.

    Upstream: Crash File of MCMIS, dataset aayw-vxb3, replaced daily, since about 1990; SMS Input - Crash, dataset 4wxs-vbns,
    replaced monthly, of 24 months. Both are read when either has changed.

    Shape: one document per crash and vehicle in `collection`, whichever file has it; counts by crash in `fmcsaData.crashes`.

    Raises:
        SourceError: when a file cannot be read, or is implausibly empty.
    """

    name = "crashes"
    owns = ("fmcsaData.crashes",)
    collection = "fmcsaCrashes"
    registry = "crashes"  # MCMIS keeps what carriers leave behind that are gone from SMS: these two files by themselves
    revision = 1  # raise it when the parsing changes: every company is then due again

    def __init__(self, soda: SodaClient, *, batch_size: int = 200) -> None:
        super().__init__(soda, [SodaFile(soda, MCMIS, parse_mcmis), SodaFile(soda, SMS, parse_sms)], batch_size)

    async def prepared(self, found: Found) -> Found:
        """Its vehicles, each once."""
        return replace(found, rows=[await joined(*found.rows)])

    async def documents(self, found: Found) -> Sequence[Document]:
        """One per vehicle; its id is state, report number and sequence, which both files have from the beginning.

        SMS drops what only it has when the 24 months are over.
        """
        return await documents_of(found.rows[0], vehicle_of, until=_dropped_on, order_of=order_of)

    async def summarize(self, found: Found) -> dict[str, Any]:
        """Its counts."""
        return await summarize_crashes(found.rows[0], found.as_of)

    def row_group(self, key: str) -> str:
        """The vehicles of one crash."""
        return crash_of_row(key)

    def row_events(self, change: RowChange) -> Iterable[CarrierEvent]:
        """As `sources/changes` has it."""
        return crash_events(change)
