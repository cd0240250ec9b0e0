"""What must hold whenever a portal has come to rest, whatever happened to it before: read from its rows.

Each law is a query for offenders. Nobody may be among them once the portal had `timeout` to come to rest.
"""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.foreign.portal import Portal

SLACK = timedelta(
    seconds=15
)  # a deadline is kept by a round of the worker, which may be busy or just starting
CENT = Decimal("0.01")

OPEN_MESSAGES = """
    SELECT direction, action, state, tries, error_message FROM beckn_message
    WHERE state IN ('RECEIVED', 'WORKING') OR (state IN ('QUEUED', 'SENDING') AND next_try_at < %s)
"""
FAILED_MESSAGES = "SELECT action, error_message FROM beckn_message WHERE state = 'FAILED'"
OVERDUE = {
    "order": "SELECT code, state FROM orders_order WHERE deadline_at < %s",
    "booking": "SELECT code, state FROM bookings_booking WHERE deadline_at < %s",
    "session": "SELECT code, state FROM charging_session WHERE deadline_at < %s",
    "payment": "SELECT code, state FROM payments_payment WHERE next_try_at < %s",
}
# Whose order is over keeps no money waiting, and who charged kept no plug.
STUCK_MONEY = """
    SELECT o.code, o.state, p.state, p.wish FROM orders_order o
    JOIN payments_payment p ON p.reference = {order_code} AND p.side = 'DRIVER'
    WHERE p.state IN ('REQUESTED', 'AUTHORISED')
      AND o.state IN ('SETTLED', 'EXPIRED', 'REFUSED', 'CANCELLED', 'NO_SHOW', 'FAILED', 'ENDED')
"""
STUCK_PLUGS = """
    SELECT b.code, b.state, s.state FROM bookings_booking b
    LEFT JOIN charging_session s ON s.reference = b.code AND s.state IN ('CLOSED', 'FAILED')
    WHERE b.state = 'IN_SESSION' AND s.state = 'CLOSED'
"""
CHARGED_TWICE = """
    SELECT reference, count(*) FROM charging_session
    WHERE reference <> '' AND started_at IS NOT NULL GROUP BY reference HAVING count(*) > 1
"""
MONEY = """
    SELECT p.reference, p.state, p.amount, p.captured_amount, b.captures, b.captured_amount, b.voided_at
    FROM payments_payment p LEFT JOIN payments_sandboxpayment b ON b.key = {payment_code}
"""
BILLS = """
    SELECT o.code, o.billed_amount, p.captured_amount, p.state FROM orders_order o
    JOIN payments_payment p ON p.reference = {order_code} AND p.side = 'DRIVER' AND p.state <> 'FAILED'
    WHERE o.state = 'SETTLED'
"""


def check(portal: Portal, *, timeout: float = 60) -> None:
    """Wait until the portal is at rest; then nobody may have broken a law."""
    deadline = time.monotonic() + timeout
    while offenders := _unrest(portal):
        if time.monotonic() > deadline:
            raise AssertionError(f"no rest in {timeout} s: {offenders}\n{portal.log_tail()}")
        time.sleep(0.2)
    assert not (failed := portal.rows(FAILED_MESSAGES)), failed
    assert not (twice := portal.rows(CHARGED_TWICE)), twice
    for row in portal.rows(_written(portal, MONEY)):
        _check_payment(*row)
    for code, billed, captured, state in portal.rows(_written(portal, BILLS)):
        assert _money(billed) == _money(captured), f"{code}: billed {billed}, {state} {captured}"


def _unrest(portal: Portal) -> list[Any]:
    """What is still on its way."""
    late = datetime.now(UTC) - SLACK
    found: list[Any] = portal.rows(OPEN_MESSAGES, datetime.now(UTC))
    found += portal.rows(_written(portal, STUCK_MONEY))
    found += portal.rows(STUCK_PLUGS)
    for kind, query in OVERDUE.items():
        found += [(kind, *row) for row in portal.rows(query, late)]
    return found


def _check_payment(
    reference: str,
    state: str,
    amount: Any,
    captured: Any,
    captures: int | None,
    taken: Any,
    voided_at: Any,
) -> None:
    """We and the bank say the same, and the bank took once."""
    who = f"payment of {reference}, {state}"
    assert _money(captured) <= _money(amount), who
    if state == "CAPTURED":
        assert captures == 1, f"{who}: the bank took {captures} times"
        assert _money(taken) == _money(captured), who
        assert voided_at is None, who
    else:
        assert _money(captured) == 0, who
        assert not captures, f"{who}: the bank took {taken}"
    if state == "VOIDED":
        assert captures is None or voided_at is not None, f"{who}: the bank still holds it"


def _written(portal: Portal, query: str) -> str:
    """Codes are UUIDs: their text is what other rows refer to. SQLite keeps them without dashes."""
    if portal.is_on_postgres:
        return query.format(order_code="o.code::text", payment_code="p.code::text")
    return query.format(order_code=_dashed("o.code"), payment_code=_dashed("p.code"))


def _dashed(column: str) -> str:
    parts = [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)]
    return "||'-'||".join(f"substr({column},{start},{length})" for start, length in parts)


def _money(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(CENT)
