import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import CodeReport, Tariff


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why is it withdrawn?"), max_length=200)


class TariffForm(forms.ModelForm):
    """A price per kWh, or elements; what is odd about them is named by its place."""

    class Meta:
        model = Tariff
        fields = [
            *(
                "operator",
                "code",
                "name",
                "currency",
                "energy_rate",
                "session_fee",
                "tax_name",
                "tax_percent",
            ),
            *("elements", "taxes", "tax_included", "min_price", "max_price", "parking_grace_minutes"),
            *("parking_cap", "parking_when_busy"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"energy_rate", "parking_grace_minutes"} & set(self.fields):  # of a row to look at, none
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        facts = super().clean()
        nothing = {"elements": [], "taxes": [], "parking_grace_minutes": 0}
        facts |= {name: value for name, value in nothing.items() if facts.get(name) is None}
        if facts.get("energy_rate") is None and not facts.get("elements") and "elements" not in self.errors:
            self.add_error("energy_rate", _("A price per kWh is needed, or price elements."))
        return facts


class CodeReportForm(forms.Form):
    """For somebody at a post at night, perhaps without an account."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    what = forms.ChoiceField(
        label=_("What looks wrong?"), choices=CodeReport.What.choices, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("In your words"),
        max_length=500,
        required=False,
        widget=forms.Textarea,
        help_text=_("For example the address that the sticker led to. No name and no card number, please."),
    )
