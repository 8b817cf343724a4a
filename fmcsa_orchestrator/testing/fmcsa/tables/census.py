"""Company Census File: one row per carrier, self-reported, with what is odd in the real one.

Dates as YYYYMMDD, that of the MCS-150 with " 0000" after it or not; a ZIP+4 with its hyphen or without; 99999 for a number that
nobody gave; a mileage of 0 in the year 0; a row that contradicts itself. Names, numbers and addresses are made up.
"""

from datetime import date, timedelta
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.tables.table import Table

_ADDRESS = "street city state country zip cnty".split()
_CARGO = (
    "genfreight household metalsheet motoveh drivetow logpole bldgmat mobilehome machlrg produce liqgas intermodal passengers "
    "oilfield livestock grainfeed coalcoke meat garbage usmail chem drybulk coldfood beverages paperprod utility farmsupp "
    "construct waterwell cargoothr cargoothr_desc".split()
)
_VEHICLES = "truck tract trail coach school_1_8 school_9_15 school_16 bus_16 van_1_8 van_9_15 limo_1_8 limo_9_15 limo_16".split()
_COLUMNS = (
    *"mcs150_date add_date status_code dot_number dun_bradstreet_no phy_omc_region safety_inv_terr carrier_operation".split(),
    *"business_org_id mcs150_mileage mcs150_mileage_year mcs151_mileage total_cars mcs150_update_code_id".split(),
    *"prior_revoke_flag prior_revoke_dot_number phone fax cell_phone company_officer_1 company_officer_2".split(),
    *"business_org_desc truck_units power_units bus_units fleetsize review_id recordable_crash_rate".split(),
    *"mail_nationality_indicator phy_nationality_indicator phy_barrio mail_barrio carship docket1prefix docket1".split(),
    *"docket2prefix docket2 docket3prefix docket3 pointnum total_intrastate_drivers mcsipstep mcsipdate hm_ind".split(),
    *"interstate_beyond_100_miles interstate_within_100_miles intrastate_beyond_100_miles".split(),
    *"intrastate_within_100_miles total_cdl total_drivers avg_drivers_leased_per_month classdef legal_name dba_name".split(),
    *(f"phy_{part}" for part in ("street", "city", "country", "state", "zip", "cnty")),
    *(f"carrier_mailing_{part}" for part in ("street", "state", "city", "country", "zip", "cnty", "und_date")),
    *"driver_inter_total email_address review_type review_date safety_rating safety_rating_date undeliv_phy".split(),
    *(f"crgo_{name}" for name in _CARGO),
    *(f"{kind}{name}" for kind in ("own", "trm", "trp") for name in _VEHICLES),
    *(f"docket{n}_status_code" for n in "123"),
)
_PLACES = (
    ("PINE BLUFF", "AR", "71601", "069"),
    ("WENATCHEE", "WA", "98801", "007"),
    ("SALINA", "KS", "67401", "169"),
    ("ALTOONA", "PA", "16601", "013"),
)
_STREETS = "MILL RD,DEPOT ST,COUNTY ROAD 12,FRONTAGE AVE".split(",")
_PEOPLE = "ROBIN VALE,ALEX MORROW,SAM HOLLIS,JO FENN,KIM ASHBY".split(",")
# The most power units of each letter, from A on; Z is for all above.
_SIZES = (1, 3, 6, 8, 11, 14, 17, 19, 23, 28, 32, 38, 44, 55, 75, 100, 200, 300, 400, 550, 999, 2_000, 3_000, 4_000, 5_000)
_EPOCH = date(1985, 1, 7)


