"""What people may ask of a charge point, one form each. The forms shape input; `commands` and `services` decide."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.lib.clock import now
from apps.ocpp import commands, services
from apps.ocpp.hiding import names_password
from apps.ocpp.models import ChargePoint, Command

MOST_PLUGS = 1000
MESSAGES = [
    ("StatusNotification", _("state of the plugs")),
    ("MeterValues", _("meter reading")),
    ("BootNotification", _("who it is")),
    ("Heartbeat", _("sign of life")),
    ("FirmwareStatusNotification", _("state of the firmware")),
    ("DiagnosticsStatusNotification", _("state of the diagnostics")),
]


def plug_field(*, least: int = 1, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=_("Plug number"), min_value=least, max_value=MOST_PLUGS, **options)


class CommandForm(forms.Form):
    """`verb` names it in the page; `send` asks the charge point and returns the command, None where there is none."""

    verb: ClassVar[str]
    title: ClassVar[Any]
    explained: ClassVar[Any] = ""
    button: ClassVar[Any] = ""  # where it says something else than the title

    def __init__(self, *args: Any, charge_point: ChargePoint, **kwargs: Any):
        super().__init__(*args, prefix=self.verb, label_suffix="", **kwargs)
        self.charge_point = charge_point

    def send(self, *, by: str) -> Command | None:
        raise NotImplementedError

    def _ask(self, command: Any, by: str, **facts: Any) -> Command:
        return command(charge_point_id=self.charge_point.pk, asked_by=by, **facts)


class ResetForm(CommandForm):
    verb, title = "reset", _("Restart")
    explained = _("Running charges are ended. Without the tick the charge point may wait for their end.")
    hard = forms.BooleanField(label=_("At once"), required=False)

    def send(self, *, by: str) -> Command:
        return self._ask(commands.reset, by, hard=self.cleaned_data["hard"])


class UnlockForm(CommandForm):
    verb, title = "unlock", _("Unlock a plug")
    explained = _("For a cable that is stuck. A running charge at the plug is ended.")
    connector = plug_field()

    def send(self, *, by: str) -> Command:
        plug = self.cleaned_data["connector"]
        return self._ask(commands.unlock, by, connector_id=plug, reference=f"unlock/{plug}")


class TriggerForm(CommandForm):
    verb, title = "trigger", _("Ask for a message")
    message = forms.ChoiceField(label=_("Message"), choices=MESSAGES)
    connector = plug_field(required=False, help_text=_("OCPP 2.0.1 tells the state of one plug at a time."))

    def send(self, *, by: str) -> Command:
        plug = self.cleaned_data["connector"]
        return self._ask(commands.trigger, by, message=self.cleaned_data["message"], connector_id=plug)


class AvailabilityForm(CommandForm):
    verb, title = "availability", _("Take in or out of service")
    connector = plug_field(least=0, initial=0, help_text=_("0 is the whole charge point."))
    operative = forms.TypedChoiceField(
        label=_("From now on"),
        choices=[("in", _("in service")), ("out", _("out of service"))],
        coerce=lambda chosen: chosen == "in",
    )

    def send(self, *, by: str) -> Command:
        facts = {"connector_id": self.cleaned_data["connector"], "operative": self.cleaned_data["operative"]}
        return self._ask(commands.change_availability, by, **facts)


class ReadConfigurationForm(CommandForm):
    verb, title = "read", _("Read the configuration")
    explained = _("Names with commas between them; none for all. In OCPP 2.0.1 a name is Component.Variable.")
    keys = forms.CharField(label=_("Names"), max_length=500, required=False)

    def send(self, *, by: str) -> Command:
        keys = [key.strip() for key in self.cleaned_data["keys"].split(",") if key.strip()]
        return self._ask(commands.get_configuration, by, keys=keys)


class ChangeConfigurationForm(CommandForm):
    verb, title = "change", _("Change the configuration")
    key = forms.CharField(label=_("Name"), max_length=50)
    value = forms.CharField(label=_("Value"), max_length=500)

    def clean_key(self) -> str:
        if names_password(self.cleaned_data["key"]):  # we would not know it, and it would be in the log
            raise forms.ValidationError(_("A password is changed with “Change the password”."))
        return self.cleaned_data["key"]

    def send(self, *, by: str) -> Command:
        facts = {"key": self.cleaned_data["key"], "value": self.cleaned_data["value"]}
        return self._ask(commands.change_configuration, by, **facts)


class ReserveForm(CommandForm):
    verb, title = "reserve", _("Reserve a plug")
    connector = plug_field()
    token = forms.CharField(label=_("For the card"), max_length=commands.LONGEST_TOKEN)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440, initial=15)

    def send(self, *, by: str) -> Command:
        until = now() + timedelta(minutes=self.cleaned_data["minutes"])
        facts = {"connector_id": self.cleaned_data["connector"], "token": self.cleaned_data["token"]}
        return self._ask(commands.reserve, by, until=until, **facts)


class CancelReservationForm(CommandForm):
    verb, title = "cancel", _("Cancel a reservation")
    number = forms.IntegerField(label=_("Reservation"), min_value=1, max_value=2**31 - 1)

    def clean_number(self) -> Command:
        reservation = commands.reservation_at(self.charge_point, self.cleaned_data["number"])
        if reservation is None:
            raise forms.ValidationError(_("This charge point was never asked for such a reservation."))
        return reservation

    def send(self, *, by: str) -> Command:
        return commands.cancel_reservation(reservation=self.cleaned_data["number"], asked_by=by)


class ClearCacheForm(CommandForm):
    verb, title = "clear", _("Forget remembered cards")

    def send(self, *, by: str) -> Command:
        return self._ask(commands.clear_cache, by)


class DataTransferForm(CommandForm):
    verb, title = "data", _("Say something of the maker's own")
    vendor = forms.CharField(label=_("Maker"), max_length=255)
    message = forms.CharField(label=_("Message"), max_length=50, required=False)
    data = forms.CharField(label=_("Data"), max_length=5_000, required=False, widget=forms.Textarea)

    def send(self, *, by: str) -> Command:
        return self._ask(commands.data_transfer, by, **self.cleaned_data)


class PasswordForm(CommandForm):
    verb, title = "password", _("Change the password")
    explained = _(
        "The charge point is told a new password over its line and comes back with it. If the old one was stolen, use"
        " “Give a new password” in the list instead, and set it at the box."
    )

    def send(self, *, by: str) -> Command:
        return self._ask(commands.send_new_password, by)


class PlugsForm(CommandForm):
    verb, title, button = "plugs", _("Plugs of each EVSE"), _("Save")
    explained = _("For OCPP 2.0.1: how many plugs each EVSE has, in order, like 2, 1. Empty: each has one.")
    plugs = forms.CharField(label=_("Plugs"), max_length=300, required=False)

    def __init__(self, *args: Any, charge_point: ChargePoint, **kwargs: Any):
        initial = {"plugs": ", ".join(map(str, charge_point.plugs_per_evse))}
        super().__init__(*args, charge_point=charge_point, initial=initial, **kwargs)

    def clean_plugs(self) -> list[int]:
        try:
            return [int(count) for count in self.cleaned_data["plugs"].split(",") if count.strip()]
        except ValueError as error:
            raise forms.ValidationError(str(services.NoSuchArrangement().message)) from error

    def send(self, *, by: str) -> None:
        services.set_plugs_per_evse(self.charge_point, self.cleaned_data["plugs"])


class StartsForm(CommandForm):
    verb, title, button = "starts", _("How a charge starts"), _("Save")
    explained = _(
        "For charge points that take no start from afar. Drivers are given a code of eight digits and enter it at the"
        " charger; it works there only, once, and until their order expires."
    )
    by_code = forms.BooleanField(label=_("By a code at the charger"), required=False)

    def __init__(self, *args: Any, charge_point: ChargePoint, **kwargs: Any):
        initial = {"by_code": charge_point.starts_by_code}
        super().__init__(*args, charge_point=charge_point, initial=initial, **kwargs)

    def send(self, *, by: str) -> None:
        services.set_starts_by_code(self.charge_point, self.cleaned_data["by_code"])


COMMAND_FORMS: tuple[type[CommandForm], ...] = (
    ResetForm,
    UnlockForm,
    TriggerForm,
    AvailabilityForm,
    ReadConfigurationForm,
    ChangeConfigurationForm,
    ReserveForm,
    CancelReservationForm,
    ClearCacheForm,
    DataTransferForm,
    PasswordForm,
    PlugsForm,
    StartsForm,
)
