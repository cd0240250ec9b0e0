"""Who may do what. Drivers need no role; operator staff is a row of the catalog room; this is the support desk."""

from decimal import Decimal
from enum import IntEnum

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User


class SupportLevel(IntEnum):
    NONE = 0
    L1 = 1
    L2 = 2
    GRIEVANCE_OFFICER = 3


GROUPS = {
    "Support L1": SupportLevel.L1,
    "Support L2": SupportLevel.L2,
    "Grievance officer": SupportLevel.GRIEVANCE_OFFICER,
}


def support_level(user: User | AnonymousUser) -> SupportLevel:
    """The highest level this person holds; an administrator holds them all."""
    if not user.is_authenticated or not user.is_active or not user.is_staff:
        return SupportLevel.NONE
    if user.is_superuser:
        return SupportLevel.GRIEVANCE_OFFICER
    names = user.groups.filter(name__in=GROUPS).values_list("name", flat=True)
    return max((GROUPS[name] for name in names), default=SupportLevel.NONE)


def is_support(user: User | AnonymousUser) -> bool:
    return support_level(user) > SupportLevel.NONE


def is_administrator(user: User | AnonymousUser) -> bool:
    return user.is_authenticated and user.is_active and user.is_superuser


def may_refund(user: User | AnonymousUser, amount: Decimal, currency: str) -> bool:
    """Is so much within the limit of this person? Level 1 and 2 have one per currency, the grievance officer none."""
    level = support_level(user)
    if level in (SupportLevel.NONE, SupportLevel.GRIEVANCE_OFFICER):
        return level == SupportLevel.GRIEVANCE_OFFICER
    limits = settings.REFUNDS["LIMITS"].get(currency, [0, 0])
    return amount <= Decimal(str(limits[level - 1]))
