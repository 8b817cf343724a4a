"""Who a carrier is and what it may do: registration, crashes, orders, authority, insurance, each as facts in words. Pure.

Page, panel and terminal show these words as they are. Reads the company document as any host app may have left it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fmcsa_orchestrator.model.documents import as_number, as_object, as_time, dig
from fmcsa_orchestrator.model.results import FAILURES
from fmcsa_orchestrator.report.freshness import SourceView
from fmcsa_orchestrator.report.values import as_count, as_flag, as_text
from fmcsa_orchestrator.report.wording import counted, day, dollars, in_one_line, spaced, tally

_LISTED = 20  # entries of any list: as many as the sources keep


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what is to be said of it; `concern` says it in a few words where somebody should look at it, else None."""

    label: str
    text: str
    concern: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What one source says of the carrier.

    as_of:  the day of upstream's files.
    absent: why there are no facts: switched off, not read yet, not in the census, not published. None where there are.
    held:   why the facts are not of the last attempt, or None.
    """

    source: str
    title: str
    as_of: datetime | None
    absent: str | None
    held: str | None
    facts: tuple[Fact, ...]


def carrier_sections(document: Mapping[str, Any], sources: Iterable[SourceView]) -> tuple[Section, ...]:
    """A section per source, whether it is among these, which are in use, or not."""
    used = {source.name: source for source in sources}
    return tuple(_section(kind, document, used.get(name)) for name, kind in _KINDS.items())


def absences(sections: Iterable[Section]) -> list[str]:
    """Why some say nothing, with all of which that is so: "Crashes, Insurance: not read yet"."""
    titles: dict[str, list[str]] = {}
    for section in sections:
        if section.absent is not None:
            titles.setdefault(section.absent, []).append(section.title)
    return [f"{in_one_line(found)}: {absent}" for absent, found in titles.items()]


def _section(kind: "_Kind", document: Mapping[str, Any], source: SourceView | None) -> Section:
    found = dig(document, f"fmcsaData.{kind.field}")
    absent = _absent(found, source, kind.nothing)
    held = None
    if absent is None and source is not None and source.outcome in FAILURES:
        held = f"held from before; the last attempt: {source.outcome}"
    facts = tuple(kind.facts(found)) if absent is None else ()
    return Section(kind.source, kind.title, source.data_as_of if source else None, absent, held, facts)


def _absent(found: Any, source: SourceView | None, nothing: str) -> str | None:
    if isinstance(found, dict) and found.get("records") != 0:
        return None
    if source is None:
        return "switched off"
    if source.outcome is None:
        return "not read yet"
    if source.outcome in FAILURES:
        return f"not known: {source.outcome}, and nothing is held from before"
    return f"{nothing}: {source.message}" if source.message else nothing


def _registration(found: Mapping[str, Any]) -> Iterator[Fact]:
    name, dba = (as_text(found.get(key), 200) for key in ("legalName", "dbaName"))
    yield Fact("name", (name or "none given") + (f", doing business as {dba}" if dba else ""))
    status = as_text(found.get("status"), 40)
    yield Fact("USDOT number", status or "status not given", "USDOT number inactive" if status == "inactive" else None)
    hazmat = {True: "hazardous materials", False: "no hazardous materials", None: None}[as_flag(found.get("hazmat"))]
    kinds = [as_text(found.get("carrierOperation"), 40) or "not given", *_texts(found.get("entityTypes"))]
    yield Fact("operation", in_one_line([*map(spaced, kinds), hazmat]))
    units, drivers = as_count(dig(found, "fleet.powerUnits")), as_count(dig(found, "drivers.total"))
    yield Fact("fleet", f"{counted(units, 'power unit')}, {counted(drivers, 'driver')}; by the carrier's own word")
    mcs150 = as_object(found.get("mcs150"))
    miles, year = as_count(mcs150.get("mileage")), as_count(mcs150.get("mileageYear"))
    driven = f"; {counted(miles, 'mile')} in {year}" if miles and year else ""
    yield Fact("MCS-150", f"filed {day(as_time(mcs150.get('filedOn')))}{driven}")
    rating, rated_on = as_text(dig(found, "safetyRating.rating"), 40) or "none", as_time(dig(found, "safetyRating.ratedOn"))
    words = "none on record" if rating == "none" else f"{rating}, {day(rated_on)}"
    yield Fact("safety rating", words, f"rated {rating}" if rating in {"conditional", "unsatisfactory"} else None)
    for note in ("doubtful", "unreadable"):
        if fields := [name for entry in _entries(found.get(note)) if (name := as_text(entry.get("field"), 60))]:
            yield Fact(note, in_one_line(fields))


def _crashes(found: Mapping[str, Any]) -> Iterator[Fact]:
    recent, sms = (as_object(found.get(key)) for key in ("last24Months", "sms"))
    yield Fact("24 months", _of_crashes(recent) if recent else "not known: the files do not say of when they are")
    latest = as_time(found.get("latest"))
    yield Fact("all on record", _of_crashes(found) + (f"; the latest on {day(latest)}" if latest else ""))
    if total := as_count(sms.get("total")):
        yield Fact("in SMS", f"{total:,}, of which {as_count(sms.get('notPreventable')) or 0:,} not preventable")
    if rest := _counts(found.get("notCounted")):
        yield Fact("not counted", f"{tally(rest)}: not surely this carrier's")


def _of_crashes(counts: Mapping[str, Any]) -> str:
    total = as_count(counts.get("total"))
    if not total:
        return "not known" if total is None else "none on record"
    kinds = {"fatal": "fatal", "injury": "with injuries", "towAway": "tow-away", "other": "other"}
    return f"{total:,}: {tally({word: number for kind, word in kinds.items() if (number := as_count(counts.get(kind)))})}"


def _orders(found: Mapping[str, Any]) -> Iterator[Fact]:
    in_force = as_count(found.get("inForce"))
    if not in_force:
        yield Fact("in force", "not known" if in_force is None else "none" if as_count(found.get("total")) else "none on record")
    for order in _entries(found.get("orders")):
        reason = as_text(order.get("reason"), 200) or "no reason given"
        yield Fact("in force", f"since {day(as_time(order.get('orderedOn')))}: {reason}", "out-of-service order in force")
    others = {state: number for state in ("rescinded", "scheduled", "unreadable") if (number := as_count(found.get(state)))}
    if others:
        yield Fact("others", tally(others), "out-of-service order scheduled" if "scheduled" in others else None)


def _authority(found: Mapping[str, Any]) -> Iterator[Fact]:
    for entry in _entries(found.get("authorities")):
        yield Fact(_docket(entry, "kind"), *_of_authority(entry))
    for order in _entries(found.get("openOrders")):
        state = as_text(order.get("state"), 40) or "not known"
        words = as_text(order.get("description"), 200) or "no description"
        served = as_time(order.get("effectiveOn")) or as_time(order.get("servedOn"))
        yield Fact(f"order, {_docket(order, 'kind')}", f"{state}, {day(served)}: {words}", f"authority: order {state}")


def _of_authority(entry: Mapping[str, Any]) -> tuple[str, str | None]:
    """What it is, and what is missing of it where it is active."""
    state = as_text(entry.get("state"), 40)
    required, on_file = as_number(entry.get("bipdRequired")), as_number(entry.get("bipdOnFile"))
    lacks = ["liability insurance"] if required and on_file is not None and on_file < required else []
    lacks += [
        word
        for kind, word in (("cargo", "cargo insurance"), ("bond", "bond"))
        if entry.get(f"{kind}Required") is True and entry.get(f"{kind}OnFile") is False
    ]
    change = as_object(entry.get("lastChange"))
    words = [state or "state not known: in the history only"]
    words += [f"liability {dollars(on_file)} on file, {dollars(required)} required"] if required else []
    words += [f"not on file: {in_one_line(lacks)}"] if lacks else []
    words += [f"changed {day(as_time(change.get('changedOn')))}: {as_text(change.get('status'), 60) or '-'}"] if change else []
    return "; ".join(words), f"not on file: {in_one_line(lacks)}" if lacks and state == "active" else None


def _insurance(found: Mapping[str, Any]) -> Iterator[Fact]:
    in_force = as_count(found.get("inForce"))
    if not in_force:
        words = "not known: only ended filings are there" if in_force is None else "none in Motus; no proof that it is uninsured"
        yield Fact("in force", words, None if in_force is None else "no insurance in force in Motus")
    for entry in _entries(found.get("coverage")):
        amount, ends = as_number(entry.get("amount")), as_time(entry.get("cancelledAsOf"))
        said = [in_one_line([dollars(amount, "amount not known"), *_texts(entry.get("insurers"))])]
        said += [f"since {day(as_time(entry.get('effectiveSince')))}"] + ([f"ends {day(ends)}"] if ends else [])
        label = _docket(entry, "type").replace("bipd", "BIPD")
        yield Fact(label, "; ".join(said), f"insurance of {label} ends {day(ends)}" if ends else None)
    if scheduled := as_count(found.get("scheduled")):
        yield Fact("scheduled", f"{scheduled:,}")
    if ended := as_count(found.get("ended")):
        cancelled = as_time(found.get("lastCancelledAsOf"))
        last = f"; the last cancelled as of {day(cancelled)}" if cancelled else ""
        yield Fact("ended", f"{ended:,}: {tally(_counts(found.get('endedBy')))}{last}")


def _roadside(found: Mapping[str, Any]) -> Iterator[Fact]:
    total = as_count(found.get("total"))
    latest = f"; the latest on {day(as_time(found.get('latest')))}" if total else ""
    yield Fact("inspections", f"{counted(total, 'inspection', none='not known')}{latest}" if total != 0 else "none on record")
    kinds = {kind: number for kind in ("driver", "vehicle", "hazmat") if (number := as_count(found.get(f"{kind}Oos")))}
    yield Fact("out of service", tally(kinds))
    if awaited := as_count(found.get("awaitingDetails")):
        yield Fact("awaiting details", f"{awaited:,}")


@dataclass(frozen=True, slots=True)
class _Kind:
    source: str
    field: str
    title: str
    facts: Callable[[Mapping[str, Any]], Iterator[Fact]]
    nothing: str = "nothing on record"


_KINDS = {
    kind.source: kind
    for kind in (
        _Kind("registration", "registration", "Registration", _registration, "not in the census"),
        _Kind("crashes", "crashes", "Crashes", _crashes),
        _Kind("out_of_service_orders", "outOfServiceOrders", "Out-of-service orders", _orders),
        _Kind("authority", "authority", "Operating authority", _authority, "not published"),
        _Kind("insurance", "insurance", "Insurance", _insurance, "not published"),
        _Kind("roadside", "roadside", "Roadside", _roadside),
    )
}


def _docket(entry: Mapping[str, Any], kind: str) -> str:
    return f"{as_text(entry.get('docket'), 40) or 'no docket'} {spaced(as_text(entry.get(kind), 60) or 'unknown')}"


def _entries(found: Any) -> Sequence[Mapping[str, Any]]:
    return [as_object(entry) for entry in found[:_LISTED]] if isinstance(found, list) else []


def _texts(found: Any) -> list[str]:
    return [text for entry in found[:_LISTED] if (text := as_text(entry, 100))] if isinstance(found, list) else []


def _counts(found: Any) -> dict[str, int]:
    """Those that are not zero, by name."""
    return {spaced(as_text(name, 60) or "-"): number for name, count in as_object(found).items() if (number := as_count(count))}
