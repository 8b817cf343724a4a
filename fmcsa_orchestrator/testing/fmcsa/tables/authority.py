"""Motus's files of authority: most are active; with each change one is revoked by an order, or reinstated."""

from datetime import date, timedelta
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.tables.motus import Licence, compact, day_of_change, licence_of
from fmcsa_orchestrator.testing.fmcsa.tables.table import Table

_STATUSES = ("Active",) * 7 + ("Inactive", "Pending", "Withdrawn")
_ADDRESS = ("street_po", "colonia", "city", "state_code", "ctry_code", "zip_code")
_NOTICE = "INVOLUNTARY SUSPENSION NOTICE"


def _first_status(carrier: Carrier, seed: int) -> str:
    return Random(f"{seed}:{carrier.usdot}:status").choice(_STATUSES)


def _status(first: str, version: int) -> str:
    """After so many changes: revoked, reinstated, revoked and so on."""
    return ("Active" if version % 2 == 0 else "Inactive") if version else first


def _is_in(licence: Licence, version: int) -> bool:
    return licence.in_motus or version > 0


def make_authorities(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """One row; two of one docket and kind for a carrier of two trade names, a second kind for some."""
    licence = licence_of(carrier, seed)
    if not _is_in(licence, version):
        return []
    rng = Random(f"{seed}:{carrier.usdot}:authorities")
    row = {
        **licence.head(carrier.usdot),
        "op_auth_type": licence.kind,
        "op_auth_status": _status(_first_status(carrier, seed), version),
        "min_cov_amount": f"{licence.required}.000000000000000000",
        "cargo_req": "Y" if licence.household_goods else "N",
        "bond_req": "Y" if licence.broker else "N",
        "bipd_file": f"{sum(licence.filed)}.000000000000000000",
        "cargo_file": "Y" if licence.household_goods else "N",
        "bond_file": "Y" if licence.broker else "N",
        "bus_undeliverable_mail": "Y" if rng.random() < 0.95 else "N",
        "mail_undeliverable_mail": "Y",
        "legal_name": carrier.name.upper(),
    }
    place = ("1200 COUNTY ROAD 9", None, "SPRINGFIELD", rng.choice(("IL", "OH", "TX")), "US", "99999-0001")
    for which in ("bus", "mail"):
        row |= {f"{which}_{part}": text for part, text in zip(_ADDRESS, place, strict=True) if text}
    chance = rng.random()
    if chance < 0.1:
        return [{**row, "dba_name": name} for name in ("BLUE LINE", "BLUE LINE EXPRESS")]
    if chance < 0.2 and not licence.broker:
        nothing = {"min_cov_amount": "0.000000000000000000", "bipd_file": "0.000000000000000000"}
        return [row, {**row, **nothing, "op_auth_type": "Broker of Property", "op_auth_status": "Pending", "bond_req": "Y"}]
    return [row]


def make_history(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """A change for each, after the initial one."""
    licence = licence_of(carrier, seed)
    if not _is_in(licence, version):
        return []
    head = {**licence.head(carrier.usdot), "op_auth_type": licence.kind}
    first = _first_status(carrier, seed)
    rows = [{**head, "op_auth_status": first, "reason": "Initial Status", "status_change_date": compact(licence.since)}]
    for number in range(1, version + 1):
        status = _status(first, number)
        reason = "REINSTATED" if status == "Active" else "REVOKED"
        day = compact(day_of_change(number))
        rows.append({**head, "op_auth_status": status, "reason": reason, "status_change_date": day})
    return rows


def make_authority_orders(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """One for each time that the authority is revoked; for some a notice of old, or of what is to come, or without days.

    Half of the dockets have a hyphen.
    """
    licence = licence_of(carrier, seed)
    rng = Random(f"{seed}:{carrier.usdot}:orders of authority")
    docket = licence.docket.replace("MC", "MC-") if rng.random() < 0.5 else licence.docket
    days = [day_of_change(number) for number in range(1, version + 1, 2)]
    if licence.in_motus and rng.random() < 0.15:
        days.insert(0, licence.since + timedelta(days=90))
    head = {**licence.head(carrier.usdot), "docket_number": docket, "op_auth_type": licence.kind, "order1_type_desc": _NOTICE}
    undated = [head] if licence.in_motus and rng.random() < 0.02 else []
    if licence.in_motus and rng.random() < 0.05:
        days.append(date(2027, 1, 15))
    served = timedelta(days=30)
    return [
        *({**head, "order1_serve_date": compact(day - served), "order1_effective_date": compact(day)} for day in days),
        *undated,
    ]


TABLES = (
    Table(
        "inys-ebih",
        "Motus Carrier - All With History",
        (
            *"docket_number usdot_number rfc_number op_auth_type op_auth_status min_cov_amount cargo_req bond_req".split(),
            *"bipd_file cargo_file bond_file bus_undeliverable_mail mail_undeliverable_mail dba_name legal_name".split(),
            *(f"bus_{part}" for part in (*_ADDRESS, "telno")),
            *(f"mail_{part}" for part in _ADDRESS),
        ),
        make_authorities,
        numbers=frozenset({"min_cov_amount", "bipd_file"}),
        key="usdot_number",
    ),
    Table(
        "yu5v-wbh6",
        "Motus AuthHist - All With History",
        ("docket_number", "usdot_number", "op_auth_type", "op_auth_status", "reason", "status_change_date"),
        make_history,
        key="usdot_number",
    ),
    Table(
        "wb4f-neki",
        "Motus Revocation - All With History",
        (
            *("docket_number", "usdot_number", "op_auth_type"),
            *("order1_serve_date", "order1_type_desc", "order1_effective_date"),
        ),
        make_authority_orders,
        key="usdot_number",
    ),
)
