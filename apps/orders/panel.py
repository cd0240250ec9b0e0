"""What the pages of an order show. Reads only what the state at hand needs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.beckn.models import Message
from apps.discovery.photo_policy import photo_of
from apps.lib import clock
from apps.orders import change_panel, course, curve, money_back, slot_panel, slots, standing, wording
from apps.orders.ask_page import again
from apps.orders.forms import AcceptForm, BillingForm
from apps.orders.models import Order, OrderLine, Progress
from apps.orders.price_lines import lines, total_was
from apps.orders.remaining import gauge, remaining
from apps.orders.services.help import awaits_support
from apps.orders.services.leaving import CAN_CANCEL, NOT_YET_CONFIRMED
from apps.orders.states import OVER
from apps.orders.states import State as S
from apps.orders.terms import cancellation_fee
from apps.payments.models import Payment
from apps.payments.selectors import latest

STEPS = (
    (gettext_lazy("Quote"), {S.QUOTE_REQUESTED, S.QUOTED}),
    (gettext_lazy("Terms"), {S.TERMS_REQUESTED, S.TERMS_OFFERED}),
    (gettext_lazy("Pay"), {S.PAYING, S.PAYMENT_FAILED, S.CONFIRM_REQUESTED}),
    (gettext_lazy("Plug in"), {S.CONFIRMED, S.STARTING}),
    (gettext_lazy("Charge"), {S.CHARGING, S.INTERRUPTED, S.STOPPING, S.STANDING}),
    (gettext_lazy("Done"), {S.ENDED, S.SETTLED}),
)
FRAGMENTS = {
    S.QUOTED: "quote",
    S.TERMS_OFFERED: "terms",
    S.PAYMENT_FAILED: "paying",
    S.PAYING: "paying",
    S.CONFIRMED: "plug_in",
    S.STARTING: "plug_in",
    S.CHARGING: "charging",
    S.INTERRUPTED: "charging",
    S.STOPPING: "charging",
    S.STANDING: "standing",
    S.ENDED: "bill",
    S.SETTLED: "bill",
    **{state: "over" for state in OVER if state != S.SETTLED},
}
START_FAILURES = {"40006", "40001", "start-timeout", "unreachable"}  # after these the driver may try again
SLOW_STOP = timedelta(seconds=30)


def context(order: Order, **forms: Any) -> dict[str, Any]:
    headline, sentence = wording.HEADLINES[order.state]
    fragment = FRAGMENTS.get(order.state, "waiting")
    shown = {
        "order": order,
        "now": clock.now(),
        "zone": zone_of(order),
        "headline": headline,
        "sentence": sentence,
        "fragment": f"orders/_{fragment}.html",
        "version": version(order),
        "poll_seconds": 0 if order.state in OVER else (4 if fragment in ("waiting", "paying") else 10),
        # Without a script: only where there is nothing to fill in or to read in peace.
        "reloads": fragment in ("waiting", "paying", "charging", "standing")
        or order.state in (S.STARTING, S.ENDED),
        "steps": steps(order),
        "plug": plug_words(order),
        "photo": photo_of(order.photo),
        "warnings": warning_words(order),
        "failure": failure_words(order),
        "can_cancel": order.state in CAN_CANCEL,
        "awaits_support": awaits_support(order),
        "again_url": again_url(order),
        "idle": standing.shown(order, clock.now()),
        "time": (time := slot_panel.time_of(order, zone_of(order))),
    }
    if time and time.get("is_early") and order.state == S.CONFIRMED:
        shown["headline"], shown["sentence"] = wording.RESERVED
    elif order.start_key_kind and order.state == S.CONFIRMED:
        shown["sentence"] = wording.STARTED_THERE
    shown |= _MORE[fragment](order)
    if shown.get("refund_waits"):
        shown["poll_seconds"] = 10  # the order is over, its refund is not
    return {**shown, **forms}


def version(order: Order) -> str:
    """A page that has seen it shows the newest."""
    # Both pass by themselves, without anybody changing the order.
    early = slots.is_early(order, clock.now())
    free = standing.is_free(order, clock.now())
    return f"{order.changed_at.isoformat()}{'-early' if early else ''}{'-free' if free else ''}"


def steps(order: Order) -> list[dict[str, Any]]:
    here = next((number for number, (_label, states) in enumerate(STEPS) if order.state in states), None)
    if order.state == S.SETTLED:
        here = len(STEPS)
    return [
        {"label": label, "is_done": here is not None and number < here, "is_here": number == here}
        for number, (label, _states) in enumerate(STEPS)
    ]


def plug_words(order: Order) -> str:
    kind = wording.STANDARDS.get(order.plug_standard, order.plug_standard.replace("_", " "))
    power = f"{order.max_kw:.0f} kW {order.power_type}".strip() if order.max_kw else order.power_type
    letter = _("Plug {}").format(order.plug_letter) if order.plug_letter else ""
    return " · ".join(str(word) for word in (letter, kind, power) if word)


def warning_words(order: Order) -> list[Any]:
    return [wording.WARNINGS[key] for key in order.warnings if key in wording.WARNINGS]


def failure_words(order: Order) -> dict[str, Any] | None:
    """What went wrong, in our words, and the operator's own beside them."""
    if not order.failure_code:
        return None
    ours = wording.FAILURES.get(order.failure_code, wording.UNKNOWN_FAILURE)
    return {
        "ours": ours,
        "theirs": "" if order.failure_code == "payment" else order.failure_message,  # that is the bank's
        "is_own_wish": order.failure_code == "cancelled-by-driver",
    }


