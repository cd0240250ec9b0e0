"""The key of a guest: a signed link that opens what they ordered, on any device."""

from django.core import signing
from django.urls import reverse

from apps.accounts.models import User

SALT = "apps.accounts.guest_links"
OPENS_FOR_SECONDS = 180 * 86_400


def link_for(guest: User, *, path: str) -> str:
    """Path of ours that signs the guest in and leads on to `path`."""
    return reverse("open_guest_link", args=[signing.dumps([guest.pk, path], salt=SALT)])


def read(token: str) -> tuple[User, str] | None:
    """The guest and where to go; None for a link that is not ours, too old, or whose guest has an account by now."""
    try:
        pk, path = signing.loads(token, salt=SALT, max_age=OPENS_FOR_SECONDS)
    except signing.BadSignature:
        return None
    guest = User.objects.filter(pk=pk, is_guest=True, is_active=True).first()
    return (guest, path) if guest else None
