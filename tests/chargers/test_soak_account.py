"""The account of the soak (bench/soak_account.py): what it lets pass, and what it does not."""

from decimal import Decimal
from typing import Any

import pytest

from bench.soak_account import OVERCHARGED, ROUNDING, UNEXPLAINED, Charge, _reasons


def session(**facts: Any) -> dict[str, Any]:
    ordered = {"state": "CLOSED", "reference": "BK-1", "booking": "COMPLETED"}
    return {**ordered, "is_free": False, "is_estimated": False, "ended_by": "", **facts}


def charge(delivered: str, counted: str, billed: str, *, notes: tuple[str, ...] = (), **facts: Any) -> Charge:
    figures = {
        "delivered_wh": Decimal(delivered),
        "counted_wh": Decimal(counted),
        "billed_wh": Decimal(billed),
    }
    unsaid = facts.pop("unsaid", 0)
    return Charge("CP-1", "T", **figures, unsaid=unsaid, sessions=[session(**facts)], notes=set(notes))


def reasons(one: Charge) -> dict[str, Decimal]:
    return {reason: wh for reason, wh in _reasons(one) if wh}


def test_a_bill_below_the_display_by_less_than_a_watt_hour_is_right():
    assert reasons(charge("1000.7", "1000", "1000")) == {ROUNDING: Decimal("0.7")}


def test_a_watt_hour_more_than_was_delivered_is_not():
    assert OVERCHARGED in reasons(charge("1000", "1002", "1002"))


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (charge("1000", "900", "900"), UNEXPLAINED),
        (charge("1000", "1000", "900"), UNEXPLAINED),
        (charge("1000", "900", "900", notes=("jump",)), "the meter jumped (AT-D2)"),
        (charge("1000", "900", "900", unsaid=3), "the box could not say it"),
        (
            charge("1000", "1000", "0", is_free=True),
            "a late start that the driver stopped within a minute (AT-B2)",
        ),
        (charge("1000", "1000", "900", ended_by="ENERGY"), "beyond what was ordered"),
        (charge("1000", "1000", "0", reference="", booking=None), "a card at the charger: no bill"),
        (charge("1000", "0", "0", state="FAILED"), "began after it was given up, and was refused (AT-B2)"),
    ],
)
def test_a_hundred_watt_hours_need_a_reason_that_the_rows_show(one, reason):
    assert reason in reasons(one)


def test_what_nobody_knows_of_is_a_fault():
    unknown = Charge("CP-1", "T", delivered_wh=Decimal(50))
    assert reasons(unknown) == {UNEXPLAINED: Decimal(50)}
