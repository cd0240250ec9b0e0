from typing import Any

from django import template

from apps.orders.models import Order
from apps.ratings import panel

register = template.Library()


@register.inclusion_tag("ratings/_panel.html", takes_context=True)
def rating_panel(context: template.Context, order: Order) -> dict[str, Any]:
    """What a driver says of a charge, on the page of its order."""
    return {"csrf_token": context.get("csrf_token"), **panel.shown(order)}
