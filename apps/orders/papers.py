"""The receipt and the operator's documents as PDFs. They say what `receipt.shown` says; nothing is reckoned here."""

from datetime import datetime
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.lib.paper import Cell, Fact, Paper, Section, Table
from apps.lib.said import day_and_time, decimals, duration, meter, money, whole_or_tenth
from apps.orders import receipt
from apps.orders.models import Order

Shown = dict[str, Any]


def of_receipt(order: Order) -> Paper:
    shown = receipt.shown(order)
    sections = [_parties(shown), _charge(shown), _bill(shown), _money(shown), _refunds(shown)]
    return Paper(
        title=f"{_('Receipt')} {_number(order)}",
        heading=_("Receipt"),
        at=_newest(shown),
        big=money(shown["net_amount"], order.currency),
        under=_under(shown),
        banners=[str(words) for words in shown["warnings"]],
        sections=[section for section in (*sections, _documents(shown)) if section],
        foot=_day_rule(),
    )


def of_document(order: Order, place: int) -> Paper:
    """One invoice or credit note, as the operator told it: `place` counts from 0 in the order of telling."""
    shown = receipt.shown(order)
    told = shown["documents"][place]
    number = told["number"]
    kind = _("Credit note") if told["is_credit"] else _("Invoice")
    return Paper(
        title=f"{kind} {number}",
        heading=f"{kind} {number}",
        at=told["at"],
        big=money(told["signed"], told["currency"]),
        under=day_and_time(told["at"], shown["zone"]),
        sections=[_parties(shown | {"seller": told}), _about(shown, told), _charge(shown), _told_lines(told)],
        foot=_("Issued by {seller}, printed by EV Portal as it was told.").format(
            seller=told["seller_name"] or order.provider_name
        ),
    )


def file_name(order: Order, number: str = "") -> str:
    """'receipt-bk-1.pdf': letters that every file system takes, whatever an operator calls its orders."""
    return f"{slugify(number or f'receipt {_number(order)}')[:80] or 'receipt'}.pdf"


def _number(order: Order) -> str:
    return order.network_order_id or str(order.code)


def _newest(shown: Shown) -> datetime:
    """The newest thing the paper tells: printed again it is the same file until something happens."""
    order = shown["order"]
    times = [order.ended_at or order.created_at, *(document["at"] for document in shown["documents"])]
    times += [time for row in shown["refunds"] for time in (row.refund.created_at, row.refund.closed_at)]
    times += [payment.closed_at for payment in shown["payments"]]
    return max(time for time in times if time)


def _under(shown: Shown) -> str:
    if not shown["amount_back"]:
        return _("taxes included")
    back = money(shown["amount_back"], shown["order"].currency)
    return _("after %(back)s went back to you") % {"back": back}


def _day_rule() -> str:
    return _("A charge belongs to the day it ended, in the time zone of its station.")


def _parties(shown: Shown) -> Section:
    order, seller = shown["order"], shown["seller"]
    tax_id = seller.get("seller_tax_id")
    told = f"{_('Tax number')} {tax_id}" if tax_id else _("The operator told no tax number.")
    facts = [
        Fact(_("Sold by"), seller.get("seller_name") or order.provider_name, told),
        Fact(_("Sold to"), order.billing.get("name") or str(order.driver), order.billing.get("email") or ""),
        Fact(_("Order"), _number(order)),
    ]
    return Section(_("Between"), facts)


def _charge(shown: Shown) -> Section:
    order, zone = shown["order"], shown["zone"]
    place = ", ".join(part for part in (order.station_address, order.station_city) if part)
    facts = [Fact(_("Station"), order.station_name, place if order.station_address else "")]
    if shown["plug"]:
        facts.append(Fact(_("Plug"), str(shown["plug"])))
    if order.evse_id:
        facts.append(Fact(_("Charging point"), order.evse_id))
    if order.started_at:
        facts.append(Fact(_("Start"), day_and_time(order.started_at, zone)))
    if order.ended_at:
        facts.append(Fact(_("End"), day_and_time(order.ended_at, zone)))
    if shown["lasted"]:
        facts.append(Fact(_("Time"), duration(shown["lasted"])))
    if order.meter_start:
        facts.append(Fact(_("Meter at the start"), meter(order.meter_start)))
    if order.meter_stop:
        facts.append(Fact(_("Meter at the end"), meter(order.meter_stop)))
    if order.billed_kwh is not None:
        mark = f" ({_('estimated')})" if shown["is_estimated"] else ""
        facts.append(Fact(_("Energy billed"), f"{decimals(order.billed_kwh, 3)} kWh{mark}"))
    return Section(_("The charge"), facts, notes=[shown["estimate_words"]] if shown["is_estimated"] else [])


