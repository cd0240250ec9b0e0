import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import CodeReport


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why is it withdrawn?"), max_length=200)


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
