from django import forms
from django.utils.translation import gettext_lazy as _


class SandboxForm(forms.Form):
    """What the sandbox bank shall do, and how often it shall tell us."""

    answer = forms.ChoiceField(
        choices=[("approve", _("Approve")), ("decline", _("Decline")), ("hang", _("Hang"))]
    )
    times = forms.IntegerField(min_value=0, max_value=5, required=False)

    def clean_times(self) -> int:
        times = self.cleaned_data["times"]
        return 1 if times is None else times
