"""Corrections of meters: made and ended by managers of the operator and by administrators, never edited."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.catalog.admin_scope import SeenByStaff
from apps.catalog.selectors import may_edit
from apps.charging import corrections
from apps.charging.models import MeterCorrection
from apps.charging.selectors import charge_points_for, closed_without
from apps.lib import clock
from apps.lib.errors import Refused
from apps.ocpp.models import ChargePoint

FACTS = ["ocpp_connector_id", "energy_factor", "power_factor", "begins_at", "ends_at", "reason"]


class CorrectionForm(forms.ModelForm):
    charge_point = forms.ModelChoiceField(label=_("Charge point"), queryset=ChargePoint.objects.none())

    class Meta:
        model = MeterCorrection
        fields = FACTS

    def clean(self) -> dict[str, Any]:
        facts = super().clean()
        if not self.errors:
            try:
                corrections.check(**self.facts())
            except Refused as refused:
                raise forms.ValidationError(str(refused.message)) from refused
        return facts

    def facts(self) -> dict[str, Any]:
        told = {name: self.cleaned_data.get(name) for name in FACTS}
        return {**told, "charge_point_id": self.cleaned_data["charge_point"].pk}


@admin.register(MeterCorrection)
class MeterCorrectionAdmin(SeenByStaff, admin.ModelAdmin):
    list_display = [
        *("charge_point_id", "ocpp_connector_id", "energy_times", "power_times", "begins_at", "ends_at"),
    ]
    list_filter = ["charge_point_id"]
    actions = ["end_now", "withdraw"]
    form = CorrectionForm

    @admin.display(description=_("energy times"), ordering="energy_factor")
    def energy_times(self, correction: MeterCorrection) -> str:
        return f"{correction.energy_factor.normalize():f}"

    @admin.display(description=_("power times"), ordering="power_factor")
    def power_times(self, correction: MeterCorrection) -> str:
        return f"{correction.power_factor.normalize():f}"

    @admin.display(description=_("closed charges it does not change"))
    def closed_sessions(self, correction: MeterCorrection) -> int:
        return closed_without(correction).count()

    # --- Who may what --------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[MeterCorrection]:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(charge_point_id__in=self._mine(request))

    def _mine(self, request: HttpRequest) -> QuerySet:
        mine = charge_points_for(request.user)
        return ChargePoint.objects.none() if mine is None else mine

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser or may_edit(request.user)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- Made and ended ------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: MeterCorrection | None = None) -> list[str]:
        if obj is None:
            return ["charge_point", *FACTS]
        return ["charge_point_id", *FACTS, "made_by", "made_at", "ended_by", "closed_sessions"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:  # only shown: without the field that is asked for when it is made
            return super().get_form(request, obj, change, **{**kwargs, "form": forms.ModelForm})
        form = super().get_form(request, obj, change, **kwargs)
        boxes = ChargePoint.objects.order_by("pk")
        mine = boxes if request.user.is_superuser else boxes.filter(pk__in=self._mine(request))
        form.base_fields["charge_point"].queryset = mine
        return form

    def save_model(self, request: HttpRequest, obj: MeterCorrection, form: Any, change: bool) -> None:
        made = corrections.add(by=str(request.user), **form.facts())
        obj.__dict__.update(made.__dict__)
        if left := closed_without(made).count():
            told = ngettext(
                "%d closed charge lies in this time. It is not changed: its bill is final. Re-rate it where that is"
                " due.",
                "%d closed charges lie in this time. They are not changed: their bills are final. Re-rate them where"
                " that is due.",
                left,
            )
            self.message_user(request, told % left, messages.WARNING)

    @admin.action(description=_("End now"), permissions=["end"])
    def end_now(self, request: HttpRequest, chosen: QuerySet[MeterCorrection]) -> None:
        self._end(request, chosen, lambda correction: clock.now())

    @admin.action(description=_("Withdraw: it was wrong from the beginning"), permissions=["end"])
    def withdraw(self, request: HttpRequest, chosen: QuerySet[MeterCorrection]) -> None:
        self._end(request, chosen, lambda correction: correction.begins_at)

    def _end(self, request: HttpRequest, chosen: QuerySet[MeterCorrection], moment: Any) -> None:
        for correction in chosen:
            try:
                corrections.end(correction, at=moment(correction), by=str(request.user))
            except Refused as refused:
                self.message_user(request, f"{correction}: {refused.message}", messages.ERROR)
                continue
            self.log_change(request, correction, f"holds until {correction.ends_at:%Y-%m-%d %H:%M:%S} UTC")
            self.message_user(request, gettext("%s: charges that run are counted again.") % correction)
