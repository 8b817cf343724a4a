"""Crash File (MCMIS, daily) and SMS Input - Crash (monthly): the same crashes, each file with what it would have of them.

Each change of the daily file brings a carrier one crash more, and the first takes one from a large carrier, for another. Each
change of the monthly file drops its oldest crash there, and brings one that the daily file may have or not.
"""

from datetime import date, timedelta
from random import Random

from fmcsa_orchestrator.testing.fmcsa.carriers import Carrier
from fmcsa_orchestrator.testing.fmcsa.datasets import Row
from fmcsa_orchestrator.testing.fmcsa.sms_dates import FIRST_DAY, SMS_RUN, spelled, time_weight
from fmcsa_orchestrator.testing.fmcsa.tables.table import Table
from fmcsa_orchestrator.testing.fmcsa.units import STATES

MCMIS, SMS = "aayw-vxb3", "4wxs-vbns"

Crash = list[tuple[Row, Row | None]]  # of each vehicle: its row in the daily file, and in the monthly one where that has it

_NUMBERS = {"small": (0, 5), "clean": (0, 2), "listed": (0, 2), "large": (90, 110), "giant": (6_000, 6_200)}
_EARLIEST = date(1992, 3, 1)
_STATUSES = "C" * 18 + "NPIHUX"
# Codes of MCMIS with the words that SMS has for them.
_CONDITIONS = {
    "trafficway": {
        "1": "Two-Way Trafficway Not Divided",
        "2": "Two-Way Trafficway Divided Unprotected Median",
        "98": "Not Reported",
    },
    "access_control": {"1": "Full Control", "2": "Partial Access Control", "3": "No Control"},
    "road_surface_condition": {"1": "Dry", "2": "Wet", "6": "Ice"},
    "weather_condition": {"1": "No Adverse Conditions", "2": "Rain", "4": "Snow", "5": "Fog"},
    "light_condition": {"1": "Daylight", "2": "Dark - Not Lighted", "3": "Dark - Lighted", "4": "Dawn"},
}
_PLACES = ("I-10 EB", "US HIGHWAY 50", 'RT. 9 @ "OLD MILL" RD', "CALLE NUÑEZ", "I-80 WB MP 212")
_CITIES = ("ASHFORD", "O'FALLON", "CAÑON CITY", "NEWBRIDGE")
_EVENTS = (
    "1:13:Collision involving motor vehicle in transport",
    "1:1:Non collision ran off road;2:3:Non collision overturn (rollover)",
)


