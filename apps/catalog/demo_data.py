"""A network to look at: operators, tariffs and stations of our own invention at real localities.

Nobody named here exists; companies, tax numbers, telephone numbers and addresses are made up. Positions are
those of the neighbourhood, not of a building. The stations are in demo_stations.csv.
"""

import csv
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from apps.catalog.hours import ALWAYS, EVERY_DAY, Hours

_FILE = Path(__file__).with_name("demo_stations.csv")

WORKING_DAYS, SATURDAY = [0, 1, 2, 3, 4], [5]

HOURS: dict[str, Hours] = {
    "always": ALWAYS,
    "day": [{"days": EVERY_DAY, "opens": "06:00", "closes": "23:00"}],
    "mall": [{"days": EVERY_DAY, "opens": "10:00", "closes": "22:00"}],
    "office": [
        {"days": WORKING_DAYS, "opens": "08:00", "closes": "20:00"},
        {"days": SATURDAY, "opens": "09:00", "closes": "14:00"},
    ],
    "late": [{"days": EVERY_DAY, "opens": "17:00", "closes": "02:00"}],
}


@dataclass(frozen=True)
class DemoPlug:
    standard: str
    format: str
    power_type: str
    max_kw: Decimal
    vehicles: tuple[str, ...]


CARS = ("4-WHEELER",)
SMALL = ("2-WHEELER", "3-WHEELER", "4-WHEELER")


def _plug(
    standard: str, power_type: str, max_kw: str, format: str = "CABLE", vehicles: tuple[str, ...] = CARS
) -> DemoPlug:
    return DemoPlug(standard, format, power_type, Decimal(max_kw), vehicles)


CCS_180 = _plug("IEC_62196_T2_COMBO", "DC", "180", vehicles=("4-WHEELER", "BUS"))
CCS_120 = _plug("IEC_62196_T2_COMBO", "DC", "120", vehicles=("4-WHEELER", "BUS"))
CCS_60 = _plug("IEC_62196_T2_COMBO", "DC", "60")
CCS_30 = _plug("IEC_62196_T2_COMBO", "DC", "30")
CHADEMO_50 = _plug("CHADEMO", "DC", "50")
GBT_15 = _plug("GBT_DC", "DC", "15", vehicles=("3-WHEELER", "4-WHEELER"))
AC_22 = _plug("IEC_62196_T2", "AC_3_PHASE", "22")
AC_7 = _plug("IEC_62196_T2", "AC_1_PHASE", "7.4", "SOCKET")
SOCKET_3 = _plug("DOMESTIC_D", "AC_1_PHASE", "3.3", "SOCKET", SMALL)

# What stands at a place: one entry per EVSE, its plugs inside. Two plugs in one entry share one car's place.
KITS: dict[str, tuple[tuple[DemoPlug, ...], ...]] = {
    "street": ((AC_7,), (AC_7,)),
    "mall": ((CCS_60,), (AC_22,), (AC_22,)),
    "hub": ((CCS_120,), (CCS_120,), (CCS_60,), (AC_22,)),
    "city": ((CCS_60,), (CCS_30,), (AC_22,)),
    "duo": ((CCS_60, CHADEMO_50), (AC_22,)),
    "sockets": ((SOCKET_3,), (SOCKET_3,), (AC_7,)),
    "taxi": ((GBT_15,), (GBT_15,), (CCS_30,)),
    "highway": ((CCS_180,), (CCS_180,), (CCS_60,), (AC_22,)),
}


@dataclass(frozen=True)
class DemoTariff:
    code: str
    name: str
    energy_rate: Decimal
    session_fee: Decimal = Decimal(0)
    more: dict[str, Any] = field(default_factory=dict)  # further columns of a tariff


@dataclass(frozen=True)
class DemoOperator:
    facts: dict[str, Any]
    slow: DemoTariff
    fast: DemoTariff
    fastest: DemoTariff  # from 100 kW

    def tariff_for(self, plug: DemoPlug) -> DemoTariff:
        if plug.power_type != "DC":
            return self.slow
        return self.fastest if plug.max_kw >= 100 else self.fast


def _operator(
    code: str, name: str, legal: str, tax_id: str, phone: str, fee: int, about: str
) -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "legal_name": legal,
        "tax_id": tax_id,
        "email": f"care@{code}.example",
        "phone": phone,
        "cancellation_fee_percent": Decimal(fee),
        "description": about,
    }


