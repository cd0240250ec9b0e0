"""Stars and words: given by our drivers, received for our operators. The two never look at each other's rows."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.orders.models import Order


class GivenRating(models.Model):
    """What a driver said of an order. Told to the operator by `rating`."""

    class Tag(models.TextChoices):
        FIRST_TIME = "first-time", _("Worked first time")
        SPEED = "speed", _("Fast")
        PRICE = "price", _("Fair price")
        ACCESS = "access", _("Easy to reach")
        SAFE = "safe", _("Felt safe")
        AMENITIES = "amenities", _("Things to do")

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="rating")
    did_work = models.BooleanField()
    stars = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    tags = models.JSONField(default=list, blank=True)
    words = models.CharField(max_length=500, blank=True)
    given_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    message_id = models.UUIDField(null=True, blank=True)  # the newest `rating` we sent
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-given_at"]
        constraints = [
            models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="given_one_to_five_stars")
        ]

    def __str__(self) -> str:
        return f"{self.stars} ★ {self.order}"


class ReceivedRating(models.Model):
    """What a driver of some app said of one of our orders, stations or plugs; the id is the app's word for it."""

    bap_id = models.CharField(max_length=200)
    transaction_id = models.UUIDField()
    order_id = models.CharField(max_length=255)
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
        indexes = [models.Index(fields=["category", "rated_id"], name="ratings_of_a_thing")]

    def __str__(self) -> str:
        return f"{self.value} ★ {self.category} {self.rated_id}"
