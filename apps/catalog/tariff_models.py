"""The price rules of an operator, in versions that never change."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps import pricing
from apps.catalog.faults import field_of, words_of
from apps.catalog.rules import rules_of
from apps.lib.errors import Refused
from apps.pricing import TariffFault


class PublishedTariffNeverChanges(Refused):
    """Somebody tried to edit the price under deals that were made with it."""

    def __init__(self) -> None:
        super().__init__(_("A published tariff never changes. Publish a new version instead."))


class Tariff(models.Model):
    """Price rules. A published version never changes; a change is a new version.

    `save` says so to us; a trigger (migration 0001) says it to everybody else who writes to the table. Bills are made
    from `rules`. With `elements` the simple columns only tell the dearest, to those who read no more than that.
    """

    operator = models.ForeignKey("catalog.Operator", on_delete=models.PROTECT, related_name="tariffs")
    code = models.SlugField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3, default="INR")
    energy_rate = models.DecimalField(_("price per kWh, net"), max_digits=10, decimal_places=4)
    session_fee = models.DecimalField(_("fee per session, net"), max_digits=10, decimal_places=2, default=0)
    tax_name = models.CharField(max_length=20, default="GST")
    tax_percent = models.DecimalField(max_digits=6, decimal_places=3, default=18)  # New York's is 8.875
    elements = models.JSONField(
        _("price elements"),
        default=list,
        blank=True,
        help_text=_("As in OCPI 2.2.1. Empty: the price per kWh and the fee per session above."),
    )
    taxes = models.JSONField(
        _("several taxes"),
        default=list,
        blank=True,
        help_text=_(
            'For example [{"name": "CGST", "percent": 9}, {"name": "SGST", "percent": 9}]. '
            "Empty: the one tax above."
        ),
    )
    tax_included = models.BooleanField(_("prices contain the taxes"), default=False)
    min_price = models.DecimalField(
        _("at least, per charge"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    max_price = models.DecimalField(
        _("at most, per charge"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    parking_grace_minutes = models.PositiveSmallIntegerField(
        _("minutes after charging that cost nothing"), default=0
    )
    parking_cap = models.DecimalField(
        _("at most for standing, per charge"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_(
            "The app holds this much more than the quote. Empty: standing is paid only out of what the quote leaves."
        ),
    )
    parking_when_busy = models.BooleanField(
        _("standing costs only while no other such plug of the station is free"), default=False
    )
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["operator", "code", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "code", "version"], name="one_row_per_tariff_version"
            ),
            models.CheckConstraint(
                condition=Q(energy_rate__gte=0, session_fee__gte=0, tax_percent__gte=0),
                name="tariff_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise PublishedTariffNeverChanges
        super().save(*args, **kwargs)

    def clean(self) -> None:
        if self.energy_rate is None and not self.elements:
            return  # the field says so itself
        try:
            self.rules("UTC")
        except TariffFault as fault:
            raise ValidationError({field_of(fault): words_of(fault)}) from fault

    def rules(self, zone: str) -> pricing.Tariff:
        """What the engine makes bills of, at a station in `zone`. Raises TariffFault, of a row nobody checked."""
        return rules_of(self, zone)
