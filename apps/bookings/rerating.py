"""A re-rating: closed bills of one operator beside what another tariff makes of the same readings."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Connector, Operator, Station, Tariff
from apps.lib import moves


class Rerating(models.Model):
    """What was asked, how far the comparing and the crediting have come, and who let the money go."""

    class State(models.TextChoices):
        COMPARING = "COMPARING", _("Comparing")
        COMPARED = "COMPARED", _("Compared")
        WAITING = "WAITING", _("Waiting for a second person")
        CREDITING = "CREDITING", _("Crediting")
        DONE = "DONE", _("Done")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    MOVES = {
        State.COMPARING: {State.COMPARED, State.WITHDRAWN},
        State.COMPARED: {State.WAITING, State.CREDITING, State.WITHDRAWN},
        State.WAITING: {State.CREDITING, State.WITHDRAWN},
        State.CREDITING: {State.DONE},
        State.DONE: set(),
        State.WITHDRAWN: set(),
    }
    DECIDED_WITHIN = timedelta(days=14)  # an older comparison is no basis for money

    code = models.CharField(max_length=20, unique=True)
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="reratings")
    state = models.CharField(max_length=10, choices=State.choices, default=State.COMPARING)
    tariff = models.ForeignKey(
        Tariff,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("the tariff that should have applied"),
    )
    # Which bills; what is empty does not narrow.
    instead_of = models.ForeignKey(
        Tariff,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("billed by this version"),
    )
    station = models.ForeignKey(Station, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    connector = models.ForeignKey(
        Connector, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_from = models.DateTimeField(_("ended from (UTC)"), null=True, blank=True)
    ended_until = models.DateTimeField(_("ended before (UTC)"), null=True, blank=True)
    orders = models.JSONField(_("orders"), default=list, blank=True)
    reason = models.CharField(_("reason"), max_length=200, help_text=_("The drivers read it."))

    wanted = models.PositiveIntegerField(default=0)  # bills to compare, as counted when it was asked
    compared_until = models.BigIntegerField(default=0)  # primary key of the last booking that was compared
    prepared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    needs_second = models.BooleanField(default=False)
    decide_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("re-rating")
        verbose_name_plural = _("re-ratings")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["state"],
                name="rerating_at_work",
                condition=Q(state__in=["COMPARING", "COMPARED", "WAITING", "CREDITING"]),
            )
        ]
        constraints = [
            # Nobody approves their own, whatever the code above thinks.
            models.CheckConstraint(
                condition=Q(needs_second=False) | Q(approved_by=None) | ~Q(approved_by=F("prepared_by")),
                name="second_person_of_a_rerating",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["CREDITING", "DONE"]) | Q(approved_by__isnull=False),
                name="somebody_let_a_rerating_go",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def currency(self) -> str:
        return self.tariff.currency


class ReratingEvent(moves.Event):
    of = models.ForeignKey(Rerating, on_delete=models.CASCADE, related_name="events")


class ReratedBill(models.Model):
    """One bill: what is owed now, what would be right, and what became of the difference.

    `old_total` is the bill less what was corrected of it before; favours are not counted, they stay on top.
    """

    class Outcome(models.TextChoices):
        SAME = "SAME", _("No difference")
        CREDIT = "CREDIT", _("To be credited")
        CREDITED = "CREDITED", _("Credited")
        BORNE = "BORNE", _("Too little was billed: the operator bears it")
        OVERTAKEN = "OVERTAKEN", _("Changed since it was compared: compare again")
        UNCLEAR = "UNCLEAR", _("Cannot be compared")

    rerating = models.ForeignKey(Rerating, on_delete=models.CASCADE, related_name="bills")
    booking = models.ForeignKey("bookings.Booking", on_delete=models.PROTECT, related_name="reratings")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    old_total = models.DecimalField(max_digits=12, decimal_places=3)
    new_total = models.DecimalField(max_digits=12, decimal_places=3)
    new_lines = models.JSONField(default=list)
    words = models.CharField(max_length=200, blank=True)
    concession = models.OneToOneField(
        "bookings.Concession", null=True, blank=True, on_delete=models.PROTECT, related_name="rerated"
    )

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["rerating", "outcome"], name="rerated_by_outcome")]
        constraints = [
            models.UniqueConstraint(fields=["rerating", "booking"], name="each_bill_once_per_rerating")
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.old_total} → {self.new_total}"

    @property
    def difference(self) -> Decimal:
        return self.new_total - self.old_total
