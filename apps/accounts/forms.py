from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User, Vehicle, VehicleModel
from apps.accounts.services import DEMO_PEOPLE


class SignupForm(forms.Form):
    """Fields of ours on allauth's sign-up page (settings.ACCOUNT_SIGNUP_FORM_CLASS)."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        required=False,
        help_text=_("Printed on your receipts. You may leave it empty."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ["name", "email", "password1"]

    def signup(self, request, user: User) -> None:
        """allauth asks for it; the adapter has kept the name already."""


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["name", "phone", "language"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "phone": forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
        }
        help_texts = {
            "name": _("Printed on your receipts."),
            "phone": _("An operator may call you when something is wrong with your charge."),
            "language": _("Pages and e-mails."),
        }


class DemoSignInForm(forms.Form):
    person = forms.ChoiceField(choices=[(person.email, person.name) for person in DEMO_PEOPLE])


class GuestForm(forms.Form):
    """An e-mail address, and where the guest wanted to go: only to a quote, and only on our own pages."""

    email = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("We send the link to your order there, and nothing else."),
    )
    next = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.request = request

    def next_path(self) -> str:
        wanted = self.data.get("next", "")
        host, secure = self.request.get_host(), self.request.is_secure()
        ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={host}, require_https=secure)
        return wanted if wanted and ours else reverse("home")


# --- Vehicles ---------------------------------------------------------------------------------------------

Year = partial(forms.IntegerField, min_value=1990, max_value=2100)


class FindVehicleForm(forms.Form):
    """How far somebody has come, as it stands in the address; nonsense is as good as nothing."""

    category = forms.ChoiceField(required=False, choices=VehicleModel.Category.choices)
    make = forms.CharField(required=False, max_length=60)
    model = forms.CharField(required=False, max_length=80)
    year = Year(required=False)

    def steps(self) -> dict:
        self.is_valid()
        said = {name: self.cleaned_data.get(name) for name in self.fields}
        return {**{name: value or "" for name, value in said.items()}, "year": said["year"]}


class ChooseVehicleForm(forms.Form):
    """A vehicle of one's own by its code, or one of the list by model and year; neither means any vehicle."""

    vehicle = forms.UUIDField(required=False)
    model = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    year = Year(required=False)

    def clean(self) -> dict:
        said = super().clean()
        if bool(said.get("model")) != bool(said.get("year")):
            raise forms.ValidationError(_("A model needs its year."))
        return said


class RenameVehicleForm(forms.ModelForm):
    class Meta:
        model = Vehicle
        fields = ["name"]
        labels = {"name": _("Name")}
        help_texts = {"name": _("For example “Blue one” or its number plate. Empty: make and model.")}
