"""What a driver reads: one home for the words of states, warnings and failures."""

from django.utils.translation import gettext_lazy as _

from apps.orders.states import State as S

# State → the word in the head of the page, and what is going on in one sentence.
HEADLINES = {
    S.QUOTE_REQUESTED: (
        _("Asking the operator"),
        _("We asked for a price. The operator usually answers in seconds."),
    ),
    S.QUOTED: (_("Your quote"), _("This is the operator's price. Nothing is charged yet.")),
    S.TERMS_REQUESTED: (
        _("Asking for the terms"),
        _("The operator keeps the plug for you and sends its terms."),
    ),
    S.TERMS_OFFERED: (_("The terms"), _("The plug is kept for you until the quote expires.")),
    S.PAYING: (_("Payment"), _("We wait for your bank to hold the amount.")),
    S.PAYMENT_FAILED: (_("Payment failed"), _("Nothing was charged and nothing is held.")),
    S.CONFIRM_REQUESTED: (_("Confirming"), _("The amount is held. The operator is confirming your order.")),
    S.CONFIRMED: (_("Ready when you are"), _("Drive to the plug, plug in, then press Start.")),
    S.STARTING: (_("Starting"), _("The charger is being told to start. Plug in now if you have not.")),
    S.CHARGING: (_("Charging"), ""),
    S.INTERRUPTED: (_("Paused"), _("The operator lost the link to the charger.")),
    S.STOPPING: (_("Stopping"), _("The charger is being told to stop.")),
    S.STANDING: (
        _("Charged, still plugged in"),
        _("The energy is settled. The receipt comes when your car has left the plug."),
    ),
    S.ENDED: (_("Done"), _("The bill is final. Your bank is being told the exact amount.")),
    S.SETTLED: (_("Receipt"), ""),
    S.EXPIRED: (_("Expired"), _("The time for this step ran out. Nothing was charged.")),
    S.REFUSED: (_("Not possible"), _("The operator did not accept this order. Nothing was charged.")),
    S.CANCELLING: (_("Cancelling"), _("The operator is being told.")),
    S.CANCELLED: (_("Cancelled"), _("This order was cancelled.")),
    S.NO_SHOW: (_("Not used"), _("The operator waited and then ended the order.")),
    S.FAILED: (_("Failed"), _("This order could not be completed.")),
}

# The head of a confirmed order whose time is still ahead.
STARTED_THERE = _("Drive to the plug, plug in, then start at the charger.")
RESERVED = (_("Reserved"), _("The plug is yours at that time. We remind you shortly before."))

# failure_code → what happened, in the driver's words. Codes of the network are spelt as on the wire.
FAILURES = {
    "no-answer": _("The operator did not answer in time."),
    "unreachable": _("The operator could not be reached."),
    "unreadable": _("The operator's answer could not be read, so we did not act on it."),
    "collects-itself": _(
        "This operator wants to collect the money itself. This portal cannot do that safely yet."
    ),
    "payment": _("Your bank did not hold the amount."),
    "start-timeout": _(
        "The charger did not start in time. Check that the cable is fully in, then try again."
    ),
    "no-bill": _("The operator never sent a bill, so everything that was held is released."),
    "bill-not-paid": _("The charge took place, but your bank did not pay the bill. We will contact you."),
    "cancelled-by-driver": _("You cancelled."),
    "cancelled-by-operator": _("The operator cancelled."),
    "30001": _("The operator is not known there any more."),
    "30004": _("This plug is no longer for sale."),
    "30008": _("This plug cannot be had right now."),
    "40000": _("The plug is taken or held right now."),
    "40001": _("The operator could not do that at this moment."),
    "40002": _("The operator cannot sell this amount."),
    "40003": _("The quote has expired."),
    "40006": _("The charger did not start. Check that the cable is fully in, then try again."),
    "50001": _("It could not be cancelled any more."),
    "50002": _("It could not be changed any more."),
}
# Where a change came to nothing, more to the point.
CHANGE_FAILURES = {
    "no-answer": _("The operator did not answer in time. Your order is as it was."),
    "unreachable": _("The operator could not be reached. Your order is as it was."),
    "not-held": _("Your bank does not hold more, so your order is as it was."),
    "bank-silent": _("Your bank did not answer in time, so your order is as it was."),
    "other-currency": _("The operator answered in another currency, so your order is as it was."),
    "30008": _("That plug cannot be had right now. Yours is still kept for you."),
    "40000": _("Somebody else has the plug after you, so there is not enough time for that."),
    "40002": _("The operator cannot sell this amount. Your order is as it was."),
    "40003": _("The new price has expired. Ask for it again if you still want it."),
}
UNKNOWN_FAILURE = _("The operator said no.")

