"""What a driver reads of a happening: a title, and one sentence more. In the language that is active."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from apps.lib import clock
from apps.lib.money import format_money, round_money
from apps.notices import refund_words, ticket_words
from apps.notices.models import Happening as H
from apps.notices.models import Notice
from apps.orders import standing
from apps.orders.models import Order
from apps.orders.panel import zone_of

OTHERS = {"ticket": ticket_words, "refund": refund_words}


def title_of(notice: Notice) -> str:
    return _others(notice).title_of(notice.facts) if notice.about else _title(notice)


def sentence_of(notice: Notice) -> str:
    return _others(notice).sentence_of(notice.facts) if notice.about else _sentence(notice)


def _others(notice: Notice):
    return OTHERS[notice.about.partition("-")[0]]


def _title(notice: Notice) -> str:
    station = notice.order.station_name
    titles = {
        H.STARTED: _("Charging at {station}"),
        H.NEARLY: _("Nearly full at {station}"),
        H.IDLE_SOON: _("Done in about five minutes at {station}"),
        H.IDLE_STARTED: _("Please unplug at {station}"),
        H.INTERRUPTED: _("Interrupted at {station}"),
        H.FINISHED: _("Finished at {station}"),
        H.RECEIPT: _("Receipt: {station}"),
        H.CORRECTED: _("New receipt: {station}"),
    }
    return titles[H(notice.happening)].format(station=station)


def _sentence(notice: Notice) -> str:
    order = notice.order
    if notice.happening in (H.FINISHED, H.RECEIPT):
        return _bill(order)
    if notice.happening == H.IDLE_STARTED:
        return _standing(order)
    sentences = {
        H.STARTED: _("Energy flows. You can watch it, and stop it, on its page."),
        H.NEARLY: _("80 %, or the energy you ordered, is reached."),
        H.IDLE_SOON: _(
            "Please be back in time to unplug: others may be waiting, and some operators charge for standing."
        ),
        H.INTERRUPTED: _(
            "The operator lost the link to the charger. It usually goes on by itself; you pay only for energy"
            " delivered."
        ),
        H.CORRECTED: _(
            "Money came back, or the operator wrote another document. The receipt says how things stand now."
        ),
    }
    return sentences[H(notice.happening)]


def _standing(order: Order) -> str:
    """Until when it is free, what it costs then, and how much at most."""
    idle = standing.shown(order, clock.now())
    costs = idle and idle["costs"]
    if not costs:
        return _("Your car takes no more energy. Others may be waiting for the plug.")
    facts = {
        "price": format_money(round_money(costs["per_minute"], order.currency), order.currency),
        "cap": format_money(costs["cap"], order.currency) if costs["cap"] else "",
        "time": _local(order, idle["free_until"]) if idle["free_until"] else "",
    }
    if not costs["cap"]:
        return _("Standing on is free until {time} and costs {price} per minute then.").format(**facts)
    words = _("Standing on is free until {time} and costs {price} per minute then, at most {cap}.")
    return words.format(**facts)


def _local(order: Order, at: datetime) -> str:
    zone = ZoneInfo(zone_of(order))
    return f"{at.astimezone(zone):%H:%M} (UTC{at.astimezone(zone):%z})"


def _bill(order: Order) -> str:
    if order.billed_amount is None:
        return _("The charge is over.")
    amount = format_money(order.billed_amount, order.currency)
    if order.billed_kwh is None:
        return _("You pay {amount}.").format(amount=amount)
    return _("{kwh} kWh, you pay {amount}.").format(kwh=f"{order.billed_kwh:.2f}", amount=amount)