def _bill(shown: Shown) -> Section:
    order = shown["order"]
    rows = [
        (Cell(_line(line), str(line["note"] or "")), money(line["amount"], order.currency))
        for line in shown["lines"]
    ]
    head = (_("Line"), _("Amount"))
    tables = [Table(head, rows, foot=(_("Total"), money(order.billed_amount, order.currency)))]
    if not shown["taxes"]:
        return Section(_("Bill"), tables=tables, notes=[_("The operator names no tax in this bill.")])
    taxes = [
        (
            _tax(tax),
            _("on %(net)s") % {"net": money(tax["net"], order.currency)},
            money(tax["amount"], order.currency),
        )
        for tax in shown["taxes"]
    ]
    tables.append(Table((_("Taxes by rate"), _("Net"), _("Amount")), taxes, numbers=(1, 2)))
    return Section(_("Bill"), tables=tables)


def _line(line: dict[str, Any]) -> str:
    energy = "" if line["energy_kwh"] is None else f" · {decimals(line['energy_kwh'], 2)} kWh"
    return f"{line['words']}{energy}"


def _tax(tax: dict[str, Any]) -> Cell:
    percent = "" if tax["percent"] is None else f" {whole_or_tenth(tax['percent'])} %"
    return Cell(f"{tax['words']}{percent}", _("rate reckoned from the bill") if tax["is_reckoned"] else "")


def _money(shown: Shown) -> Section:
    facts = []
    for payment in shown["payments"]:
        facts.append(Fact(_("Held"), money(payment.amount, payment.currency)))
        facts.append(Fact(_("Charged"), money(payment.captured_amount, payment.currency)))
        if payment.released_amount is not None:
            facts.append(Fact(_("Released"), money(payment.released_amount, payment.currency)))
    if shown["amount_back"]:
        facts.append(Fact(_("Back to you"), money(shown["amount_back"], shown["order"].currency)))
    return Section(_("The money"), facts)


def _refunds(shown: Shown) -> Section | None:
    order = shown["order"]
    rows = [
        (_refund(row), str(row.refund.get_state_display()), money(row.refund.amount, order.currency))
        for row in shown["refunds"]
    ]
    if not rows:
        return None
    return Section(_("Money back"), tables=[Table((_("Reason"), _("State"), _("Amount")), rows)])


def _refund(row: Any) -> Cell:
    reference = f"{_('Bank reference')} {row.refund.provider_ref}" if row.refund.provider_ref else ""
    return Cell(
        str(row.reason) or _("Money back"), "\n".join(part for part in (row.sentence, reference) if part)
    )


def _documents(shown: Shown) -> Section | None:
    order = shown["order"]
    if not shown["documents"]:
        return None
    rows = [
        (
            Cell(
                document["number"],
                f"{_document_kind(document)} · {day_and_time(document['at'], shown['zone'])}",
            ),
            money(document["signed"], document["currency"]),
        )
        for document in shown["documents"]
    ]
    together = shown["documents_total"]
    foot = () if together is None else (_("Together"), money(together, order.currency))
    head = (_("Invoices and credit notes"), _("Amount"))
    return Section(_("Documents of the operator"), tables=[Table(head, rows, foot)])


def _document_kind(document: dict[str, Any]) -> str:
    if document["is_credit"]:
        return _("credit note, reverses %(number)s") % {"number": document["reverses"]}
    return _("invoice")


# --- An invoice or a credit note ----------------------------------------------------------------------------------


def _about(shown: Shown, told: dict[str, Any]) -> Section:
    facts = [
        Fact(_("Number"), told["number"]),
        Fact(_("Issued"), day_and_time(told["at"], shown["zone"])),
    ]
    if told["is_credit"]:
        facts.append(Fact(_("Reverses in full"), told["reverses"] or "–"))
    if told["reason"]:
        facts.append(Fact(_("Reason"), _(told["reason"])))
    return Section(_("The document"), facts)


def _told_lines(told: dict[str, Any]) -> Section:
    """Its own lines where the operator told them and they add up; else its total alone, and the paper says so."""
    currency, sign = told["currency"], -1 if told["is_credit"] else 1
    head = (_("Line"), _("Amount"))
    rows = [(line["words"], money(sign * line["amount"], currency)) for line in told["lines"]]
    foot = (_("Total"), money(told["signed"], currency))
    if rows:
        return Section(_("Bill"), tables=[Table(head, rows, foot)])
    note = _("The operator told the total of this document, not its lines.")
    return Section(_("Bill"), tables=[Table(head, [foot])], notes=[note])
