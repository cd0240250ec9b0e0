from django import template

from apps.ratings.models import GivenRating

register = template.Library()


@register.simple_tag
def rating_tags() -> list[tuple[str, str]]:
    """What a driver may tick beside the stars."""
    return GivenRating.Tag.choices