def make_mcmis(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """The rows of the daily file: all crashes."""
    lost = int(version > 0 and carrier.kind in {"large", "giant"})
    crashes = _crashes(carrier, seed)[lost:] + _later(carrier, seed, version)
    return [row for crash in crashes for row, _ in crash]


def make_sms(carrier: Carrier, seed: int, version: int) -> list[Row]:
    """The rows of the monthly file: those crashes of 24 months that are recordable and surely this carrier's."""
    crashes = [crash for crash in _crashes(carrier, seed) if crash[0][1]][version:] + _later(carrier, seed, version)
    return [row for crash in crashes for _, row in crash if row]


def _crashes(carrier: Carrier, seed: int) -> list[Crash]:
    """Those that happened before the first edition of either file, the oldest first."""
    rng = Random(f"{seed}:{carrier.usdot}:crashes")
    days = []
    for _ in range(rng.randint(*_NUMBERS.get(carrier.kind, (0, 0)))):
        first, last = (FIRST_DAY, SMS_RUN) if rng.random() < 0.6 else (_EARLIEST, FIRST_DAY)
        days.append(first + timedelta(days=rng.randrange((last - first).days)))
    return [_crash(rng, carrier, place, day) for place, day in enumerate(sorted(days))]


def _later(carrier: Carrier, seed: int, version: int) -> list[Crash]:
    """Those that have happened since, confirmed every one."""
    found = []
    for place in range(version):
        rng = Random(f"{seed}:{carrier.usdot}:crashes:{place}")
        found.append(_crash(rng, carrier, 9_999 - place, SMS_RUN + timedelta(days=1 + place % 10), is_sure=True))
    return found


def _crash(rng: Random, carrier: Carrier, place: int, day: date, *, is_sure: bool = False) -> Crash:
    chance = rng.random
    state = rng.choice(STATES)
    fatalities, injuries = int(chance() < 0.05), rng.choice((0, 0, 0, 1, 2))
    towed, released, odd = chance() < 0.9, chance() < 0.03, chance() < 0.04 and not is_sure
    recordable = bool(is_sure or fatalities or injuries or towed)
    codes = {name: rng.choice(list(words)) for name, words in _CONDITIONS.items()}
    both = {
        "report_state": state,
        "report_number": f"{state}{rng.randrange(10**10):010d}",
        "dot_number": str(carrier.usdot),
        "fatalities": str(fatalities),
        "injuries": str(injuries),
    }
    status = "C" if is_sure else rng.choice(_STATUSES)
    mcmis = both | {
        "change_date": f"{day + timedelta(days=40):%Y%m%d} 0915",
        "report_date": f"{day:%Y%m%d}",
        "report_time": "2360" if odd else f"{rng.randrange(24):02d}{rng.randrange(60):02d}",
        "ci_status_code": status,
        "location": rng.choice(_PLACES),
        "city": rng.choice(_CITIES),
        "state": state,
        "county_code": str(rng.randrange(1, 200)),
        "truck_bus_ind": "B" if carrier.passenger else "T",
        **{f"{name}_id": code for name, code in codes.items()},
        "cargo_body_type_id": str(rng.randrange(1, 17)),
        "gvw_rating_id": rng.choice("1233"),
        "vehicle_configuration_id": "4" if carrier.passenger else rng.choice(("5", "6", "9", "9", "9", "99")),
        "vehicle_hazmat_placard": "NY"[released],
        "hazmat_released": "NY"[released],
        "agency": "STATE POLICE",
        "vehicles_in_accident": str(rng.randint(1, 4)),
        "tow_away": "U" if odd else "NY"[towed],
        "federal_recordable": "NY"[recordable],
        "state_recordable": "N",
        "transaction_code": "A",
        "upload_dot_number": f"{carrier.usdot:08d}",
        "add_date": f"{day + timedelta(days=rng.randint(5, 90)):%Y%m%d}",
        "crash_carrier_name": carrier.name.upper(),
        "crash_carrier_interstate": "NY"[carrier.file_class == "AB"],
        "crash_event_seq_id_desc": rng.choice(_EVENTS),
    }
    sms = both | {
        "report_number": both["report_number"].lower() if chance() < 0.05 else both["report_number"],
        "report_date": spelled(day),
        "tow_away": "true" if towed else "false",
        "hazmat_released": "true" if released else "false",
        **{f"{name}_desc": _CONDITIONS[name][code] for name, code in codes.items()},
        "severity_weight": str((2 if fatalities or injuries else 1) + released),
        "time_weight": time_weight(day),
        "citation_issued_desc": rng.choice(("YES", "NO", "UNKNOWN")),
        "seq_num": "1",
    }
    if chance() < 0.1:
        sms["not_preventable"] = "Y"
    is_in_sms = status == "C" and recordable and not odd and day >= FIRST_DAY
    crash: Crash = []
    for sequence in range(1, 3 if chance() < 0.1 else 2):
        vin, plate, numbered = f"{rng.getrandbits(68):017X}", f"{rng.getrandbits(28):07X}", {"report_seq_no": str(sequence)}
        mcmis_vehicle = {"vehicle_identification_number": vin, "vehicle_license_number": plate, "vehicle_lic_state": state}
        sms_vehicle = {"vehicle_id_number": vin, "vehicle_license_number": plate, "vehicle_license_state": state}
        crash_id = {"crash_id": f"{carrier.usdot}{place:04d}{sequence}"}
        crash.append((mcmis | numbered | crash_id | mcmis_vehicle, sms | numbered | sms_vehicle if is_in_sms else None))
    return crash


TABLES = (
    Table(
        MCMIS,
        "Crash File",
        tuple(
            "change_date crash_id report_state report_number report_date report_time report_seq_no dot_number ci_status_code "
            "final_status_date location city_code city state county_code truck_bus_ind trafficway_id access_control_id "
            "road_surface_condition_id cargo_body_type_id gvw_rating_id vehicle_identification_number vehicle_license_number "
            "vehicle_lic_state vehicle_hazmat_placard weather_condition_id vehicle_configuration_id light_condition_id "
            "hazmat_released agency vehicles_in_accident fatalities injuries tow_away federal_recordable state_recordable "
            "snet_version_number snet_sequence_id transaction_code transaction_date upload_first_byte upload_dot_number "
            "upload_search_indicator upload_date add_date crash_carrier_id crash_carrier_name crash_carrier_street "
            "crash_carrier_city crash_carrier_city_code crash_carrier_state crash_carrier_zip_code crash_colonia docket_number "
            "crash_carrier_interstate no_id_flag state_number state_issuing_number crash_event_seq_id_desc".split()
        ),
        make_mcmis,
        numbers=frozenset({"crash_id", "no_id_flag"}),
    ),
    Table(
        SMS,
        "SMS Input - Crash",
        tuple(
            "report_number report_seq_no dot_number report_date report_state fatalities injuries tow_away hazmat_released "
            "trafficway_desc access_control_desc road_surface_condition_desc weather_condition_desc light_condition_desc "
            "vehicle_id_number vehicle_license_number vehicle_license_state severity_weight time_weight citation_issued_desc "
            "seq_num not_preventable".split()
        ),
        make_sms,
        monthly=True,
    ),
)
