from dataclasses import dataclass
from decimal import Decimal

from django import template
from django.template import RequestContext

from apps.accounts import selectors
from apps.accounts.models import Vehicle, VehicleModel
from apps.accounts.vehicles import ChosenVehicle, Fit

register = template.Library()

_ICONS = {
    VehicleModel.Category.TWO_WHEELER: "bike",
    VehicleModel.Category.BUS: "bus",
    VehicleModel.Category.TRUCK: "truck",
}


@dataclass(frozen=True)
class Picker:
    chosen: ChosenVehicle | None
    vehicles: list[Vehicle]
    next: str


@register.simple_tag(takes_context=True)
def vehicle_picker(context: RequestContext) -> Picker:
    """What the picker shows on any page; it leads back to `next` of the page, or to the page itself."""
    request = context["request"]
    return Picker(
        chosen=selectors.chosen_vehicle(request),
        vehicles=selectors.vehicles_of(request.user) if request.user.is_authenticated else [],
        next=context.get("next") or request.get_full_path(),
    )


@register.simple_tag(takes_context=True)
def fit_of(context: RequestContext, standard: str, power_type: str, max_kw: Decimal | None) -> Fit | None:
    """What the vehicle of whoever looks gets from a plug; None when they did not say what they drive."""
    vehicle = selectors.chosen_vehicle(context["request"]) if "request" in context else None
    return vehicle and vehicle.fit(standard, power_type, max_kw)


@register.filter
def vehicle_icon(category: str) -> str:
    return _ICONS.get(category, "car")