def zone_of(order: Order) -> str:
    try:
        return ZoneInfo(order.station_zone).key if order.station_zone else "UTC"
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"


def again_url(order: Order) -> str:
    """The same plug, the same amount, a new quote; "" when the offer is gone."""
    if not order.offer_id:
        return ""
    page = "orders:times" if order.slot_starts_at else "orders:new"
    return f"{reverse(page, args=[order.offer.code])}?{urlencode(again(order.wish))}"


def leaving(order: Order) -> dict[str, Any]:
    """What the page before a cancellation says: promised orders may cost a fee, all others nothing."""
    return {"order": order, "fee": Decimal(0) if order.state in NOT_YET_CONFIRMED else fee_now(order)}


def _waiting(order: Order) -> dict[str, Any]:
    return {}


def _quote(order: Order) -> dict[str, Any]:
    return {
        "lines": lines(order, OrderLine.Kind.QUOTE),
        "total_was": total_was(order),
        "billing_form": BillingForm(person=order.driver),
    }


def _terms(order: Order) -> dict[str, Any]:
    return {
        "lines": lines(order, OrderLine.Kind.QUOTE),
        "total_was": total_was(order),
        "terms_rows": terms_rows(order),
        "accept_form": AcceptForm(),
        "terms_url": order.terms.get("url", ""),
    }


def _paying(order: Order) -> dict[str, Any]:
    return {"payment": payment_of(order)}


def _plug_in(order: Order) -> dict[str, Any]:
    position = "" if order.lat is None else f"{order.lat:f},{order.lon:f}"
    more = {"fee": fee_now(order), "payment": payment_of(order), "position": position}
    more |= {"code_groups": wording.groups_of(order.start_code)}
    more |= change_panel.shown(order)
    more |= {"start_failed": order.state == S.CONFIRMED and order.failure_code in START_FAILURES}
    if order.state == S.STARTING:
        marks = list(order.marks.all())
        more |= {
            "start_steps": course.start_steps(order, marks),
            "other_plug": course.other_plug(order, marks),
            "may_move_there": bool(order.other_plug) and not more["change"],
        }
    return more


def _charging(order: Order) -> dict[str, Any]:
    progress = Progress.objects.filter(order=order).first()
    marks = list(order.marks.all())
    more = _told(order, progress) | curve.drawn(order, marks, zone_of(order)) | {"chips": course.chips(marks)}
    if more["pause"] and order.state != S.STOPPING:
        more["headline"] = more["pause"]["headline"]
    if order.state == S.STOPPING:
        steps = course.stop_steps(order, progress, marks, request_taken=_request_was_taken(order))
        return more | {"stop_steps": steps, "stop_is_slow": _is_slow(order)}
    return more | change_panel.shown(order)


def figures(order: Order, progress: Progress) -> dict[str, Any]:
    """All that a reading changes: of the curve only its newest point."""
    point = (progress.reading_at, progress.power_kw, progress.energy_kwh)
    return {
        "order": order,
        "warnings": warning_words(order),
        "failure": failure_words(order),
        "curve": curve.columns([point], gaps=[], zone=zone_of(order)),
        **_told(order, progress),
    }


