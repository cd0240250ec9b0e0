"""Priced lines as a driver reads them, and what became different since they last did."""

from decimal import Decimal
from typing import Any

from apps.orders import wording
from apps.orders.models import Order, OrderLine


def lines(order: Order, kind: str) -> list[dict[str, Any]]:
    """`was`: what a line of the quote said before, where that was something else."""
    before = order.quoted_before.get("lines", {}) if kind == OrderLine.Kind.QUOTE else {}
    return marked(list(order.lines.filter(kind=kind)), before)


def marked(rows: list[OrderLine], before: dict[str, str]) -> list[dict[str, Any]]:
    """`before`: title → amount."""
    shown = [
        {
            "words": line_words(line),
            "note": line.note or _own_word(line),
            "energy_kwh": line.energy_kwh,
            "amount": line.amount,
            "was": _was(before.get(line.title), line.amount, rows, line.title),
            "is_new": bool(before) and line.title not in before,
        }
        for line in rows
    ]
    gone = [title for title in before if title not in {line.title for line in rows}]
    return shown + [
        {"words": _readable(title), "amount": None, "was": Decimal(before[title])} for title in gone
    ]


def _own_word(line: OrderLine) -> str:
    return "" if _is_code(line) or line_words(line) == _readable(line.title) else line.title


def _was(before: str | None, amount: Decimal, rows: list[OrderLine], title: str) -> Decimal | None:
    """Nothing where a title stands twice: nobody can say which of them was which."""
    once = sum(row.title == title for row in rows) == 1
    return Decimal(before) if before is not None and once and Decimal(before) != amount else None


def total_was(order: Order) -> Decimal | None:
    """The total the driver saw before, where it was another."""
    before = order.quoted_before
    same = (
        not before or before["currency"] != order.currency or Decimal(before["total"]) == order.quote_amount
    )
    return None if same else Decimal(before["total"])


def line_words(line: OrderLine) -> Any:
    """Our word for it. A tax has the name that the operator gives it: "GST", "Sales tax"."""
    if line.code == "gst":
        return line.title.upper() if _is_code(line) else _readable(line.title)
    return wording.LINES.get(line.code) or _readable(line.title)


def title_words(title: str) -> Any:
    """Our word for a title of which nothing else is known."""
    code = title.strip().lower().replace(" ", "-")
    return title.upper() if code == "gst" else wording.LINES.get(code) or _readable(title)


def _is_code(line: OrderLine) -> bool:
    return bool(line.code) and line.title.lower().replace(" ", "-") == line.code


def _readable(title: str) -> str:
    words = title.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