WARNINGS = {
    "lines-do-not-add-up": _("The lines of this quote do not add up to its total. The total is what counts."),
    "more-than-asked": _("The operator quoted more energy than you asked for."),
    "more-than-money": _("The operator quoted more money than you asked to spend."),
    "other-currency": _("The operator quotes in another currency than it advertised."),
    "dearer-than-offer": _("This is more than the price the operator advertised."),
    "dearer-than-quoted": _("The price went up since the quote."),
    "other-time": _("The operator answered with another time than the one you chose."),
    "may-end-early": _(
        "This energy does not fit into the time, even at the plug's full power: the charge will end before it is all"
        " delivered. You pay only for what was delivered."
    ),
    "bill-lines-do-not-add-up": _("The lines of this bill do not add up to its total."),
    "bill-above-authorisation": _(
        "The operator's bill was higher than what you agreed to. You pay only what you agreed to."
    ),
}

# Words for a line of a bill, by our code; the operator's own word when we have none.
LINES = {
    "energy-cost": _("Energy"),
    "service-charge": _("Session fee"),
    "platform-fee": _("Platform fee"),
    "parking-fee": _("Parking"),
    "reservation-fee": _("Reservation"),
    "idle-fee": _("Idle time"),
    "time-cost": _("Charging time"),
    "minimum-price": _("Up to the lowest price of a charge"),
    "discount": _("Discount"),
    "cancellation-fee": _("Cancellation fee"),
    "refund": _("Refund"),
}
# What ended the charge, where it was what had been ordered.
ENDED_BY = {
    "energy": _("It ended when the ordered energy was delivered."),
    "time": _("It ended when the ordered time was over."),
    "money": _("It ended when the amount you agreed to was used up."),
}
STANDARDS = {
    "IEC_62196_T2_COMBO": "CCS2",
    "IEC_62196_T1_COMBO": "CCS1",
    "IEC_62196_T2": "Type 2",
    "IEC_62196_T1": "Type 1 (J1772)",
    "CHADEMO": "CHAdeMO",
    "GBT_AC": "GB/T AC",
    "GBT_DC": "GB/T DC",
    "TESLA_S": "NACS",
    "TESLA_R": "Tesla Roadster",
    "DOMESTIC_D": _("15 A socket"),
    "NEMA_5_20": "NEMA 5-20",
}
# The word of the plug (OCPP 1.6) while energy should flow → banner of the live page. `headline`: the state word, then.
PAUSES = {
    "SuspendedEV": {
        "icon": "car",
        "headline": _("Paused by the car"),
        "words": _(
            "That is usual near the end, or when the car waits for cheaper hours. "
            "You pay only for energy delivered."
        ),
    },
    "SuspendedEVSE": {
        "icon": "ev-charger",
        "headline": _("Paused by the station"),
        "words": _("It goes on by itself; you pay only for energy delivered."),
    },
    "Faulted": {
        "icon": "triangle-alert",
        "headline": _("The charger reports a fault"),
        "words": _("You pay only for energy delivered. You can stop, unplug, and charge elsewhere."),
    },
    "Finishing": {
        "icon": "unplug",
        "headline": _("Finished. Please unplug."),
        "words": _("The final bill is on its way."),
    },
    "Offline": {
        "icon": "wifi-off",
        "headline": _("Paused – the site is offline"),
        "words": _(
            "It usually goes on charging by itself. You pay only for energy delivered, and the missing readings "
            "follow when the link is back."
        ),
    },
}
CLOSING = {
    "icon": "hourglass",
    "headline": _("We are closing your session"),
    "words": _(
        "The charge is over, only the last reading of the meter is missing. Nothing more is billed. Without it the "
        "bill ends with the last good reading."
    ),
    "is_closing": True,
}
# A stage of the session's ledger (apps/orders/story.py) → its word, its icon, its tone.
STAGES = {
    "plugged-in": (_("Plugged in"), "plug", "plain"),
    "charging": (_("Charging"), "zap", "good"),
    "paused-by-car": (_("Paused by the car"), "car", "attention"),
    "paused-by-station": (_("Paused by the station"), "ev-charger", "attention"),
    "fault": (_("Fault at the charger"), "triangle-alert", "bad"),
    "site-offline": (_("Site offline"), "wifi-off", "attention"),
    "stop-asked": (_("Stop asked"), "circle-stop", "plain"),
    "stop-accepted": (_("Charger took the stop"), "check", "plain"),
    "stopped": (_("Stopped"), "circle-stop", "plain"),
    "meter-awaited": (_("Waiting for the last reading"), "hourglass", "attention"),
    "meter-final": (_("Last reading"), "circle-check", "good"),
    "meter-estimated": (_("Ended on the last good reading"), "circle-check", "attention"),
}
PARTIES = {
    "driver": _("driver"),
    "car": _("car"),
    "station": _("station"),
    "grid": _("power grid"),
    "operator": _("operator"),
}


def groups_of(code: str) -> str:
    """Digits in groups of four, as one reads them out: 4821 0937. A code of letters is left as it is."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4)) if code.isdigit() else code