OPERATORS = (
    DemoOperator(
        _operator(
            *("namma-volt", "Namma Volt", "Namma Volt Energy LLP", "29AAKFN4821C1Z6", "+918049600101", 0),
            "Neighbourhood charging across Bengaluru",
        ),
        slow=DemoTariff("ac", "AC", Decimal("11.50")),
        fast=DemoTariff("dc", "DC", Decimal("18.50")),
        fastest=DemoTariff("dc-fast", "DC fast", Decimal("21.00")),
    ),
    DemoOperator(
        _operator(
            *("garuda-charge", "Garuda Charge", "Garuda Charge Private Limited", "29AAHCG7315L1ZV"),
            *("+918049600202", 10, "Fast charging at malls, offices and along the highway"),
        ),
        slow=DemoTariff("ac", "AC", Decimal("13.00"), Decimal(5)),
        fast=DemoTariff("dc", "DC", Decimal("19.75"), Decimal(10)),
        fastest=DemoTariff("dc-fast", "DC fast", Decimal("24.00"), Decimal(10)),
    ),
    DemoOperator(
        _operator(
            *("kaveri-ev", "Kaveri EV", "Kaveri EV Networks Private Limited", "29AAJCK2096P1ZB"),
            *("+918212600303", 5, "From Bengaluru to Mysuru and round the palace"),
        ),
        slow=DemoTariff("ac", "AC", Decimal("10.80")),
        fast=DemoTariff("dc", "DC", Decimal("17.20")),
        fastest=DemoTariff("dc-fast", "DC fast", Decimal("20.40"), Decimal(15)),
    ),
    DemoOperator(
        _operator(
            *("hasiru-sockets", "Hasiru Sockets", "Hasiru Sockets Cooperative Society Limited"),
            *("29AABAH5540R1ZK", "+918049600404", 0, "A socket at the corner shop, run by its members"),
        ),
        slow=DemoTariff("socket", "Socket", Decimal("8.90")),
        fast=DemoTariff("dc", "DC", Decimal("15.60")),
        fastest=DemoTariff("dc-fast", "DC fast", Decimal("19.00")),
    ),
)


# At one station a car that stands on after its charge costs something: two minutes are free, 120 rupees are the most.
STANDING_AT = {
    "ulsoor-lake": DemoTariff(
        "ac-idle",
        "AC, with a fee for standing on",
        Decimal("11.50"),
        more={
            "elements": [
                {
                    "price_components": [
                        {"type": "ENERGY", "price": "11.50"},
                        {"type": "PARKING_TIME", "price": "120"},
                    ]
                }
            ],
            "parking_grace_minutes": 2,
            "parking_cap": Decimal(120),
        },
    ),
}

# Two of four sell reserved times, at all their stations; the fees are beside those of Operator.
SLOT_POLICIES: dict[str, dict[str, Any]] = {
    "garuda-charge": {
        "free_until_minutes": 120,
        "late_fee_percent": Decimal(20),
        "no_show_fee_percent": Decimal(50),
    },
    "kaveri-ev": {
        "least_ahead_minutes": 30,
        "grace_minutes": 20,
        "late_fee_percent": Decimal(10),
        "no_show_fee_percent": Decimal(25),
    },
}


@dataclass(frozen=True)
class DemoStation:
    slug: str
    operator: str
    name: str
    address: str
    city: str
    postcode: str
    lat: Decimal
    lon: Decimal
    kit: str
    hours: str = "always"
    amenities: tuple[str, ...] = ()
    closed_reason: str = ""
    is_accessible: bool | None = None
    is_green: bool = False
    faulted: int = 0  # the number of the EVSE that is out of order


def _stations() -> tuple[DemoStation, ...]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_station(row) for row in csv.DictReader(file))


def _station(row: dict[str, str]) -> DemoStation:
    read = {
        "lat": Decimal(row["lat"]),
        "lon": Decimal(row["lon"]),
        "amenities": tuple(row["amenities"].split()),
        "faulted": int(row["faulted"] or 0),
        "is_accessible": {"yes": True, "no": False, "": None}[row["is_accessible"]],
        "is_green": row["is_green"] == "yes",
    }
    return DemoStation(**{**row, **read})


STATIONS = _stations()
