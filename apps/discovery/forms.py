"""The filters of the map, as they stand in the address of the page."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from apps.accounts.vehicles import ChosenVehicle
from apps.discovery.areas import Box
from apps.discovery.network import Asks
from apps.discovery.plugs import AMENITIES, PLUG_NAMES, SPEEDS, VEHICLES

DEFAULT_RADIUS_KM = Decimal(25)
POWERS = ((7, "≥ 7 kW"), (22, "≥ 22 kW"), (50, "≥ 50 kW"), (100, "≥ 100 kW"), (150, "≥ 150 kW"))
PLACE = ("q", "lat", "lon", "radius")
SORTS = (("", _("Nearest first")), ("price", _("Cheapest first")), ("power", _("Strongest first")))
FLAG_NAMES = {
    "free": _("Available now"),
    "open_now": _("Open now"),
    "accessible": _("Accessible bay"),
    "reservable": _("Can be reserved"),
    "green": _("Green energy"),
    "fits": _("Fits my vehicle"),
}


@dataclass(frozen=True)
class Usual:
    """The charge that prices are told for."""

    energy_kwh: int = 20
    minutes: int = 35


@dataclass(frozen=True)
class Fit:
    """What a car can take: its standards, and how strongly it charges."""

    standards: tuple[str, ...] = ()
    max_ac_kw: Decimal | None = None
    max_dc_kw: Decimal | None = None


@dataclass(frozen=True)
class Filters:
    words: str = ""
    lat: Decimal = Decimal(0)
    lon: Decimal = Decimal(0)
    radius_km: Decimal = DEFAULT_RADIUS_KM
    is_default_place: bool = True
    current: str = ""
    plugs: tuple[str, ...] = ()
    min_kw: int | None = None
    speed: str = ""
    vehicle: str = ""  # a category: 2-WHEELER …
    fits: Fit | None = None
    free: bool = False
    open_now: bool = False
    amenities: tuple[str, ...] = ()
    accessible: bool = False
    reservable: bool = False
    green: bool = False
    operator: str = ""
    max_price: Decimal | None = None  # for the usual charge, in the currency below
    currency: str = ""
    usual: Usual = Usual()
    sort: str = ""

    @property
    def plug(self) -> str:
        """The one that is asked for, where several are not a question."""
        return self.plugs[0] if self.plugs else ""

    @property
    def standards(self) -> frozenset[str] | None:
        """The plugs that were chosen and that the car has; None when both are all the same."""
        asked = [frozenset(some) for some in (self.plugs, self.fits and self.fits.standards) if some]
        return frozenset.intersection(*asked) if asked else None

    @property
    def powers(self) -> tuple[int | None, int | None]:
        """From, and below."""
        slowest, below, _label = SPEEDS.get(self.speed, (None, None, ""))
        return max((kw for kw in (self.min_kw, slowest) if kw is not None), default=None), below

    @property
    def asks(self) -> Asks:
        """What travels to the operators."""
        return Asks(
            current=self.current,
            standards=tuple(sorted(self.standards or ())),
            min_kw=self.powers[0],
            vehicle=self.vehicle,
            operator=self.operator,
            green=self.green,
        )

    def name_of(self, name: str) -> str:
        """What people call a filter that is set."""
        said = getattr(self, name)
        said_by_value = {
            "words": said,
            "operator": said,
            "current": said,
            "min_kw": f"≥ {said} kW",
            "max_price": f"≤ {said} {self.currency}",
        }
        if name in said_by_value:
            return str(said_by_value[name])
        if name in ("plugs", "amenities"):
            names = PLUG_NAMES if name == "plugs" else AMENITIES
            return ", ".join(str(names.get(one, one)) for one in said)
        if name in ("speed", "vehicle"):
            return str(SPEEDS[said][2] if name == "speed" else VEHICLES.get(said, said))
        return str(FLAG_NAMES[name])

    def without(self, name: str) -> "Filters":
        default = next(field.default for field in fields(Filters) if field.name == name)
        return replace(self, **{name: default})


class _Several(forms.Select):
    """A choice that may stand in the address several times, `plug=A&plug=B`."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        said = data.getlist(name) if isinstance(data, MultiValueDict) else data.get(name, [])
        values = said if isinstance(said, list | tuple) else [said]
        return [value for value in dict.fromkeys(values) if value]


class _SomeOf(forms.MultipleChoiceField):
    """Several of a few; those nobody knows are left out, the others count."""

    widget = _Several

    def to_python(self, value: Any) -> list[str]:
        return [one for one in super().to_python(value) if self.valid_value(one) and one]


def _number(name: str, most: int, **more: Any) -> forms.DecimalField:
    return forms.DecimalField(label=name, required=False, min_value=0, max_value=most, **more)