def make_census(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """With each change the carrier files anew, with another phone and a truck more; with the second it is rated."""
    rng = Random(f"{seed}:{carrier.usdot}:census")
    row = {"dot_number": str(carrier.usdot), "legal_name": carrier.name.upper(), "pointnum": f"{carrier.usdot}P"}
    row["status_code"] = rng.choices("AIP", (90, 8, 2))[0]
    row["carrier_operation"] = rng.choice("AB") if carrier.file_class == "AB" else "C"
    _identify(row, rng)
    _locate(row, rng)
    _reach(row, rng, version)
    _equip(row, rng, carrier, version)
    _operate(row, rng, carrier)
    _file(row, rng, version)
    return [row]


def _identify(row: Row, rng: Random) -> None:
    row["carship"] = rng.choice(("C", "C", "C;S", "C;B", "F;C"))
    if rng.random() < 0.7:
        which = rng.choice("1233")
        row |= {"business_org_id": which, "business_org_desc": ("INDIVIDUAL", "PARTNERSHIP", "CORPORATION")[int(which) - 1]}
    if rng.random() < 0.3:
        row["dba_name"] = f"{row['legal_name'].split()[0]} LINES"
    for n, prefix in enumerate(("MC", "FF", "MX")[: rng.choice((0, 1, 1, 1, 2, 3))], 1):
        row |= {f"docket{n}prefix": prefix, f"docket{n}": str(rng.randrange(100_000, 999_999))}
        row[f"docket{n}_status_code"] = rng.choice("AAI")
    if rng.random() < 0.05:
        row |= {"prior_revoke_flag": "Y", "prior_revoke_dot_number": str(rng.randrange(10_000, 999_999))}
    else:
        row["prior_revoke_flag"] = "N"


def _locate(row: Row, rng: Random) -> None:
    city, state, zip_code, county = rng.choice(_PLACES)
    plus_four = rng.choice(("", f"-{rng.randrange(1_000, 9_999)}", f"{rng.randrange(1_000, 9_999)}"))
    street = f"{rng.randrange(1, 9_000)} {rng.choice(_STREETS)}"
    found = dict(zip(_ADDRESS, (street, city, state, "US", zip_code + plus_four, county), strict=True))
    row |= {f"phy_{part}": value for part, value in found.items()} | {"phy_omc_region": "08", "safety_inv_terr": "A"}
    if rng.random() < 0.3:
        found |= {"street": f"PO BOX {rng.randrange(10, 999)}", "zip": zip_code}
    row |= {f"carrier_mailing_{part}": value for part, value in found.items()}
    if rng.random() < 0.04:
        row |= {"undeliv_phy": "U", "carrier_mailing_und_date": _day(rng, 14_000)}


def _reach(row: Row, rng: Random, version: int) -> None:
    row["phone"] = f"30355501{(rng.randrange(100) + version) % 100:02d}"
    for column, share in (("fax", 0.3), ("cell_phone", 0.4)):
        if rng.random() < share:
            row[column] = f"30355501{rng.randrange(100):02d}"
    if rng.random() < 0.8:
        row["email_address"] = f"OFFICE@CARRIER{row['dot_number']}.EXAMPLE"
    first, second = rng.sample(_PEOPLE, 2)
    row["company_officer_1"] = f"{first} PRESIDENT"
    if rng.random() < 0.4:
        row["company_officer_2"] = second


def _equip(row: Row, rng: Random, carrier: Carrier, version: int) -> None:
    units = {"large": 400, "giant": 9_000}.get(carrier.kind, rng.randrange(1, 60)) + version
    buses = units // 2 if carrier.passenger else 0
    leased = rng.randrange(units // 3 + 1)
    kind = "coach" if carrier.passenger else "truck"
    numbers = {"power_units": units, "truck_units": units - buses, "bus_units": buses, "owntract": units - leased}
    numbers |= {f"own{kind}": buses or leased, "trmtract": leased, "owntrail": units + rng.randrange(9)}
    row["fleetsize"] = next((chr(65 + n) for n, most in enumerate(_SIZES) if units <= most), "Z")
    drivers, cdl = units + rng.randrange(9), rng.randrange(units + 1)
    inter = drivers if row["carrier_operation"] == "A" else rng.randrange(drivers + 1)
    numbers |= {"total_drivers": drivers, "total_cdl": cdl, "driver_inter_total": inter}
    numbers |= {"total_intrastate_drivers": drivers - inter, "interstate_beyond_100_miles": inter // 2}
    numbers |= {"interstate_within_100_miles": inter - inter // 2, "intrastate_within_100_miles": drivers - inter}
    match rng.randrange(40):
        case 0:
            numbers["total_drivers"] = 99_999
        case 1:
            numbers["total_cdl"] = drivers + 1
    row |= {column: str(number) for column, number in numbers.items()}


def _operate(row: Row, rng: Random, carrier: Carrier) -> None:
    classes = ["AUTHORIZED FOR HIRE", *rng.sample(("EXEMPT FOR HIRE", "PRIVATE PROPERTY", "U.S. MAIL", "OTHER-FARMER"), 2)]
    row["classdef"] = ";".join(classes[: rng.randrange(1, 4)])
    cargo = ["passengers"] if carrier.passenger else rng.sample(_CARGO[:-2], rng.randrange(1, 6))
    if rng.random() < 0.1:
        cargo.append("cargoothr")
        row["crgo_cargoothr_desc"] = "EMPTY PALLETS"
    row |= {f"crgo_{name}": "X" for name in cargo}
    row["hm_ind"] = "Y" if row["carrier_operation"] == "B" or rng.random() < 0.1 else "N"


def _file(row: Row, rng: Random, version: int) -> None:
    row["add_date"] = _day(rng, 9_000)
    filed = date(2023, 1, 9) + timedelta(days=rng.randrange(900) + 30 * version)
    row["mcs150_date"] = f"{filed:%Y%m%d}{rng.choice(('', ' 0000'))}"
    has_mileage = rng.random() < 0.8
    row["mcs150_mileage"] = str(rng.randrange(10_000, 2_000_000)) if has_mileage else "0"
    row["mcs150_mileage_year"] = str(filed.year - 1) if has_mileage else "0"
    if rng.random() < 0.4:
        row |= {"review_type": rng.choice("CNASK"), "review_date": _day(rng, 14_000), "recordable_crash_rate": "000.000"}
    if version > 1 or rng.random() < 0.2:
        row["safety_rating"] = "C" if version > 1 else rng.choices("SCU", (80, 17, 3))[0]
        row["safety_rating_date"] = f"{filed:%Y%m%d}"


def _day(rng: Random, days: int) -> str:
    return f"{_EPOCH + timedelta(days=rng.randrange(days)):%Y%m%d}"


TABLES = (Table("az4n-8mr2", "Company Census File", _COLUMNS, make_census, numbers=frozenset({"dot_number"})),)
