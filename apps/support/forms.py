import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.support import files
from apps.support.states import Priority, State, What

LONGEST_TEXT = 4000
FILES_HELP = _("Up to three, 5 MB each. We keep the picture only, not where it was taken.")


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, each checked by what it contains; the value is a list of `files.Checked`."""

    widget = FilesInput(attrs={"accept": "image/jpeg,image/png,image/webp,application/pdf"})

    def clean(self, data, initial=None) -> list[files.Checked]:
        sent = [one for one in (data or []) if one]
        if len(sent) > files.AT_ONCE:
            raise forms.ValidationError(_("At most three files at once."))
        try:
            return [files.check(one, one.size) for one in sent]
        except files.NotTaken as refusal:
            raise forms.ValidationError(refusal.message) from refusal


class PressForm(forms.Form):
    """The key makes a press that comes twice one press."""

    press_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ReportForm(PressForm):
    what = forms.ChoiceField(label=_("What is wrong?"), choices=What.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label=_("Anything to add?"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    attached = FilesField(label=_("Photos or a PDF"), required=False, help_text=FILES_HELP)


class StationReportForm(ReportForm):
    plug = forms.ChoiceField(label=_("Which plug?"), required=False)

    def __init__(self, *args, plugs: list[tuple[str, str]], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["plug"].choices = [("", _("The whole station")), *plugs]


class GuestReportForm(StationReportForm):
    email = forms.EmailField(
        label=_("Your e-mail address"),
        required=False,
        help_text=_(
            "For our answers and the link to your report. Without it, keep the link of the next page."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class SayForm(PressForm):
    text = forms.CharField(
        label=_("Your message"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
    attached = FilesField(label=_("Photos or a PDF"), required=False, help_text=FILES_HELP)


# --- The desk ---------------------------------------------------------------------------------------------


class ReplyForm(SayForm):
    text = forms.CharField(
        label=_("Reply to the driver"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 5})
    )
    then = forms.ChoiceField(
        label=_("Afterwards"),
        choices=[
            (State.IN_PROGRESS, _("We go on working on it")),
            (State.WAITING_FOR_DRIVER, _("We wait for an answer (the clock stands)")),
            (State.RESOLVED, _("It is resolved")),
        ],
        initial=State.IN_PROGRESS,
        widget=forms.RadioSelect,
    )


class NoteForm(PressForm):
    text = forms.CharField(
        label=_("Internal note"), max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )


class WhyForm(forms.Form):
    why = forms.CharField(label=_("Reason"), max_length=250)


class AssignForm(forms.Form):
    to = forms.IntegerField(min_value=1, max_value=2**31 - 1)


class PriorityForm(WhyForm):
    priority = forms.TypedChoiceField(label=_("Priority"), choices=Priority.choices, coerce=int)


class MergeForm(WhyForm):
    into_code = forms.CharField(label=_("Number of the ticket that goes on"), max_length=20)
