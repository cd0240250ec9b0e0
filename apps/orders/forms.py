import re
import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.beckn.wire.v1_1 import taxonomy
from apps.lib.money import round_money
from apps.orders.slot_forms import SlotField
from apps.orders.wish import MOST_KWH, TO_PERCENT, Wish, to_eighty

LEAST_KWH = Decimal(1)
USUAL_KWH = Decimal(20)
BY = [("energy", "kWh"), ("time", _("Minutes")), ("money", _("Money")), ("percent", _("To 80 %"))]
FIELDS = {"energy": "energy_kwh", "time": "minutes", "money": "amount", "percent": "percent_now"}
REASONS = {
    "2": _("My plans changed"),
    "1": _("The charger does not work"),
    "3": _("The plug does not fit"),
    "4": _("The bay is occupied"),
    "5": _("I cannot come"),
}


class AmountForm(forms.Form):
    """How much: one of several ways to say it. What was left in the fields of the others does not matter."""

    by = forms.ChoiceField(label=_("Order by"), choices=BY, initial="energy", required=False)
    energy_kwh = forms.DecimalField(
        label=_("Energy"),
        min_value=LEAST_KWH,
        max_value=MOST_KWH,
        decimal_places=2,
        initial=USUAL_KWH,
        required=False,
    )
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=600, initial=30, required=False)
    amount = forms.DecimalField(
        label=_("Amount of money"),
        min_value=1,
        max_value=100_000,
        decimal_places=2,
        initial=400,
        required=False,
    )
    percent_now = forms.IntegerField(
        label=_("The car shows now, in percent"),
        min_value=0,
        max_value=TO_PERCENT - 1,
        initial=30,
        required=False,
    )

    def __init__(
        self,
        data: Any = None,
        *,
        modes: Sequence[str] = ("energy",),
        battery_kwh: Decimal | None = None,
        **more: Any,
    ) -> None:
        super().__init__(data, **more)
        self.modes, self.battery_kwh = list(modes), battery_kwh

    @property
    def mode(self) -> str:
        said = self["by"].value() or "energy"
        return said if said in self.modes else "energy"

    def clean_by(self) -> str:
        by = self.cleaned_data["by"] or "energy"
        if by not in self.modes:
            raise forms.ValidationError(_("This cannot be ordered here."))
        return by

    def clean(self) -> dict[str, Any]:
        facts = super().clean()
        by = facts.get("by")
        for mode, name in FIELDS.items():
            if mode != by:
                self.errors.pop(name, None)
                facts.pop(name, None)
            elif facts.get(name) is None and name not in self.errors:
                self.add_error(name, _("Please say how much."))
        if by == "percent" and not self.errors and not LEAST_KWH <= self._energy(facts) <= MOST_KWH:
            self.add_error("percent_now", _("That is less than a charge or more than can be ordered."))
        return facts

    def wish(self) -> Wish | None:
        """What was asked if it makes sense, else the usual: for the preview, which follows the typing."""
        if self.is_bound and self.is_valid():
            return self.wished()
        initial = {name: self.get_initial_for_field(self.fields[name], name) for name in FIELDS.values()}
        return self._wish(self.mode, initial)

    def wished(self) -> Wish:
        return self._wish(self.cleaned_data["by"], self.cleaned_data)

    def _wish(self, by: str, facts: dict[str, Any]) -> Wish:
        if by == "time":
            return Wish(minutes=int(facts["minutes"]))
        if by == "money":
            return Wish(amount=Decimal(facts["amount"]))
        if by == "percent":
            return Wish(energy_kwh=self._energy(facts), from_percent=int(facts["percent_now"]))
        return Wish(energy_kwh=Decimal(facts["energy_kwh"]))

    def _energy(self, facts: dict[str, Any]) -> Decimal:
        return to_eighty(self.battery_kwh, int(facts["percent_now"]))


class QuoteForm(AmountForm):
    slot = SlotField(required=False)
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean_idempotency_key(self) -> str:
        return str(self.cleaned_data["idempotency_key"])


class BillingForm(forms.Form):
    """Who is charged: operators want a name and a number they can call."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = forms.CharField(
        label=_("Phone"),
        max_length=24,
        help_text=_("With country code, for example +91 98450 12345. The operator sees it."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any):
        """A guest may stay without a name."""
        super().__init__(*args, initial={"name": person.name, "phone": person.phone}, **kwargs)
        self.fields["name"].required = not person.is_guest

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or gettext("Guest")

    def clean_phone(self) -> str:
        """E.164, the only form that every peer accepts."""
        digits = re.sub(r"[ ()\-.]", "", self.cleaned_data["phone"])
        if not re.fullmatch(r"\+?[1-9]\d{6,14}", digits):
            raise forms.ValidationError(
                _("Write the number with its country code, for example +91 98450 12345.")
            )
        return digits


class AcceptForm(forms.Form):
    accepts_terms = forms.BooleanField(
        label=_("I accept these terms"), error_messages={"required": _("Please accept the terms first.")}
    )
    accepts_warnings = forms.BooleanField(
        label=_("I have read the warning and want to go on"), required=False
    )


# No charge was before; and the last days of the calendar have no day after them.
POSSIBLE_DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 12, 31))]


class HistoryForm(forms.Form):
    """What of the history is wanted; everything may be left open."""

    words = forms.CharField(label=_("Station, city or order"), max_length=80, required=False)
    since = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=POSSIBLE_DAYS,
    )
    until = forms.DateField(
        label=_("To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=POSSIBLE_DAYS,
    )
    kind = forms.ChoiceField(
        label=_("Which"),
        required=False,
        choices=[
            ("", _("All")),
            ("charged", _("Paid")),
            ("free", _("Free of charge")),
            ("not", _("Did not take place")),
        ],
    )


REFUND_REASONS = {
    "R01": _("I was charged more than I owe"),
    "R02": _("It did not charge"),
    "R03": _("The service was poor or broke off"),
    "R04": _("I was charged twice"),
    "R05": _("I had cancelled"),
}


class RefundForm(forms.Form):
    """`most` is what may still be asked for."""

    amount = forms.DecimalField(label=_("How much?"), min_value=Decimal("0.001"), decimal_places=3)
    reason_id = forms.ChoiceField(label=_("Why?"), choices=list(REFUND_REASONS.items()))
    words = forms.CharField(
        label=_("In your words"),
        max_length=200,
        required=False,
        help_text=_("The operator reads it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args, most: Decimal, currency: str, most_words: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.most, self.currency, self.most_words = most, currency, most_words
        self.fields["amount"].help_text = most_words
        self.fields["amount"].widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean_amount(self) -> Decimal:
        amount = self.cleaned_data["amount"]
        if amount > self.most:
            raise forms.ValidationError(self.most_words)
        if amount != round_money(amount, self.currency):
            raise forms.ValidationError(_("This is less than the smallest coin."))
        return amount

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"])


class CancelForm(forms.Form):
    reason_id = forms.ChoiceField(label=_("Why?"), choices=list(REASONS.items()), initial="2")

    def clean_reason_id(self) -> str:
        reason_id = self.cleaned_data["reason_id"]
        if taxonomy.CANCELLATION_REASONS[reason_id][1] != "CONSUMER":
            raise forms.ValidationError(_("Not a reason of a driver."))
        return reason_id
