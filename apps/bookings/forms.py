from typing import Any

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.bookings import rerate
from apps.bookings.models import Rerating
from apps.lib.errors import Refused


class OperatorsReasonForm(ActionForm):
    """Why the operator cannot keep its promise (fact sheet: cancellation reasons of the provider)."""

    REASONS = [
        ("", _("Reason")),
        ("11", _("The charger is broken")),
        ("14", _("The station is closed")),
        ("15", _("The grid operator asked for it")),
        ("99", _("Another reason")),
    ]

    reason_id = forms.ChoiceField(label=_("Reason"), choices=REASONS, required=False)


class ReratingForm(forms.ModelForm):
    """Which bills, and by which tariff they should have been made."""

    by: User  # who asks; the admin says so

    orders = forms.CharField(
        label=_("Orders"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Numbers of single orders, with spaces or on lines of their own."),
    )

    class Meta:
        model = Rerating
        fields = [
            *("tariff", "instead_of", "station", "connector"),
            *("ended_from", "ended_until", "orders", "reason"),
        ]

    def clean_orders(self) -> list[str]:
        return self.cleaned_data["orders"].replace(",", " ").split()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.drafted = rerate.draft(by=self.by, **said)
            except Refused as refusal:
                raise forms.ValidationError(refusal.message) from refusal
        return said
