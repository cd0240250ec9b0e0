"""The time on a form: hidden where something else is asked, pressed where it is chosen."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.lib import clock
from apps.orders.slots import Slot, read_slot

FURTHEST = timedelta(days=60)


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


class TypedTimeForm(forms.Form):
    """A time at the station, where its operator publishes none: the operator's quote decides."""

    at = forms.DateTimeField(
        label=_("From"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(zone)

    def clean_at(self) -> datetime:
        """Of an hour that comes twice the first is meant."""
        at = self.cleaned_data["at"].replace(tzinfo=self.zone)
        if at.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            raise forms.ValidationError(_("On that day the clock at the station leaves this hour out."))
        if at <= clock.now():
            raise forms.ValidationError(_("That time is over. Please choose another one."))
        if at > clock.now() + FURTHEST:
            raise forms.ValidationError(_("That is too far ahead."))
        return at


class ChangeTimeForm(forms.Form):
    slot = SlotField()


class LateForm(forms.Form):
    minutes = forms.IntegerField(min_value=1, max_value=600)