class FilterForm(forms.Form):
    """Every field is optional; a field with nonsense in it is as good as empty."""

    q = forms.CharField(required=False, max_length=100, strip=True)
    lat = forms.DecimalField(required=False, min_value=-90, max_value=90)
    lon = forms.DecimalField(required=False, min_value=-180, max_value=180)
    radius = forms.DecimalField(required=False, min_value=1, max_value=500)
    current = forms.ChoiceField(
        label=_("AC or DC"), required=False, choices=[("", _("AC and DC")), ("AC", "AC"), ("DC", "DC")]
    )
    plug = _SomeOf(label=_("Plug"), required=False, choices=[("", _("Any plug")), *PLUG_NAMES.items()])
    kw = forms.TypedChoiceField(
        label=_("Power"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Any power")), *POWERS],
    )
    speed = forms.ChoiceField(
        label=_("Speed"),
        required=False,
        choices=[("", _("Any speed")), *((name, label) for name, (_low, _high, label) in SPEEDS.items())],
    )
    vehicle = forms.ChoiceField(
        label=_("Vehicle"), required=False, choices=[("", _("Any vehicle")), *VEHICLES.items()]
    )
    amenity = _SomeOf(
        label=_("Nearby"), required=False, choices=[("", _("Anything nearby")), *AMENITIES.items()]
    )
    free = forms.BooleanField(required=False)
    open = forms.BooleanField(label=_("Open now"), required=False)
    accessible = forms.BooleanField(label=_("Accessible bay"), required=False)
    reservable = forms.BooleanField(label=_("Can be reserved"), required=False)
    green = forms.BooleanField(label=_("Green energy"), required=False)
    operator = forms.CharField(required=False, max_length=200, strip=True)
    sort = forms.ChoiceField(label=_("Sort by"), required=False, choices=SORTS)
    max_price = _number(_("At most, for my usual charge"), 1_000_000, decimal_places=2)
    kwh = forms.IntegerField(label=_("Usual energy in kWh"), required=False, min_value=1, max_value=500)
    minutes = forms.IntegerField(
        label=_("Usual time in minutes"), required=False, min_value=1, max_value=1440
    )
    mine = forms.BooleanField(label=_("Fits my vehicle"), required=False)  # of whoever looks
    # What a car can take, for an address that says it to everybody: standards and its own limits.
    fits = _SomeOf(required=False, choices=list(PLUG_NAMES.items()))
    ac_kw = _number(_("Car takes at most, AC"), 1000)
    dc_kw = _number(_("Car takes at most, DC"), 10_000)

    def choosers(self) -> list[forms.BoundField]:
        """The filters that are one of few."""
        return [self["current"], self["plug"], self["kw"]]

    def more_choosers(self) -> list[forms.BoundField]:
        return [self[name] for name in ("speed", "vehicle", "amenity", "sort")]

    def switches(self) -> list[forms.BoundField]:
        """The filters that are on or off, but for the one that everybody needs."""
        return [self[name] for name in ("open", "accessible", "reservable", "green")]

    def numbers(self) -> list[forms.BoundField]:
        return [self[name] for name in ("max_price", "kwh", "minutes")]

    def address(self, *, with_place: bool) -> str:
        """What was said and understood, as the query of an address; nonsense and empty fields are left out."""
        self.is_valid()
        said = {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not False and value not in (None, "", [])
        }
        if not with_place:
            said = {name: value for name, value in said.items() if name not in PLACE}
        return urlencode({name: "on" if value is True else value for name, value in said.items()}, doseq=True)

    def filters(self, vehicle: ChosenVehicle | None = None) -> Filters:
        """`vehicle` is that of whoever looks, for "fits mine"."""
        self.is_valid()
        said = self.cleaned_data
        fits = _fit(said) or (_fit_of(vehicle) if vehicle and said.get("mine") else None)
        return Filters(**_place(said), **_wishes(said.get), usual=_usual(said), fits=fits)


def _place(said: dict[str, Any]) -> dict[str, Any]:
    here = said.get("lat") is not None and said.get("lon") is not None
    start = settings.MAP_START
    return {
        "words": said.get("q") or "",
        "lat": said["lat"] if here else Decimal(str(start["lat"])),
        "lon": said["lon"] if here else Decimal(str(start["lon"])),
        "radius_km": said.get("radius") or DEFAULT_RADIUS_KM,
        "is_default_place": not here,
    }


def _wishes(said: Callable[[str], Any]) -> dict[str, Any]:
    return {
        "current": said("current") or "",
        "plugs": tuple(said("plug") or ()),
        "min_kw": said("kw"),
        "speed": said("speed") or "",
        "vehicle": said("vehicle") or "",
        "free": bool(said("free")),
        "open_now": bool(said("open")),
        "amenities": tuple(said("amenity") or ()),
        "accessible": bool(said("accessible")),
        "reservable": bool(said("reservable")),
        "green": bool(said("green")),
        "operator": said("operator") or "",
        "max_price": said("max_price"),
        "currency": settings.DISCOVERY["CURRENCY"],
        "sort": said("sort") or "",
    }


def _usual(said: dict[str, Any]) -> Usual:
    usual = settings.DISCOVERY
    return Usual(said.get("kwh") or usual["USUAL_KWH"], said.get("minutes") or usual["USUAL_MINUTES"])


def _fit(said: dict[str, Any]) -> Fit | None:
    standards = tuple(said.get("fits") or ())
    return Fit(standards, said.get("ac_kw"), said.get("dc_kw")) if standards else None


def _fit_of(vehicle: ChosenVehicle) -> Fit:
    return Fit(tuple(sorted(vehicle.standards)), vehicle.max_ac_kw, vehicle.max_dc_kw)


class ViewportForm(forms.Form):
    """What the map shows."""

    south = forms.DecimalField(min_value=-90, max_value=90)
    north = forms.DecimalField(min_value=-90, max_value=90)
    west = forms.DecimalField(min_value=-720, max_value=720)
    east = forms.DecimalField(min_value=-720, max_value=720)
    zoom = forms.IntegerField(required=False, min_value=0, max_value=22)

    def box(self) -> Box:
        said = self.cleaned_data
        return Box(said["south"], said["west"], said["north"], said["east"])


class ProfileForm(forms.Form):
    """A name for the filters in an address."""

    name = forms.CharField(label=_("Name"), max_length=60, strip=True)
    with_place = forms.BooleanField(label=_("Keep the place as well"), required=False)
