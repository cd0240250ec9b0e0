"""What charging costs, as a sentence a person would say, for each tariff of a station."""

import json
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.discovery.models import Offer
from apps.discovery.prices import TypicalPrice, typical_price
from apps.discovery.sentences import sentences
from apps.lib.money import format_money


@dataclass(frozen=True)
class TariffLine:
    """`plugs` is empty when all plugs of the station cost the same."""

    plugs: str
    words: str
    price: TypicalPrice | None


def tariffs_of(offers: list[Offer]) -> list[TariffLine]:
    """One line per tariff, the cheapest first; plugs without a price come last."""
    groups: dict[tuple, list[Offer]] = {}
    for offer in offers:
        groups.setdefault(_terms(offer), []).append(offer)
    lines = [
        TariffLine(
            plugs=", ".join(_label(offer) for offer in some) if len(groups) > 1 else "",
            words=sentence(some[0]),
            price=typical_price(some[0]),
        )
        for some in groups.values()
    ]
    return sorted(
        lines, key=lambda line: (line.price is None, line.price.amount if line.price else Decimal(0))
    )


def sentence(offer: Offer) -> str:
    """'₹18.50 per kWh and ₹5.00 per session, plus 18 % GST on both'. Free only when the tariff says zero."""
    if offer.tariff:
        return "; ".join(sentences(offer.rules))
    price = typical_price(offer)
    if price is None:
        return _fee_only(offer)
    rate = format_money(offer.energy_rate, offer.currency)
    if not offer.energy_rate and not offer.session_fee:
        return _("Free of charge")
    if not offer.session_fee:
        return _("{rate} per kWh").format(rate=rate) + _tax(price, _(", plus {percent} % {tax}"))
    fee = format_money(offer.session_fee, offer.currency)
    both = _("{rate} per kWh and {fee} per session").format(rate=rate, fee=fee)
    return both + _tax(price, _(", plus {percent} % {tax} on both"))


def _fee_only(offer: Offer) -> str:
    if offer.session_fee and offer.currency:
        fee = format_money(offer.session_fee, offer.currency)
        return _("{fee} per session; the price per kWh is not given").format(fee=fee)
    return _("Price not given")


def _tax(price: TypicalPrice, words: str) -> str:
    if price.tax_percent:
        return words.format(percent=price.percent_text, tax=price.tax_name or _("tax"))
    return _(", no tax on top") if price.includes_tax else ""


def _label(offer: Offer) -> str:
    return offer.letter or offer.name or offer.item_id


def _terms(offer: Offer) -> tuple:
    plain = (offer.currency, offer.energy_rate, offer.session_fee, offer.tax_name, offer.tax_percent)
    return *plain, json.dumps(offer.tariff, sort_keys=True)
