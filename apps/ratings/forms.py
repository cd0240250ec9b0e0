from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.ratings.models import GivenRating, ReceivedFeedback, WordsReport
from apps.ratings.questions import LONGEST, LONGEST_ANSWER, Question

Tag = GivenRating.Tag
GOOD_TAGS = (Tag.FIRST_TIME, Tag.SPEED, Tag.PRICE, Tag.ACCESS, Tag.SAFE, Tag.AMENITIES)
BAD_TAGS = (Tag.NO_START, Tag.SLOW, Tag.COSTLY, Tag.BLOCKED, Tag.BROKEN, Tag.UNSAFE)
STARS = [(str(stars), str(stars)) for stars in range(1, 6)]


class RatingForm(forms.Form):
    did_work = forms.TypedChoiceField(
        label=_("Did it work?"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda word: word == "yes",
        error_messages={"required": _("Please say whether it worked.")},
    )
    stars = forms.TypedChoiceField(
        label=_("The charge as a whole"),
        choices=STARS,
        coerce=int,
        error_messages={"required": _("Please choose the number of stars.")},
    )
    tags = forms.MultipleChoiceField(label=_("What stood out?"), choices=Tag.choices, required=False)
    words = forms.CharField(label=_("In your words"), max_length=500, required=False, widget=forms.Textarea)

    def __init__(self, *args: Any, categories: list[tuple[str, str]], **kwargs: Any):
        """`categories`: what this operator lets be rated beside the whole, with its words."""
        super().__init__(*args, **kwargs)
        self.categories = categories
        for name, words in categories:
            self.fields[f"stars_{name}"] = forms.TypedChoiceField(
                label=words, choices=STARS, coerce=int, required=False, empty_value=None
            )

    @property
    def more_stars(self) -> list[forms.BoundField]:
        return [self[f"stars_{name}"] for name, _words in self.categories]

    @property
    def tag_rows(self) -> list[tuple[str, list[Tag]]]:
        return [(_("Good"), list(GOOD_TAGS)), (_("Not so good"), list(BAD_TAGS))]

    @property
    def chosen_tags(self) -> list[str]:
        return self["tags"].value() or []

    def said(self) -> dict[str, Any]:
        read = self.cleaned_data
        marks = {name: read[f"stars_{name}"] for name, _words in self.categories if read[f"stars_{name}"]}
        plain = {name: read[name] for name in ("did_work", "stars", "words")}
        return {**plain, "marks": marks, "tags": tuple(read["tags"])}


def first_values(rating: GivenRating | None) -> dict[str, Any]:
    """What was said before, to be changed."""
    if rating is None:
        return {}
    marks = {f"stars_{name}": str(value) for name, value in rating.marks.items()}
    return {
        "did_work": "yes" if rating.did_work else "no",
        "stars": str(rating.stars),
        "tags": rating.tags,
        "words": rating.words,
        **marks,
    }


class ReportWordsForm(forms.Form):
    why = forms.ChoiceField(
        label=_("What is wrong with them?"), choices=WordsReport.Why.choices, widget=forms.RadioSelect
    )


class OwnForm(forms.Form):
    """What our operators ask; the names are those of the wire."""

    again = forms.ChoiceField(
        label=_("Would you charge here again?"),
        choices=ReceivedFeedback.Again.choices,
        widget=forms.RadioSelect,
    )
    better = forms.CharField(
        label=_("What could be better?"),
        max_length=LONGEST_ANSWER,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class QuestionsForm(forms.Form):
    """The questions of an operator, drawn by us: their words are text, whatever they hold."""

    def __init__(self, *args: Any, questions: list[Question], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.questions = questions
        for number, question in enumerate(questions):
            if question.kind != "hidden":
                self.fields[f"q{number}"] = _field_of(question)

    def answers(self) -> list[list[str]]:
        """[[name, value], …] as a browser would send the operator's own form; empty boxes are not sent."""
        sent: list[list[str]] = []
        for number, question in enumerate(self.questions):
            said = question.value if question.kind == "hidden" else self.cleaned_data[f"q{number}"]
            values = said if isinstance(said, list) else ["" if said is None else str(said)]
            skipped = question.kind == "one" and values == [""]
            sent += [] if skipped else [[question.name, value] for value in values]
        return sent


def _field_of(question: Question) -> forms.Field:
    how = {"label": question.label, "required": question.is_required}
    choices = [(value, words) for value, words in question.choices]
    if question.kind == "many":
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **how)
    if question.kind == "one":
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **how)
    if question.kind == "number":
        return forms.DecimalField(max_digits=12, **how)
    if question.kind == "long":
        return forms.CharField(max_length=LONGEST_ANSWER, widget=forms.Textarea(attrs={"rows": 3}), **how)
    return forms.CharField(max_length=LONGEST, **how)
