from django import forms
from django.utils.translation import gettext_lazy as _

from apps.ratings.models import GivenRating


class RatingForm(forms.Form):
    did_work = forms.TypedChoiceField(
        label=_("Did you charge successfully?"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda word: word == "yes",
    )
    stars = forms.TypedChoiceField(
        label=_("Stars"), choices=[(str(stars), str(stars)) for stars in range(1, 6)], coerce=int
    )
    tags = forms.MultipleChoiceField(
        label=_("What stood out?"), choices=GivenRating.Tag.choices, required=False
    )
    words = forms.CharField(label=_("In your words"), max_length=500, required=False, widget=forms.Textarea)
