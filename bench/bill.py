"""The bill engine: whole sessions per second on one core, and one reading more on a running total.

A one-hour session of 720 readings and a tariff of four elements that it crosses: a dearer beginning, evening and night,
parking after a grace, a fee, two taxes. Beside it: the same with a limit of money, and how far ₹400 reach. All figures
are processor time, so that they are those of one core whoever else is at work.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.pricing import Limits, Meter, Phase, Reading, Tariff, for_money, price, read_tariff
from bench.figures import show

BEGINS_AT = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)  # 21:30 in Kolkata
SECONDS = 2


def run() -> None:
    rules, readings = tariff(), session()
    per_second = _rate(lambda: price(rules, BEGINS_AT, readings).bill())
    meter = price(rules, BEGINS_AT, readings[:-1])
    one_more = 1 / _rate(lambda: _after(meter, readings[-1]))
    limited = price(rules, BEGINS_AT, readings[:400], Limits(money=Decimal(5000)))
    one_more_limited = 1 / _rate(lambda: _after(limited, readings[400]))
    kept = meter.to_json()
    woken = 1 / _rate(lambda: _after(Meter.from_json(kept, rules), readings[-1]).to_json())
    bill = 1 / _rate(meter._make_bill)
    reach = 1 / _rate(
        lambda: for_money(
            rules, Decimal(400), power_kw=Decimal(60), begins_at=BEGINS_AT, most_kwh=Decimal(200)
        )
    )
    show(
        "Bill engine, one core",
        [
            ("one-hour sessions of 720 readings, 4 elements", f"{per_second:,.0f} /s", "≥ 500 /s"),
            ("one reading more and the running total", _us(one_more), "≤ 100 µs"),
            ("… with a limit of money", _us(one_more_limited), "≤ 100 µs"),
            ("… taken from JSON and put back", _us(woken), ""),
            ("of that, the bill itself", _us(bill), ""),
            ("how far ₹400 reach", _us(reach), ""),
        ],
    )


def _after(meter: Meter, reading: Reading) -> Meter:
    """The meter is left as it was: the copy is part of the figure."""
    later = meter.__copy__()
    later.read(reading)
    later.bill()
    return later


def _rate(work: Callable[[], object]) -> float:
    work()
    count, began = 0, time.process_time()
    while time.process_time() - began < SECONDS:
        for _ in range(20):
            work()
        count += 20
    return count / (time.process_time() - began)


def _us(seconds: float) -> str:
    return f"{1_000_000 * seconds:,.0f} µs"


def tariff() -> Tariff:
    return read_tariff(
        {
            "currency": "INR",
            "zone": "Asia/Kolkata",
            "elements": [
                {
                    "price_components": [{"type": "ENERGY", "price": "24", "step_size": 1}],
                    "restrictions": {"max_kwh": "5"},
                },
                {
                    "price_components": [
                        {"type": "ENERGY", "price": "12.50"},
                        {"type": "TIME", "price": "30", "step_size": 60},
                    ],
                    "restrictions": {"start_time": "22:00", "end_time": "06:00"},
                },
                {
                    "price_components": [
                        {"type": "ENERGY", "price": "18.50"},
                        {"type": "TIME", "price": "60", "step_size": 60},
                        {"type": "FLAT", "price": "10"},
                    ]
                },
                {"price_components": [{"type": "PARKING_TIME", "price": "120", "step_size": 60}]},
            ],
            "taxes": [{"name": "CGST", "percent": "9"}, {"name": "SGST", "percent": "9"}],
            "parking_grace": 300,
        }
    )


def session() -> list[Reading]:
    """60 kW falling to nothing over 50 minutes, then ten minutes of standing there."""
    readings, wh = [], Decimal(0)
    for number in range(1, 721):
        parks = number > 600
        wh += 0 if parks else (Decimal(60_000) * (700 - number) / 700 * 5 / 3600).quantize(Decimal(1))
        phase = Phase.PARKED if parks else Phase.CHARGING
        readings.append(Reading(BEGINS_AT + timedelta(seconds=5 * number), wh / 1000, phase))
    return readings
