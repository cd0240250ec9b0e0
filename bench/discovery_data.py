"""What the bench of discovery fills its country with: catalogs as operators send them, and copies moved a little."""

import random
from typing import Any

KITS = (
    ("IEC_62196_T2_COMBO", "DC", 180),
    ("IEC_62196_T2_COMBO", "DC", 60),
    ("IEC_62196_T1_COMBO", "DC", 150),
    ("CHADEMO", "DC", 50),
    ("TESLA_S", "DC", 250),
    ("IEC_62196_T2", "AC", 22),
    ("IEC_62196_T2", "AC", 7),
    ("IEC_62196_T1", "AC", 7),
    ("DOMESTIC_D", "AC", 3),
)
STATUSES = ("Available",) * 5 + ("Charging",) * 3 + ("Faulted", "Reserved", "Offline")
AMENITIES = ("food", "restroom", "cafe", "shop", "wifi", "parking")
VEHICLES = ("2-WHEELER", "3-WHEELER", "4-WHEELER", "BUS")
OPERATORS = 40
COPY_IDS = 10_000_000  # added to the ids of a copy, so that its plugs find their station


def page_of_catalog(number: int, points: list[tuple[str, str]], dice: random.Random) -> dict[str, Any]:
    provider = f"operator-{number % OPERATORS}"
    places, items = [], []
    for index, (lat, lon) in enumerate(points):
        place = f"{number}-{index}"
        places.append({"id": place, "gps": f"{lat},{lon}", "descriptor": {"name": f"Station {place}"}})
        items += _plugs(place, dice)
    named = {"id": provider, "descriptor": {"name": f"Operator {number % OPERATORS}"}}
    return {"providers": [{**named, "locations": places, "items": items}]}


def _plugs(place: str, dice: random.Random) -> list[dict[str, Any]]:
    station = {
        "time-zone": "America/Chicago",
        "opening-hours": "24 h",
        "accessible": dice.choice(("yes", "no")),
    }
    near = dice.sample(AMENITIES, 2)
    shared = dice.random() < 0.3
    plugs = []
    for letter, (standard, charger, kw) in zip("ABC", dice.choices(KITS, k=3), strict=True):
        facts = {
            "connector-id": letter,
            "connector-type": standard,
            "charger-type": charger,
            "power-rating": f"{kw}kW",
            "availability": dice.choice(STATUSES),
            "evse-id": f"{place}-1" if shared and letter != "C" else f"{place}-{letter}",
            "green-energy": dice.choice(("yes", "no")),
            "reservable": dice.choice(("yes", "no")),
            "service-charge": "5.00",
            "tax-name": "GST",
            "tax-percent": "18",
        }
        pairs = [*facts.items(), *station.items(), *(("amenity", word) for word in near)]
        pairs += [("vehicle-type", word) for word in dice.sample(VEHICLES, 2)]
        tags = [{"descriptor": {"code": code}, "value": value} for code, value in pairs]
        plugs.append(
            {
                "id": f"{place}-{letter}",
                "descriptor": {"code": "energy"},
                "price": {"value": f"{dice.randint(800, 2400) / 100:.2f}", "currency": "INR/kWH"},
                "location_ids": [place],
                "tags": [{"descriptor": {"code": "connector-specifications"}, "list": tags}],
            }
        )
    return plugs


def copies(times: int) -> None:
    """`times` as many stations as there are: each copy lies up to 0.1° beside its pattern."""
    from django.db import connection  # the settings are those of the caller's process

    is_postgres = connection.vendor == "postgresql"
    new_code = "gen_random_uuid()" if is_postgres else "lower(hex(randomblob(16)))"
    move = "floor(random() * 200000)::int - 100000" if is_postgres else "random() % 100000"
    with connection.cursor() as cursor:
        for number in range(1, times):
            shift = number * COPY_IDS
            moved = {"y": f"y + {move}", "x": f"x + {move}", "station_id": f"station_id + {shift}"}
            _copy(cursor, "discovery_offeredstation", {"id": f"id + {shift}", "code": new_code}, number)
            _copy(cursor, "discovery_offer", {"id": f"id + {shift}", "code": new_code, **moved}, number)
            _copy(cursor, "discovery_facets", moved, number)
        cursor.execute(
            "UPDATE discovery_facets SET tile = (y + 90000000) * 2 / 1000000 * 1024 + (x + 180000000) * 2 / 1000000"
        )


def _copy(cursor: Any, table: str, changes: dict[str, str], number: int) -> None:
    cursor.execute(f"SELECT * FROM {table} LIMIT 0")
    columns = [column[0] for column in cursor.description]
    values = [changes.get(name, name) for name in columns]
    if table == "discovery_offeredstation":
        values[columns.index("location_id")] = f"location_id || '-{number}'"
    key = "station_id" if table == "discovery_facets" else "id"
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} WHERE {key} < {COPY_IDS}"
    )
