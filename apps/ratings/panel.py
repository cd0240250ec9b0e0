"""What the rating part of a page shows: the form, what was said, what became of it."""

from typing import Any

from django.utils.translation import gettext as _

from apps.orders.models import Order
from apps.ratings import categories, feedback, rules
from apps.ratings.forms import RatingForm, first_values
from apps.ratings.models import FeedbackForm, GivenRating
from apps.ratings.services import is_editable, may_be_rated
from apps.ratings.states import Form, Words


def rating_of(order: Order) -> GivenRating | None:
    return GivenRating.objects.filter(order=order).select_related("form").first()


def shown(order: Order, form: RatingForm | None = None) -> dict[str, Any]:
    """Three questions: the rating with its form, and what the operator lets be rated."""
    rating = rating_of(order)
    asked = categories.asked_of(order)
    editable = may_be_rated(order) and (rating is None or is_editable(rating))
    return {
        "order": order,
        "rating": rating,
        "is_editable": editable,
        "form": form or RatingForm(initial=first_values(rating), categories=asked),
        "marks": _marks(rating),
        "told_tags": _tags(rating),
        "doubts": [rules.DOUBTS[key] for key in (rating.doubts if rating else ()) if key in rules.DOUBTS],
        "waits": bool(rating and rating.words and rating.state == Words.HELD),
        "why_hidden": _(rating.decision) if rating and rating.decision else "",
        "is_hidden": bool(rating and rating.words and rating.state == Words.HIDDEN),
        "more": _more(rating),
    }


def _marks(rating: GivenRating | None) -> list[tuple[str, int]]:
    said = rating.marks if rating else {}
    return [(words, said[name]) for name, words in categories.ASKED_FOR.items() if name in said]


def _tags(rating: GivenRating | None) -> list[str]:
    names = dict(GivenRating.Tag.choices)
    return [str(names[tag]) for tag in (rating.tags if rating else ()) if tag in names]


def _more(rating: GivenRating | None) -> dict[str, Any] | None:
    """The operator's own form, once we know what it is."""
    form: FeedbackForm | None = getattr(rating, "form", None) if rating else None
    if form is None or form.state in (Form.FOUND, Form.READING, Form.GIVEN_UP):
        return None
    return {
        "form": form,
        "host": feedback.host_of(form),
        "may_answer": form.state in (Form.OFFERED, Form.REFUSED),
        "is_link": form.state == Form.LINK,
        "is_taken": form.state == Form.TAKEN,
        "is_refused": form.state == Form.REFUSED,
    }
