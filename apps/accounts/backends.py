from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings

from apps.accounts.models import User
from apps.lib.rows import Lookup

_BY_ID = Lookup(User.objects.all, "id")


class PortalBackend(AuthenticationBackend):
    """Demo people exist only in demo mode: outside it they can neither sign in nor keep a session."""

    def get_user(self, user_id: int) -> User | None:
        """Of every request, and of every picture of a live page."""
        user = _BY_ID.find(user_id)
        return user if user and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user) -> bool:
        return super().user_can_authenticate(user) and (settings.DEMO or not user.is_demo)
