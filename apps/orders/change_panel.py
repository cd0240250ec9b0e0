"""What the pages show of a change of the order, and the page that asks for one."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.vehicles import ChosenVehicle
from apps.discovery.models import Offer
from apps.discovery.selectors import PlugCard, station_view
from apps.lib import clock
from apps.lib.money import format_money
from apps.orders import ask_page, price_lines, wording
from apps.orders.forms import AmountForm
from apps.orders.models import Change, Order, OrderLine
from apps.orders.quotes import quoted
from apps.orders.services.change_steps import BEFORE_ENERGY, CHANGEABLE, can_hold, held, priced
from apps.orders.wish import Estimate, Wish, estimate

# One tap more, in the unit of the order.
MORE_KWH, MORE_MINUTES = Decimal(10), 30
MORE_MONEY = {"INR": Decimal(200), "JPY": Decimal(1000)}
TOLD_FOR = timedelta(minutes=10)  # so long the page says how a change ended, unless it was read before
ENDED_WELL = Change.State.DONE
ENDED_BADLY = (Change.State.REFUSED, Change.State.LAPSED)


def shown(order: Order) -> dict[str, Any]:
    """The change that is open, or how the last one ended; and what may be changed now."""
    change = order.changes.filter(seen_at=None).first()
    if change is None or not _is_news(change):
        change = None
    else:
        change.order = order
    may = order.state in CHANGEABLE and bool(order.network_order_id)
    return {
        "change": change,
        "change_failure": _failure(change),
        "may_change": may and not (change and change.is_open),
        "more_words": _more_words(order),
        **(_offer(order, change) if change and change.state == Change.State.OFFERED else {}),
    }


def _is_news(change: Change) -> bool:
    if change.is_open:
        return True
    last = change.events.last()
    told_lately = last is not None and last.at > clock.now() - TOLD_FOR
    is_told = change.state == ENDED_WELL or (change.state in ENDED_BADLY and bool(change.failure_code))
    return is_told and told_lately


def _failure(change: Change | None) -> dict[str, Any] | None:
    if change is None or not change.failure_code:
        return None
    ours = wording.CHANGE_FAILURES.get(change.failure_code) or wording.FAILURES.get(change.failure_code)
    theirs = "" if change.failure_code == "not-held" else change.failure_message
    return {"ours": ours or wording.UNKNOWN_FAILURE, "theirs": theirs}


def _offer(order: Order, change: Change) -> dict[str, Any]:
    difference = change.difference
    return {
        "change_lines": _lines(order, change),
        "change_more": difference if difference > 0 else None,
        "change_less": -difference if difference < 0 else None,
        "change_is_covered": change.quote_amount <= held(order),
        "change_can_be_held": can_hold(order, change.quote_amount),
        "change_held": held(order),
        "change_warnings": [wording.WARNINGS[key] for key in change.warnings if key in wording.WARNINGS],
    }


def _lines(order: Order, change: Change) -> list[dict[str, Any]]:
    """The new lines, with what each was before where that was something else."""
    rows = [
        OrderLine(order=order, kind=OrderLine.Kind.QUOTE, position=position, **vars(line))
        for position, line in enumerate(priced(change).lines)
    ]
    return price_lines.marked(rows, quoted(order)["lines"])


# --- One tap more -------------------------------------------------------------------------------------------


def one_tap_more(order: Order) -> Wish:
    if order.ordered_minutes is not None:
        return Wish(minutes=order.ordered_minutes + MORE_MINUTES)
    if order.ordered_amount is not None:
        return Wish(amount=order.ordered_amount + _more_money(order))
    return Wish(energy_kwh=order.energy_kwh + MORE_KWH)


def _more_money(order: Order) -> Decimal:
    return MORE_MONEY.get(order.currency, Decimal(10))


def _more_words(order: Order) -> str:
    if order.ordered_minutes is not None:
        return _("{minutes} min more").format(minutes=MORE_MINUTES)
    if order.ordered_amount is not None:
        return _("{amount} more").format(amount=format_money(_more_money(order), order.currency))
    return _("{energy} kWh more").format(energy=MORE_KWH)


# --- The page that asks --------------------------------------------------------------------------------------


def form(order: Order, offer: Offer, vehicle: ChosenVehicle | None, data: Any = None) -> AmountForm:
    """What is ordered now stands in it. To 80 % is for the start only: what the car shows then is known."""
    initial: Mapping[str, str] = ask_page.again(order.wish)
    modes = [mode for mode in ask_page.modes(offer, vehicle) if mode != "percent"]
    return AmountForm(data, initial=initial, modes=modes)


def asking(order: Order, offer: Offer, form: AmountForm, vehicle: ChosenVehicle | None) -> dict[str, Any]:
    context = ask_page.context(offer, form, vehicle) | {
        "order": order,
        "is_car_unknown": False,
        "vehicle": None,
    }
    guess = context["guess"]
    against = _against_now(order, guess)
    return context | {
        "change_more": against["more"],
        "change_less": against["less"],
        "is_as_now": form.wish() == order.wish,
        "change_held": held(order),
        "change_can_be_held": guess is None or can_hold(order, guess.total),
        "other_plugs": other_plugs(order, offer),
        "may_change": order.state in CHANGEABLE,
    }


def other_plugs(order: Order, offer: Offer) -> list[dict[str, Any]]:
    """Those of the same station that can be had now; only before energy flows."""
    if order.state not in BEFORE_ENERGY:
        return []
    view = station_view(offer.station.code)
    cards = view.plugs if view else []
    return [
        _choice(order, card) for card in cards if card.may_be_ordered and card.offer.item_id != order.item_id
    ]


def _choice(order: Order, card: PlugCard) -> dict[str, Any]:
    guess = estimate(card.offer, order.wish, now=clock.now())
    return {"card": card, "offer": card.offer, **_against_now(order, guess)}


def _against_now(order: Order, guess: Estimate | None) -> dict[str, Any]:
    """How much more or less than what is promised now; `difference` is None where nobody can tell."""
    known = guess is not None and guess.currency == order.currency
    difference = guess.total - order.quote_amount if known else None
    return {
        "difference": difference,
        "more": difference if difference and difference > 0 else None,
        "less": -difference if difference and difference < 0 else None,
    }