def _told(order: Order, progress: Progress | None) -> dict[str, Any]:
    pause = course.banner(order, progress)
    return {
        "progress": progress,
        "reading_at": min(progress.reading_at, progress.received_at) if progress else None,
        "energy_kwh": (progress and progress.energy_kwh) or Decimal(0),
        "gauge": gauge(order, progress),
        "remaining": remaining(order, progress) if order.state == S.CHARGING and not pause else None,
        "pause": pause,
        "is_free_to_stop": bool(order.free_until and order.free_until > clock.now()),
        "may_be_other_car": bool(order.not_my_car_until and order.not_my_car_until > clock.now()),
        "ring_state": "flowing" if order.state == S.CHARGING and not pause else "paused",
    }


def _standing(order: Order) -> dict[str, Any]:
    progress = Progress.objects.filter(order=order).first()
    return {
        "progress": progress,
        "lasted": lasted(order),
        "ended_by": wording.ENDED_BY.get(order.ended_by, ""),
        "chips": course.chips(list(order.marks.all())),
    }


def _is_slow(order: Order) -> bool:
    return bool(order.stop_asked_at) and clock.now() - order.stop_asked_at > SLOW_STOP


def lasted(order: Order) -> timedelta | None:
    return order.ended_at - order.started_at if order.started_at and order.ended_at else None


def _bill(order: Order) -> dict[str, Any]:
    return {
        "lasted": lasted(order),
        "lines": lines(order, OrderLine.Kind.BILL),
        "ended_by": wording.ENDED_BY.get(order.ended_by, ""),
        "payment": payment_of(order),
        "events": history_words(order),
        **money_back.shown(order),
        "chips": course.chips(list(order.marks.all())),
    }


def _over(order: Order) -> dict[str, Any]:
    return {
        "lasted": lasted(order),
        "payment": payment_of(order),
        "events": history_words(order),
        **money_back.shown(order),
    }


_MORE = {
    "waiting": _waiting,
    "quote": _quote,
    "terms": _terms,
    "paying": _paying,
    "plug_in": _plug_in,
    "charging": _charging,
    "standing": _standing,
    "bill": _bill,
    "over": _over,
}


def payment_of(order: Order) -> Payment | None:
    return latest(side=Payment.Side.DRIVER, reference=str(order.code))


def fee_now(order: Order) -> Decimal:
    """What cancelling costs in this moment."""
    return cancellation_fee(
        order.terms, quote_amount=order.quote_amount or Decimal(0), currency=order.currency, at=clock.now()
    )


def terms_rows(order: Order) -> list[dict[str, Any]]:
    """The five rows everybody reads; the operator's own text is one link further."""
    refund = next((term for term in order.terms.get("refund", []) if term["eligible"]), None)
    days = refund["within_days"] if refund else None
    idle = standing.words_of_terms(order)
    back = _("What is held and not used is released when the bill is final.")
    return [
        {"icon": "lock", "title": _("Price"), "kind": "price"},
        {"icon": "credit-card", "title": _("Payment"), "kind": "payment"},
        {
            "icon": "circle-x",
            "title": _("Leaving early"),
            "kind": "cancel",
            "fee": fee_now(order),
            "stages": slot_panel.stages(order),
        },
        {
            "icon": "wallet",
            "title": _("Money back"),
            "words": back + (" " + _("Refunds take up to {} days.").format(days) if days else ""),
        },
        *([{"icon": "clock", "title": _("Standing on"), "kind": "idle", **idle}] if idle else []),
        {
            "icon": "shield-check",
            "title": _("If it is interrupted"),
            "words": _("You can stop at any time, and pay only for what was used until then."),
        },
    ]


def _request_was_taken(order: Order) -> bool:
    sent = Message.objects.filter(message_id=order.asked_message_id, direction=Message.Direction.OUT)
    return sent.filter(state=Message.State.ACKED).exists()


def history_words(order: Order) -> list[dict[str, Any]]:
    """What happened, one line per change of state."""
    labels = dict(S.choices)
    return [
        {"at": event.at, "words": labels.get(event.now, event.now), "why": event.why and _(event.why)}
        for event in order.events.all()
        if event.was != event.now
    ]
