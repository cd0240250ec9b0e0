"""What every page knows: theme, tabs, doors."""

from functools import partial

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.catalog.selectors import may_see_labels
from evportal import styleguide
from evportal.desks import name_of_desk

THEMES = {
    "auto": (_("Like the device"), "sun-moon"),
    "light": (_("Light"), "sun"),
    "dark": (_("Dark"), "moon"),
}

# URL name, label, icon. A tab shows as soon as its page exists.
TABS = (
    ("home", _("Map"), "map"),
    ("orders:history", _("Charges"), "zap"),
    ("saved", _("Saved"), "heart"),
    ("me", _("Me"), "circle-user-round"),
)
DOORS = (("operator", _("Operator")),)


def portal(request: HttpRequest) -> dict:
    theme = request.COOKIES.get("theme")
    return {
        "theme": theme if theme in THEMES else "auto",
        "themes": [{"name": name, "label": label, "icon": icon} for name, (label, icon) in THEMES.items()],
        "tabs": [
            {"url": url, "label": label, "icon": icon, "here": _is_here(request, url)}
            for name, label, icon in TABS
            if (url := _url(name))
        ],
        "doors": _doors(request),
        # Functions: only the page that shows it pays for the question.
        "desk": partial(_desk, request),
        "works_with_codes": partial(_works_with_codes, request),
        "demo": settings.DEMO,
        "styleguide": styleguide.is_shown(),
    }


def _doors(request: HttpRequest) -> list[dict]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    doors = [
        {"url": url, "label": label, "here": _is_here(request, url)}
        for name, label in DOORS
        if (url := _url(name))
    ]
    if user.is_staff:
        doors.append({"url": reverse("admin:index"), "label": name_of_desk(user), "here": False})
    return doors


def _desk(request: HttpRequest) -> Promise:
    return name_of_desk(request.user)


def _works_with_codes(request: HttpRequest) -> bool:
    return "bpp" in settings.ROLES and may_see_labels(request.user)


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _is_here(request: HttpRequest, url: str) -> bool:
    return request.path == url or (url != "/" and request.path.startswith(url))
