"""Who has looked at the words of a rating, and how a form of an operator goes. Stars always count; only words wait."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class Words(models.TextChoices):
    PUBLISHED = "PUBLISHED", _("Shown")
    HELD = "HELD", _("Waits for a look")
    REPORTED = "REPORTED", _("Shown, reported by readers")
    APPROVED = "APPROVED", _("Shown, looked at")
    HIDDEN = "HIDDEN", _("Hidden")


W = Words
WORDS_MOVES: dict[str, set[str]] = {
    W.PUBLISHED: {W.HELD, W.REPORTED, W.APPROVED, W.HIDDEN},
    W.HELD: {W.PUBLISHED, W.APPROVED, W.HIDDEN},
    W.REPORTED: {W.PUBLISHED, W.HELD, W.APPROVED, W.HIDDEN},
    W.APPROVED: {W.PUBLISHED, W.HELD, W.REPORTED, W.HIDDEN},
    W.HIDDEN: {W.HELD, W.APPROVED},
}
FIRST_WORDS = (W.PUBLISHED, W.HELD)
SHOWN = (W.PUBLISHED, W.REPORTED, W.APPROVED)
WAITING = (W.HELD, W.REPORTED)
LOOKED_AT_WITHIN = timedelta(days=7)
# So many readers take words off the page until somebody has looked.
READERS_THAT_HIDE = 3


class Form(models.TextChoices):
    FOUND = "FOUND", _("To be read")
    READING = "READING", _("Being read")
    OFFERED = "OFFERED", _("The driver may answer here")
    LINK = "LINK", _("Only a link is shown")
    ANSWERED = "ANSWERED", _("Answers to be sent")
    SENDING = "SENDING", _("Answers on their way")
    TAKEN = "TAKEN", _("The operator has the answers")
    REFUSED = "REFUSED", _("The operator refused the answers")
    GIVEN_UP = "GIVEN_UP", _("Given up")


F = Form
FORM_MOVES: dict[str, set[str]] = {
    F.FOUND: {F.READING},
    F.READING: {F.FOUND, F.OFFERED, F.LINK},
    F.OFFERED: {F.ANSWERED, F.LINK},
    F.LINK: set(),
    F.ANSWERED: {F.SENDING},
    F.SENDING: {F.ANSWERED, F.TAKEN, F.REFUSED, F.GIVEN_UP},
    F.TAKEN: set(),
    F.REFUSED: {F.ANSWERED},
    F.GIVEN_UP: set(),
}
ANSWERED_WITHIN = timedelta(days=30)
