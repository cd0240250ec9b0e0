"""What each verb means, for a reader who learns Beckn from the messages of a real order."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "search": _("The driver's app asks which chargers there are. It goes to a gateway or to every operator."),
    "on_search": _(
        "An operator shows its stations, connectors and prices. Several may answer, in several parts."
    ),
    "select": _("The driver picks a connector and an amount of energy and asks what it will cost."),
    "on_select": _("The operator quotes a price, line by line, and says how long it stands."),
    "init": _("The driver gives billing details and asks for the final terms."),
    "on_init": _(
        "The operator states payment, cancellation and refund terms and holds the connector for a while."
    ),
    "confirm": _("The driver accepts the terms: this is the order."),
    "on_confirm": _("The operator accepts the order and gives it its number."),
    "status": _("The driver's app asks how the order stands."),
    "on_status": _(
        "The operator tells how the order stands. It may do so unasked whenever something changes."
    ),
    "track": _("The driver's app asks where the running charge can be watched."),
    "on_track": _("The operator says where the running charge can be watched."),
    "update": _("The driver changes the order: starts or stops the charge, or asks for more."),
    "on_update": _(
        "The operator carried the change out, or changed something itself. At the end it carries the bill."
    ),
    "cancel": _("The driver cancels the order."),
    "on_cancel": _(
        "The order is cancelled; terms and fee are stated. The operator may also cancel by itself."
    ),
    "rating": _("The driver rates the charge."),
    "on_rating": _("The operator thanks for the rating, perhaps with a form for more."),
    "support": _("The driver asks for help with the order."),
    "on_support": _("The operator says how help can be reached."),
    "refund": _("The driver asks for money back. An extension of ours: Beckn has no verb for it."),
    "on_refund": _("The operator says what became of the refund."),
    "get_cancellation_reasons": _("The driver's app asks which reasons for cancelling the operator knows."),
    "cancellation_reasons": _("The operator lists its reasons for cancelling."),
    "get_rating_categories": _("The driver's app asks what can be rated."),
    "rating_categories": _("The operator lists what can be rated."),
    "issue": _("The driver opens or changes a grievance."),
    "on_issue": _("The operator took the grievance, or did something about it."),
    "issue_status": _("The driver's app asks how the grievance stands."),
    "on_issue_status": _("The operator tells how the grievance stands."),
}

STATES = {
    "QUEUED": _("Waiting to be sent."),
    "SENDING": _("On its way."),
    "ACKED": _("The receiver has it and promised to deal with it (ACK)."),
    "NACKED": _("The receiver refused to take it (NACK). Nothing will follow."),
    "GIVEN_UP": _("It could not be delivered in time and was given up."),
    "RECEIVED": _("Stored and acknowledged; not yet worked."),
    "WORKING": _("Being worked right now."),
    "DONE": _("Worked; what follows from it is a message of its own."),
    "REFUSED": _("Our rules said no; the sender was told why, if it waited for an answer."),
    "EXPIRED": _("It came, or was reached, after its time to live and had no effect."),
    "FAILED": _("We could not work it, after several tries."),
}


def verb(action: str) -> str:
    return VERBS.get(action, "")
