"""Reads for pages: the vehicles of a driver, and the list they choose from."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F
from django.http import Http404, HttpRequest

from apps.accounts import guests
from apps.accounts.models import Vehicle, VehicleModel
from apps.accounts.vehicles import ChosenVehicle, chosen

_KEPT = "_chosen_vehicle"  # on the request: a page may ask several times


def chosen_vehicle(request: HttpRequest) -> ChosenVehicle | None:
    """The vehicle that whoever looks at this page drives now; None: they did not say, or any vehicle."""
    if not hasattr(request, _KEPT):
        setattr(request, _KEPT, _of_driver(request.user) if _is_driver(request) else _of_guest(request))
    return getattr(request, _KEPT)


def _is_driver(request: HttpRequest) -> bool:
    return hasattr(request, "user") and request.user.is_authenticated


def _of_driver(user: AbstractBaseUser) -> ChosenVehicle | None:
    vehicle = Vehicle.objects.filter(user=user, is_driven=True).select_related("model").first()
    return vehicle and chosen(vehicle.model, vehicle.year, name=vehicle.name)


def _of_guest(request: HttpRequest) -> ChosenVehicle | None:
    remembered = guests.remembered_vehicle(request)
    if remembered is None:
        return None
    model = find_model(*remembered)
    return model and chosen(model, remembered[1])


def vehicles_of(user: AbstractBaseUser) -> list[Vehicle]:
    """The one they drive first."""
    return list(
        Vehicle.objects.filter(user=user).select_related("model").order_by("-is_driven", "added_at", "pk")
    )


def vehicle_for(user: AbstractBaseUser, code: UUID) -> Vehicle:
    """The driver's own vehicle, or 404."""
    owned = Vehicle.objects.filter(user=user.pk, code=code)  # nobody has no key, and so no vehicle
    vehicle = owned.select_related("model").first() if user.pk else None
    if vehicle is None:
        raise Http404("no such vehicle")
    return vehicle


def find_model(model_id: int, year: int) -> VehicleModel | None:
    """The known model, if it was sold in that year."""
    model = VehicleModel.objects.filter(pk=model_id).first()
    return model if model and year in model.years else None


# --- Make, model, year, and what there is of it -----------------------------------------------------------


@dataclass(frozen=True)
class Finder:
    """How far somebody has come in choosing. A step with one answer only is taken for them."""

    category: str = ""
    make: str = ""
    model: str = ""
    year: int | None = None
    makes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    variants: tuple[VehicleModel, ...] = ()


def find(*, category: str = "", make: str = "", model: str = "", year: int | None = None) -> Finder:
    """What is no answer to its question is as good as none: choosing another make forgets the model."""
    rows = VehicleModel.objects.all()
    if category:
        rows = rows.filter(category=category)
    makes = _names(rows, "make")
    make = _only(makes, make)
    models = _names(rows.filter(make=make), "model") if make else ()
    model = _only(models, model)
    known = (
        tuple(rows.filter(make=make, model=model).order_by("trim", F("year_from").desc())) if model else ()
    )
    years = tuple(sorted({year for row in known for year in row.years}, reverse=True))
    year = _only(years, year)
    return Finder(
        category=category,
        make=make or "",
        model=model or "",
        year=year,
        makes=makes,
        models=models,
        years=years,
        variants=tuple(row for row in known if year in row.years),
    )


def _names(rows, column: str) -> tuple[str, ...]:
    names = rows.order_by().values_list(column, flat=True).distinct()
    return tuple(sorted(names, key=str.casefold))


def _only(options: tuple, said):
    """What was said, if it is one of the options; the option itself when there is no other."""
    if said in options:
        return said
    return options[0] if len(options) == 1 else None
