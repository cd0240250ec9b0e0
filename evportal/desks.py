"""The admin is one house with several desks; it is called after the work that a person does there."""

from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.roles import is_administrator, is_support
from apps.catalog.selectors import staff_for


def name_of_desk(user: User | AnonymousUser) -> Promise:
    if is_administrator(user):
        return _("Administration")
    return _("Operations") if staff_for(user) and not is_support(user) else _("Support")
