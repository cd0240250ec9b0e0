from django import forms
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext_lazy as _


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
