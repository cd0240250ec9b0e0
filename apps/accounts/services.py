"""The only writer of people and their vehicles."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User, Vehicle, VehicleModel
from apps.lib import clock, wiring
from apps.lib.errors import Refused

DEMO_PASSWORD = "charge-me-up"  # published on the sign-in page of a demo; worth nothing anywhere else

GUESTS_HOST = "guest.invalid"  # RFC 2606: no mail ever goes there
LINKS_A_ROUND = 20


@dataclass(frozen=True)
class DemoPerson:
    email: str
    name: str
    role: str
    icon: str
    group: str = ""
    is_superuser: bool = False
    works_for_operator: bool = False

    @property
    def is_staff(self) -> bool:
        return bool(self.group) or self.is_superuser or self.works_for_operator


DEMO_PEOPLE = (
    DemoPerson("driver@demo.example", "Asha Rao", _("Driver"), "car"),
    DemoPerson(
        "operator-viewer@demo.example", "Vikram Shetty", _("Operator, viewer"), "eye", works_for_operator=True
    ),
    DemoPerson(
        "operator-manager@demo.example",
        "Meera Iyer",
        _("Operator, manager"),
        "building-2",
        works_for_operator=True,
    ),
    DemoPerson(
        "operator-finance@demo.example",
        "Farah Khan",
        _("Operator, finance"),
        "receipt",
        works_for_operator=True,
    ),
    DemoPerson("support-l1@demo.example", "Lata Menon", _("Support, level 1"), "life-buoy", "Support L1"),
    DemoPerson("support-l2@demo.example", "Dev Patel", _("Support, level 2"), "life-buoy", "Support L2"),
    DemoPerson(
        "officer@demo.example", "Nandini Das", _("Grievance officer"), "shield-check", "Grievance officer"
    ),
    DemoPerson("admin@demo.example", "Arjun Nair", _("Administrator"), "settings", is_superuser=True),
)


class NotADemo(Refused):
    pass


def make_demo_people() -> list[User]:
    """The people of the demo, in the order of DEMO_PEOPLE. Idempotent. Raises NotADemo outside demo mode."""
    if not settings.DEMO:
        raise NotADemo(_("Demo people exist only in demo mode (EVPORTAL_DEMO=1)."))
    with transaction.atomic():
        return [_make_demo_person(person) for person in DEMO_PEOPLE]


def _make_demo_person(person: DemoPerson) -> User:
    user = User.objects.filter(email=person.email).first()
    if user is None:
        user = User.objects.create_user(
            person.email,
            DEMO_PASSWORD,
            name=person.name,
            is_demo=True,
            is_staff=person.is_staff,
            is_superuser=person.is_superuser,
        )
    elif not user.is_demo:
        raise NotADemo(_("%(email)s belongs to a real person.") % {"email": person.email})
    if person.group:
        user.groups.add(Group.objects.get_or_create(name=person.group)[0])
    EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    return user


def find_demo_person(*, email: str) -> User | None:
    """A person of the demo, or None: outside demo mode there is nobody."""
    return User.objects.filter(email=email, is_demo=True, is_active=True).first() if settings.DEMO else None


def change_profile(user: User, *, name: str, phone: str, language: str) -> None:
    user.name, user.phone, user.language = name.strip(), phone.strip(), language
    user.save(update_fields=["name", "phone", "language"])


def change_language(user: User, *, language: str) -> None:
    user.language = language
    user.save(update_fields=["language"])


# --- Guests -----------------------------------------------------------------------------------------------


def make_guest(*, email: str, language: str) -> User:
    """Somebody who orders without an account. The same address may have an account, or be a guest many times."""
    return User.objects.create_user(
        f"{uuid4().hex}@{GUESTS_HOST}", contact_email=email.strip().lower(), language=language, is_guest=True
    )


@transaction.atomic
def hand_over_guest(*, guest: User, to: User) -> None:
    """All that a guest has becomes that of an account, once; the guest is nobody afterwards."""
    if to.is_guest:
        raise Refused(_("Sign in first."))
    if User.objects.filter(pk=guest.pk, is_guest=True, is_active=True).update(is_active=False):
        wiring.announce("guest.claimed", guest, to)
        wiring.announce("guest.claimed_tickets", guest, to)


def links_to_send(guests: QuerySet[User]) -> list[User]:
    """Those of `guests` whose link has not been sent; taking one from the list is `take_link_to_send`."""
    return list(guests.filter(is_guest=True, is_active=True, link_sent_at=None)[:LINKS_A_ROUND])


def take_link_to_send(guest: User) -> bool:
    """True for the one who sends it."""
    return bool(User.objects.filter(pk=guest.pk, link_sent_at=None).update(link_sent_at=clock.now()))


def link_not_sent(guest: User) -> None:
    User.objects.filter(pk=guest.pk).update(link_sent_at=None)


# --- Vehicles ---------------------------------------------------------------------------------------------

MOST_VEHICLES = 20


class TooManyVehicles(Refused):
    def __init__(self) -> None:
        super().__init__(
            _("You have %(most)d vehicles, and that is as many as we keep. Remove one first.")
            % {"most": MOST_VEHICLES}
        )


class NotSoldThen(Refused):
    def __init__(self) -> None:
        super().__init__(_("Our list has no such vehicle any more. Please choose it again."))


def add_vehicle(user: User, *, model: VehicleModel, year: int) -> Vehicle:
    """Add it and drive it. A vehicle that is there already is not added again, so pressing twice does no harm."""
    if year not in model.years:
        raise NotSoldThen
    with _of_one_driver(user):
        vehicle = Vehicle.objects.filter(user=user, model=model, year=year).first()
        if vehicle is None:
            if Vehicle.objects.filter(user=user).count() >= MOST_VEHICLES:
                raise TooManyVehicles
            vehicle = Vehicle.objects.create(user=user, model=model, year=year)
        _drive(vehicle)
    return vehicle


def choose_vehicle(vehicle: Vehicle) -> None:
    with _of_one_driver(vehicle.user):
        _drive(vehicle)


def choose_any_vehicle(user: User) -> None:
    """Show what is there for every vehicle."""
    Vehicle.objects.filter(user=user, is_driven=True).update(is_driven=False)


def rename_vehicle(vehicle: Vehicle, *, name: str) -> None:
    vehicle.name = name.strip()
    vehicle.save(update_fields=["name"])


def remove_vehicle(vehicle: Vehicle) -> None:
    """Whoever removes the one they drive drives none, and not by surprise another."""
    vehicle.delete()


@contextmanager
def _of_one_driver(user: User) -> Iterator[None]:
    """Two presses of one driver come one after the other."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        yield


def _drive(vehicle: Vehicle) -> None:
    Vehicle.objects.filter(user=vehicle.user_id, is_driven=True).exclude(pk=vehicle.pk).update(
        is_driven=False
    )
    vehicle.is_driven = True
    vehicle.save(update_fields=["is_driven"])
