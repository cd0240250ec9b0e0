"""Where a ticket leads to in the admin: the charge, its box, and what a person should look at. Only what opens."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.catalog.selectors import connectors_for
from apps.charging.models import Concern, Session
from apps.charging.selectors import charge_points_for
from apps.ocpp.models import ChargePoint

Link = tuple[str, str, str]  # name, address, words


def links_for(user: AbstractBaseUser | AnonymousUser, reference: str) -> list[Link]:
    """Every try to charge for `reference`, as far as this person may see it (law 11)."""
    tries = Session.objects.filter(reference=reference).order_by("pk")
    if not user.is_superuser:
        tries = tries.filter(connector__in=connectors_for(user))
    tries = list(tries.prefetch_related(Prefetch("concerns", Concern.objects.order_by("pk"))))
    charges = [(_("Charge"), _to("charging_session", one.pk), one.code) for one in tries]
    concerns = [
        (_("Concern"), _to("charging_concern", concern.pk), str(concern.get_kind_display()))
        for one in tries
        for concern in one.concerns.all()
    ]
    return [*charges, *_boxes(user, tries), *concerns]


def _boxes(user: AbstractBaseUser | AnonymousUser, tries: list[Session]) -> list[Link]:
    """A box that another operator names as well is shown to neither."""
    boxes = ChargePoint.objects.filter(pk__in={one.charge_point_id for one in tries}).order_by("pk")
    if not user.is_superuser:
        mine = charge_points_for(user)
        boxes = boxes.none() if mine is None else boxes.filter(pk__in=mine)
    return [(_("Charge point"), _to("ocpp_chargepoint", pk), pk) for pk in boxes.values_list("pk", flat=True)]


def _to(kind: str, pk: object) -> str:
    return reverse(f"admin:{kind}_change", args=[pk])
