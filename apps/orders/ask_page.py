"""What the page "How much?" shows: one control, what can be chosen there, and what it would cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.accounts.vehicles import ChosenVehicle
from apps.discovery.models import Offer
from apps.discovery.photo_policy import shown
from apps.lib import clock
from apps.lib.money import SYMBOLS
from apps.orders import wording
from apps.orders.forms import AmountForm
from apps.orders.slots import Slot
from apps.orders.wish import TO_PERCENT, Wish, estimate


def modes(offer: Offer, vehicle: ChosenVehicle | None) -> list[str]:
    """What can be ordered here: money where there is a price, time where there is a power, percent of a known car."""
    found = ["energy"]
    if offer.max_kw:
        found.append("time")
    if offer.rules is not None and offer.rules.currency:
        found.append("money")
    if vehicle and vehicle.battery_kwh and may_charge(offer, vehicle):
        found.append("percent")
    return found


def may_charge(offer: Offer, vehicle: ChosenVehicle) -> bool:
    return bool(vehicle.fit(offer.standard, offer.power_type, offer.max_kw))


def power_kw(offer: Offer, vehicle: ChosenVehicle | None) -> Decimal | None:
    """What car and plug have in common."""
    fit = vehicle and vehicle.fit(offer.standard, offer.power_type, offer.max_kw)
    return (fit and fit.kw) or offer.max_kw


def form(
    kind: type[AmountForm],
    offer: Offer,
    vehicle: ChosenVehicle | None,
    data: Any = None,
    initial: Mapping[str, str] | None = None,
) -> AmountForm:
    """`initial` may be any address: what makes no sense in it is left out."""
    facts = {"modes": modes(offer, vehicle), "battery_kwh": vehicle and vehicle.battery_kwh}
    told = AmountForm(initial or {}, **facts)
    usable = {name: value for name, value in told.cleaned_data.items() if value} if told.is_valid() else {}
    return kind(data, initial=usable, **facts)


def context(
    offer: Offer, form: AmountForm, vehicle: ChosenVehicle | None, slot: Slot | None = None
) -> dict[str, Any]:
    """Priced for the reserved time where one is chosen: the tariff of that hour, not of this."""
    wish = form.wish()
    when = {"now": slot.starts_at if slot else clock.now(), "is_reserved": slot is not None}
    guess = wish and estimate(offer, wish, power_kw=power_kw(offer, vehicle), **when)
    return {
        "form": form,
        "offer": offer,
        "photo": next(iter(shown(offer.station.photos)), None),
        "by": form.mode,
        "modes": [(mode, _word(mode, offer)) for mode in form.modes],
        "is_car_unknown": vehicle is None or vehicle.battery_kwh is None,
        "vehicle": vehicle,
        "money_unit": _unit(offer),
        "wish": wish,
        "wish_query": urlencode(_said(wish)) if wish else "",
        "guess": guess,
        "plug_kind": wording.STANDARDS.get(offer.standard, offer.standard.replace("_", " ")),
        "gross_rate": gross_rate(offer),
    }


def _word(mode: str, offer: Offer) -> str:
    words = {
        "energy": "kWh",
        "time": _("Minutes"),
        "money": _unit(offer),
        "percent": _("To {} %").format(TO_PERCENT),
    }
    return words[mode]


def _unit(offer: Offer) -> str:
    return SYMBOLS.get(offer.currency, offer.currency)


def gross_rate(offer: Offer) -> Decimal | None:
    if offer.energy_rate is None:
        return None
    return offer.energy_rate * (1 + (offer.tax_percent or Decimal(0)) / 100)


def _said(wish: Wish) -> dict[str, str]:
    """For the next page of the same visit: what the car showed is still true."""
    if wish.from_percent is not None:
        return {"by": "percent", "percent_now": str(wish.from_percent)}
    return again(wish)


def again(wish: Wish) -> dict[str, str]:
    """The same wish in the address of the page."""
    if wish.minutes is not None:
        return {"by": "time", "minutes": str(wish.minutes)}
    if wish.amount is not None:
        return {"by": "money", "amount": f"{wish.amount.normalize():f}"}
    return {"energy_kwh": f"{wish.energy_kwh.normalize():f}"}
