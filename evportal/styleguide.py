"""/styleguide/: every piece of the look on one page, and the two screens of the sketch built from them."""

from datetime import timedelta
from decimal import Decimal

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

SCREENS = ("page", "station", "charge")
STATUS_WORDS = (
    *("free", "preparing", "charging", "busy", "paused-by-car", "finishing"),
    *("reserved", "out", "fault", "unknown", "some-unknown", "closed"),
)
PINS = (
    ("free", 3, 6, 12.9763, 77.5929, "Cubbon Park Plaza"),
    ("free", 4, 4, 12.9610, 77.6387, "Domlur Depot"),
    ("busy", 0, 4, 12.9352, 77.6245, "Koramangala Hub"),
    ("unknown", 0, 2, 12.9299, 77.5826, "Jayanagar Market"),
    ("some-unknown", 1, 3, 12.9916, 77.5550, "Rajajinagar Metro"),
    ("fault", 0, 1, 12.9981, 77.6140, "Frazer Town Garage"),
    ("closed", 0, 2, 13.0031, 77.5643, "Malleshwaram Mall"),
    ("reserved", 0, 1, 12.9784, 77.6408, "Indiranagar Square"),
)
POWER_KW = (
    0,
    22,
    38,
    42,
    42.4,
    42.6,
    42.5,
    42.8,
    42.4,
    41.9,
    42,
    None,
    None,
    42,
    41.2,
    40.4,
    39.5,
    38.6,
    37.5,
)


class SampleForm(forms.Form):
    name = forms.CharField(help_text="Printed on your receipts.")
    email = forms.EmailField()
    city = forms.ChoiceField(choices=[("BLR", "Bengaluru"), ("MYS", "Mysuru")])
    plug = forms.ChoiceField(choices=[("ccs2", "CCS2"), ("type2", "Type 2")], widget=forms.RadioSelect)
    notes = forms.CharField(widget=forms.Textarea, required=False)
    terms = forms.BooleanField(label="I have read the terms")


def is_shown() -> bool:
    return settings.DEMO or settings.DEBUG


def show(request: HttpRequest, screen: str = "page") -> HttpResponse:
    if screen not in SCREENS or not is_shown():
        raise Http404
    now = timezone.now()
    context = {
        "now": now,
        "recently": now - timedelta(seconds=2),
        "long_ago": now - timedelta(minutes=4),
        "started": now - timedelta(minutes=18),
        "soon": now + timedelta(minutes=9, seconds=59),
        "statuses": STATUS_WORDS,
        "pins": PINS,
        "form": SampleForm(),
        "wrong": SampleForm({"name": "", "email": "asha at example", "city": "BLR"}),
        "delivered": Decimal("12.4"),
        "target": Decimal("20"),
        "cost": Decimal("223.20"),
        "lakh": Decimal("1234567.5"),
        "curve": _curve(now),
    }
    return render(request, f"styleguide/{screen}.html", context)


def pins(request: HttpRequest) -> JsonResponse:
    """What the map fetches, for the sample map."""
    if not is_shown():
        raise Http404
    drawn = [
        dict(
            code=f"S{number}",
            status=status,
            free=free,
            total=total,
            lat=lat,
            lon=lon,
            name=name,
            url="#",
            max_kw=60,
        )
        for number, (status, free, total, lat, lon, name) in enumerate(PINS)
    ]
    return JsonResponse({"pins": drawn, "clusters": [{"lat": 12.85, "lon": 77.66, "count": 27}]})


def _curve(now) -> dict:
    first = int(now.timestamp()) - 60 * len(POWER_KW)
    at = [first + 60 * minute for minute in range(len(POWER_KW))]
    return {
        "at": at,
        "power_kw": POWER_KW,
        "energy_kwh": [round(0.69 * minute, 2) for minute in range(len(POWER_KW))],
        "gaps": [[at[10], at[13]]],
        "zone": "Asia/Kolkata",
    }
