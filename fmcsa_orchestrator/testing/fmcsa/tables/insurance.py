"""Motus's files of insurance: what is filed, with what has ended and with each transaction, and apart from it what has ended.

With each change of one file or the other the first layer is cancelled, or filed anew with another number.
"""

from datetime import date, timedelta
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.tables.motus import Licence, compact, day_of_change, licence_of
from fmcsa_orchestrator.testing.fmcsa.tables.table import Table

_INSURERS = ("Prairie Mutual Insurance Company", "Harbor Casualty Co.", "Ironwood Indemnity Company")


def _filing(licence: Licence, usdot: int, code: str, number: str, since: date) -> Row:
    """A row of a form with its type and class, as "BMC-91X 1 P"; cargo and bonds have no class."""
    form, type_, *class_ = code.split()
    rng = Random(f"{usdot}:{number}")
    return {
        **licence.head(usdot),
        "ins_form_code": form,
        "ins_type_code": type_,
        **({"ins_class_code": class_[0]} if class_ else {}),
        "max_cov_amount": {"1": "750000.00", "2": "5000.00", "3": "75000.00", "4": "75000.00"}[type_],
        "underl_lim_amount": "0.00",
        "policy_no": number,
        "effective_date": compact(since),
        "insurance_company_name": rng.choice(_INSURERS),
    }


def _first_layer(licence: Licence, usdot: int, term: int) -> Row:
    """The policy of the first dollar, by the number of times that it was filed anew; -1 is the one before."""
    since = licence.since if term <= 0 else day_of_change(2 * term)
    since -= timedelta(days=365 * (term < 0))
    row = _filing(licence, usdot, "BMC-91X 1 P", f"TRK {usdot % 10_000:04d}-{term + 10:02d}", since)
    return {**row, "max_cov_amount": f"{licence.filed[0]}.00"}


def _others(licence: Licence, usdot: int) -> list[Row]:
    """What is filed beside the first layer."""
    rows = []
    if licence.filed[1]:
        row = _filing(licence, usdot, "BMC-91X 1 E", f"XS {usdot % 10_000:04d}", licence.since)
        rows.append({**row, "max_cov_amount": f"{licence.filed[1]}.00", "underl_lim_amount": f"{licence.filed[0]}.00"})
    if Random(f"{usdot}:years ahead").random() < 0.03:  # by mistake, as some upstream are
        rows.append(_filing(licence, usdot, "BMC-34 2 P", f"NXT {usdot % 10_000:04d}", date(2032, 8, 10)))
    if licence.household_goods:
        rows.append(_filing(licence, usdot, "BMC-34 2 P", f"CGO {usdot % 10_000:04d}", licence.since))
    if licence.broker:
        form = Random(f"{usdot}:bond").choice(("BMC-84 3", "BMC-85 4"))
        rows.append(_filing(licence, usdot, form, f"{form[4:6]}-{usdot % 10_000:04d}", licence.since))
    return rows


def make_filed(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """All that was ever filed; some policies twice, one transaction after the other."""
    licence = licence_of(carrier, seed)
    if not (licence.in_motus or version):
        return []
    rows = _others(licence, carrier.usdot)
    if not licence.broker:
        rows += [_first_layer(licence, carrier.usdot, term) for term in range(-1, version // 2 + 1)]
    filed = []
    for row in rows:
        rng = Random(f"{carrier.usdot}:{row['policy_no']}:transactions")
        effective = date.fromisoformat(row["effective_date"])
        days = (-20, -2) if rng.random() < 0.2 else (-rng.randrange(1, 20),)
        filed += [{**row, "trans_date": compact(effective + timedelta(days=number))} for number in days]
    return filed


def make_ended(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """The policy before the first, twice for some; one that was cancelled for every other change."""
    licence = licence_of(carrier, seed)
    if licence.broker or not (licence.in_motus or version):
        return []
    rng = Random(f"{seed}:{carrier.usdot}:ended")
    reason = "NAMECHG" if rng.random() < 0.1 else "TERM/REPL"
    before = _ended(_first_layer(licence, carrier.usdot, -1), licence, reason, licence.since)
    rows = [before] * (1 + (rng.random() < 0.2))
    if rng.random() < 0.1:  # nearly the same
        rows.append({**before, "insurance_company_name": before["insurance_company_name"].upper()})
    if rng.random() < 0.1:
        old = _filing(licence, carrier.usdot, "BMC-91 1 P", "OLD-77", licence.since - timedelta(days=4_000))
        rows.append(_ended(old, licence, "CANCEL", None))
    if licence.filed[1] and rng.random() < 0.1:  # one of the few ends that are known before
        rows.append(_ended(_others(licence, carrier.usdot)[0], licence, "CANCEL", date(2026, 12, 31)))
    for number in range(1, version + 1, 2):
        policy = _first_layer(licence, carrier.usdot, number // 2)
        rows.append(_ended(policy, licence, "CANCEL", day_of_change(number)))
    return rows


def _ended(row: Row, licence: Licence, reason: str, day: date | None) -> Row:
    """A row of the other file: the policy's number without blanks and hyphens."""
    end = {} if day is None else {"cancl_effective_date": compact(day)}
    number = row["policy_no"].replace(" ", "").replace("-", "")
    required = {"ins_type_desc": "BIPD/Primary", "min_cov_amount": f"{licence.required}.00"}
    return {**row, **required, "policy_no": number, "filing_status_reason": reason, **end}


TABLES = (
    Table(
        "c5y8-a4uz",
        "Motus Insur - All With History",
        (
            *"docket_number usdot_number ins_form_code ins_type_code ins_class_code max_cov_amount underl_lim_amount".split(),
            *"policy_no effective_date insurance_company_name trans_date".split(),
        ),
        make_filed,
        numbers=frozenset({"max_cov_amount", "underl_lim_amount"}),
        key="usdot_number",
    ),
    Table(
        "3uet-3z4i",
        "Motus InsHist - All With History",
        (
            *"docket_number usdot_number ins_form_code filing_status_reason ins_type_code ins_type_ind policy_no".split(),
            *"ins_type_desc min_cov_amount ins_class_code effective_date underl_lim_amount max_cov_amount".split(),
            *"cancl_effective_date insurance_company_name".split(),
        ),
        make_ended,
        numbers=frozenset({"min_cov_amount", "underl_lim_amount", "max_cov_amount"}),
        key="usdot_number",
    ),
)
