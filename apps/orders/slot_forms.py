"""The time on a form: hidden where something else is asked, pressed where it is chosen."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.orders.slots import Slot, read_slot


class SlotField(forms.CharField):
    """'begin/end' as the calendar writes it; a Slot, or None where it may be empty."""

    def __init__(self, **kwargs: Any):
        super().__init__(max_length=80, widget=forms.HiddenInput, **kwargs)

    def clean(self, value: Any) -> Slot | None:
        text = super().clean(value)
        slot = read_slot(text) if text else None
        if text and slot is None:
            raise forms.ValidationError(_("That is no time that can be reserved. Please choose one."))
        return slot


class ChangeTimeForm(forms.Form):
    slot = SlotField()


class LateForm(forms.Form):
    minutes = forms.IntegerField(min_value=1, max_value=600)
