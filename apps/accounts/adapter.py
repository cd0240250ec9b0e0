from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts import guests, selectors, services
from apps.accounts.models import User


class PortalAccountAdapter(DefaultAccountAdapter):
    """What differs from allauth's ways: we keep the language of a person, and mail goes out in it."""

    def save_user(self, request: HttpRequest, user: User, form, commit: bool = True) -> User:
        user.name = form.cleaned_data.get("name", "")
        user.language = translation.get_language() or settings.LANGUAGE_CODE
        return super().save_user(request, user, form, commit=commit)

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        user = context.get("user")
        with translation.override(user.language if isinstance(user, User) else translation.get_language()):
            super().send_mail(template_prefix, email, context)

    def post_login(self, request: HttpRequest, user: User, **kwargs) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        return bring_guest_vehicle(request, remember_language(response, user.language), user)


def remember_language(response: HttpResponse, language: str) -> HttpResponse:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )
    return response


def bring_guest_vehicle(request: HttpRequest, response: HttpResponse, user: User) -> HttpResponse:
    """What somebody chose before they signed in becomes the vehicle they drive, and the browser forgets it."""
    remembered = guests.remembered_vehicle(request)
    if remembered is None:
        return response
    guests.forget_vehicle(response)
    model = selectors.find_model(*remembered)
    if model is not None:
        try:
            services.add_vehicle(user, model=model, year=remembered[1])
            messages.info(request, _("You drive the %(vehicle)s you chose before.") % {"vehicle": model})
        except services.TooManyVehicles as refusal:
            messages.warning(request, refusal.message)  # nobody is kept from signing in by it
    return response
