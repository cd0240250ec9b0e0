"""Stars and words: given by our drivers, received for our operators. The two never look at each other's rows."""

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.lib.moves import Event
from apps.orders.models import Order
from apps.ratings.states import FIRST_WORDS, FORM_MOVES, WORDS_MOVES, Form, Words


class GivenRating(models.Model):
    """What a driver said of an order. Stars are told to the operator by `rating`; words are read by other drivers, and
    have the states: what a rule or readers doubt is looked at (moderation.py)."""

    State = Words
    MOVES = WORDS_MOVES
    FIRST = FIRST_WORDS

    class Tag(models.TextChoices):
        FIRST_TIME = "first-time", _("Worked first time")
        SPEED = "speed", _("Fast")
        PRICE = "price", _("Fair price")
        ACCESS = "access", _("Easy to reach")
        SAFE = "safe", _("Felt safe")
        AMENITIES = "amenities", _("Things to do")
        NO_START = "no-start", _("Hard to start")
        SLOW = "slow", _("Slower than promised")
        COSTLY = "costly", _("Dearer than expected")
        BLOCKED = "blocked", _("Bay blocked")
        BROKEN = "broken", _("Something is broken")
        UNSAFE = "unsafe", _("Felt unsafe")

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="rating")
    # Where, copied from the order: what is said of a station or an operator is counted from one index.
    bpp_id = models.CharField(max_length=255)
    provider_id = models.CharField(max_length=255)
    lat = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    lon = models.DecimalField(max_digits=9, decimal_places=6, null=True)
    did_work = models.BooleanField()
    stars = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    # Beside the charge as a whole, by the network's category: {"Fulfillment": 4}. Only what the driver said.
    marks = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    words = models.CharField(max_length=500, blank=True)
    state = models.CharField(
        _("state of the words"), max_length=9, choices=Words.choices, default=Words.PUBLISHED
    )
    doubts = models.JSONField(default=list, blank=True)  # keys of rules.DOUBTS that held the words
    decide_until = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)  # somebody looked at these very words
    decision = models.CharField(max_length=300, blank=True)
    given_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    message_id = models.UUIDField(null=True, blank=True)  # the newest `rating` we sent
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-given_at"]
        indexes = [
            models.Index(
                fields=["bpp_id", "provider_id", "lat", "lon", "stars", "did_work"], name="given_at_place"
            ),
            models.Index(
                fields=["bpp_id", "provider_id", "lat", "lon", "-given_at"],
                condition=~Q(words="") & Q(state__in=["PUBLISHED", "REPORTED", "APPROVED"]),
                name="words_at_place",
            ),
            models.Index(
                fields=["decide_until"], condition=Q(decide_until__isnull=False), name="words_to_look_at"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="given_one_to_five_stars"),
            models.CheckConstraint(
                condition=Q(state__in=["HELD", "REPORTED"], decide_until__isnull=False)
                | (~Q(state__in=["HELD", "REPORTED"]) & Q(decide_until__isnull=True)),
                name="words_that_wait_have_a_deadline",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stars} ★ {self.order}"


class RatingEvent(Event):
    """A line of the audit: what happened to the words, who did it, and which words they were."""

    of = models.ForeignKey(GivenRating, on_delete=models.CASCADE, related_name="events")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    words = models.CharField(max_length=500, blank=True)


class WordsReport(models.Model):
    """A reader says that words should not stand there; once per reader."""

    class Why(models.TextChoices):
        ABUSE = "abuse", _("Insults or threatens somebody")
        PRIVATE = "private", _("Names a person, a number or an address")
        ADVERT = "advert", _("Advertises something")
        FALSE = "false", _("Is not about this station, or not true")

    rating = models.ForeignKey(GivenRating, on_delete=models.CASCADE, related_name="reports")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=8, choices=Why.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rating", "reader"], name="one_report_per_reader")]

    def __str__(self) -> str:
        return f"{self.get_why_display()}: {self.rating}"


class Categories(models.Model):
    """What an operator lets be rated, as it answered `get_rating_categories`; kept for a while (categories.py)."""

    bpp_id = models.CharField(max_length=255, unique=True)
    names = models.JSONField(default=list, blank=True)
    message_id = models.UUIDField()
    asked_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return f"{self.bpp_id}: {', '.join(self.names)}"


class FeedbackForm(models.Model):
    """A form of the operator that came with `on_rating`. Of its HTML only the questions are kept (questions.py)."""

    State = Form
    MOVES = FORM_MOVES

    rating = models.OneToOneField(GivenRating, on_delete=models.CASCADE, related_name="form")
    url = models.CharField(max_length=500)
    is_required = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=Form.choices, default=Form.FOUND)
    found_at = models.DateTimeField()
    # When it is read or sent (again); while somebody does, the end of their lease; while offered, until when.
    act_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    questions = models.JSONField(default=list, blank=True)
    posts_to = models.CharField(max_length=500, blank=True)
    answers = models.JSONField(default=list, blank=True)  # [[name, value], …] in the order of the form
    submission_id = models.CharField(max_length=100, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["act_at"], condition=Q(act_at__isnull=False), name="feedback_forms_due")
        ]

    def __str__(self) -> str:
        return self.url


class FeedbackFormEvent(Event):
    of = models.ForeignKey(FeedbackForm, on_delete=models.CASCADE, related_name="events")


class ReceivedRating(models.Model):
    """What a driver of some app said of one of our orders, stations or plugs; the id is the app's word for it."""

    bap_id = models.CharField(max_length=200)
    transaction_id = models.UUIDField()
    order_id = models.CharField(max_length=255)
    # Law 11: whose it is. The place as it stood: the catalog may change it.
    operator_code = models.CharField(_("operator"), max_length=60, blank=True)
    station_code = models.CharField(max_length=60, blank=True)
    station_name = models.CharField(_("station"), max_length=200, blank=True)
    rated_id = models.CharField(max_length=255)
    category = models.CharField(max_length=20)
    value = models.DecimalField(max_digits=2, decimal_places=1)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["bap_id", "transaction_id", "category", "rated_id"], name="one_rating_per_rated_thing"
            ),
            models.CheckConstraint(condition=Q(value__gte=0, value__lte=5), name="received_up_to_five_stars"),
        ]
        indexes = [
            models.Index(fields=["category", "rated_id"], name="ratings_of_a_thing"),
            models.Index(fields=["operator_code", "-received_at"], name="ratings_of_operator"),
            models.Index(fields=["station_code", "category", "value"], name="ratings_of_station"),
        ]

    def __str__(self) -> str:
        return f"{self.value} ★ {self.category} {self.rated_id}"


class ReceivedFeedback(models.Model):
    """What a driver answered in the form that we offered with `on_rating` (own_form.py). Read by the operator only."""

    class Again(models.TextChoices):
        YES = "yes", _("Yes")
        PERHAPS = "perhaps", _("Perhaps")
        NO = "no", _("No")

    bap_id = models.CharField(max_length=200)
    transaction_id = models.UUIDField()
    order_id = models.CharField(max_length=255)
    operator_code = models.CharField(_("operator"), max_length=60)
    station_name = models.CharField(_("station"), max_length=200, blank=True)
    again = models.CharField(_("would charge here again"), max_length=7, choices=Again.choices)
    better = models.CharField(_("what could be better"), max_length=1000, blank=True)
    by_app = models.BooleanField(_("signed by the app"))
    submission_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("received feedback")
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["bap_id", "transaction_id"], name="one_feedback_per_deal")
        ]
        indexes = [models.Index(fields=["operator_code", "-received_at"], name="feedback_of_operator")]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.get_again_display()}"
