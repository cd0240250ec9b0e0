from typing import Any

from django import forms

from apps.accounts.models import User
from apps.notices import pushes, webpush
from apps.notices.models import GROUPS, Channel, Happening, kind_of
from apps.notices.switches import SWITCHED, Key, all_of, may_switch


class SwitchesForm(forms.Form):
    """One box per happening and way."""

    def __init__(self, *args: Any, person: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for (happening, channel), is_on in all_of(person).items():
            label = f"{kind_of(happening)}, {Channel(channel).label}"
            self.fields[_name(happening, channel)] = forms.BooleanField(
                required=False, initial=is_on, label=label, disabled=not may_switch(happening, channel)
            )

    def groups(self) -> list[dict[str, Any]]:
        return [
            {"label": label, "rows": [self._row(one) for one in happenings]} for label, happenings in GROUPS
        ]

    def _row(self, happening: Happening) -> dict[str, Any]:
        return {
            "label": happening.label,
            "boxes": [self[_name(happening, channel)] for channel in SWITCHED],
        }

    @property
    def chosen(self) -> dict[Key, bool]:
        return {
            (happening, channel): self.cleaned_data[_name(happening, channel)]
            for happening in Happening.values
            for channel in SWITCHED
        }


def _name(happening: str, channel: str) -> str:
    return f"{happening.lower()}_{channel.lower()}"


class DeviceForm(forms.Form):
    """What a browser says of its subscription."""

    endpoint = forms.CharField(max_length=500)
    p256dh = forms.CharField(max_length=100)
    auth = forms.CharField(max_length=40)

    def clean_endpoint(self) -> str:
        try:
            return pushes.checked_endpoint(self.cleaned_data["endpoint"])
        except pushes.EndpointRefused as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        try:
            webpush.check_subscription(said.get("p256dh", ""), said.get("auth", ""))
        except webpush.KeyUnusable as error:
            raise forms.ValidationError(str(error)) from error
        return said
