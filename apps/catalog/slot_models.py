"""Reserved times: what an operator promises (SlotPolicy), and which quarters of an hour of an EVSE are gone."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.catalog.slots import DAY_MINUTES, Rules

STEP_MINUTES = 15


def _percent(label: str) -> models.DecimalField:
    return models.DecimalField(
        label,
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )


class SlotPolicy(models.Model):
    """For one station, or for all of an operator that have none of their own. Deals keep the rules they began with."""

    operator = models.ForeignKey("catalog.Operator", on_delete=models.PROTECT, related_name="slot_policies")
    station = models.OneToOneField(
        "catalog.Station",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="slot_policy",
        help_text=_("Empty: all stations of the operator that have no rules of their own."),
    )
    is_reservable = models.BooleanField(_("can be reserved"), default=True)
    slot_minutes = models.PositiveSmallIntegerField(
        _("length of a reserved time, in minutes"),
        default=45,
        validators=[MinValueValidator(STEP_MINUTES), MaxValueValidator(12 * 60)],
        help_text=_("Times begin at midnight and then every length plus pause."),
    )
    buffer_minutes = models.PositiveSmallIntegerField(
        _("pause after it, in minutes"),
        default=15,
        validators=[MaxValueValidator(120)],
        help_text=_("For the change of cars. Nobody else is promised the plug meanwhile."),
    )
    least_ahead_minutes = models.PositiveIntegerField(
        _("at least so many minutes ahead"),
        default=60,
        validators=[MinValueValidator(STEP_MINUTES), MaxValueValidator(7 * DAY_MINUTES)],
    )
    most_ahead_days = models.PositiveSmallIntegerField(
        _("at most so many days ahead"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(14)],
    )
    grace_minutes = models.PositiveSmallIntegerField(
        _("nobody came after, in minutes"),
        default=15,
        validators=[MinValueValidator(5), MaxValueValidator(12 * 60)],
    )
    free_until_minutes = models.PositiveIntegerField(
        _("cancelled free of charge until, in minutes before"),
        default=60,
        validators=[MaxValueValidator(14 * DAY_MINUTES)],
    )
    late_fee_percent = _percent(_("fee for cancelling later, in percent of the quote"))
    no_show_fee_percent = _percent(_("fee when nobody comes, in percent of the quote"))
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = _("slot policies")
        ordering = ["operator", "station"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator"], condition=Q(station=None), name="one_slot_policy_per_operator"
            )
        ]

    def __str__(self) -> str:
        return f"{self.station or self.operator}: {self.slot_minutes} min"

    def clean(self) -> None:
        faults = {
            name: _("Whole quarters of an hour, please.")
            for name in ("slot_minutes", "buffer_minutes")
            if (getattr(self, name) or 0) % STEP_MINUTES
        }
        if (self.grace_minutes or 0) > (self.slot_minutes or 0):
            faults["grace_minutes"] = _("Not longer than the reserved time itself.")
        if self.station_id and self.operator_id and self.station.operator_id != self.operator_id:
            faults["station"] = _("This station belongs to another operator.")
        if faults:
            raise ValidationError(faults)

    @property
    def rules(self) -> Rules:
        return Rules(**{name: getattr(self, name) for name in Rules.__dataclass_fields__})


class TakenTime(models.Model):
    """One quarter of an hour of an EVSE, kept for `holder` (the code of a booking). Law 7: the constraint decides."""

    evse = models.ForeignKey("catalog.Evse", on_delete=models.CASCADE, related_name="taken_times")
    quarter = models.BigIntegerField()  # slots.quarter_of
    holder = models.CharField(max_length=20, db_index=True)
    is_reserved = models.BooleanField()  # a promised time; False = somebody who is there now, or on the way

    class Meta:
        ordering = ["evse", "quarter"]
        constraints = [
            models.UniqueConstraint(fields=["evse", "quarter"], name="one_holder_per_evse_and_quarter")
        ]

    def __str__(self) -> str:
        return f"{self.evse_id} {self.quarter}: {self.holder}"
