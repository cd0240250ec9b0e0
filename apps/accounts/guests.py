"""What we remember of somebody without an account: the vehicle they chose, in a signed cookie of their browser."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE = "vehicle"
SALT = "apps.accounts.guests"
KEPT_SECONDS = 31_536_000


def remember_vehicle(response: HttpResponse, *, model_id: int, year: int) -> None:
    response.set_signed_cookie(
        COOKIE,
        f"{model_id}:{year}",
        salt=SALT,
        max_age=KEPT_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def remembered_vehicle(request: HttpRequest) -> tuple[int, int] | None:
    """(model, year); None also for a cookie that is not ours or too old."""
    said = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEPT_SECONDS)
    model_id, _, year = said.partition(":")
    return (int(model_id), int(year)) if model_id.isdigit() and year.isdigit() else None


def forget_vehicle(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, samesite="Lax")
