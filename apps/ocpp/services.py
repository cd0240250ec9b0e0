"""Charge points: known, approved, connected, lost. Told to the domain through wiring, in the same transaction."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.lib import wiring
from apps.lib.channel import group_send_soon
from apps.lib.clock import now
from apps.lib.errors import Refused
from apps.lib.moves import move
from apps.ocpp import admission
from apps.ocpp.events import ChargePointEvent, Connected, Disconnected, Heard
from apps.ocpp.groups import group_of
from apps.ocpp.models import IDENTITY, ChargePoint

MOST_EVSES, MOST_PLUGS = 100, 10  # of one box, and of one EVSE
HEARD_EVERY = timedelta(seconds=30)  # or half a heartbeat, where that is less


class NotAnIdentity(Refused):
    def __init__(self) -> None:
        super().__init__(_("An identity has 1 to 48 letters, digits or * - _ = : + | @ . characters."))


class IdentityTaken(Refused):
    def __init__(self, charge_point_id: str):
        super().__init__(_("The charge point %s is registered already.") % charge_point_id)


class NoSuchArrangement(Refused):
    def __init__(self) -> None:
        super().__init__(_("Name the number of plugs of each EVSE in order, like 2, 1, 1."))


# --- Registered by us ----------------------------------------------------------------------------------


def register(charge_point_id: str, password: str | None = None, *, why: str = "registered") -> str:
    """Make an approved charge point and return its password, which is not kept and cannot be asked for again."""
    if not IDENTITY.fullmatch(charge_point_id):
        raise NotAnIdentity
    password = password or admission.new_password()
    with transaction.atomic():
        try:
            with transaction.atomic():
                charge_point = ChargePoint.objects.create(
                    id=charge_point_id, password_hash=admission.hash_password(password)
                )
        except IntegrityError as error:
            raise IdentityTaken(charge_point_id) from error
        move(charge_point, ChargePoint.State.APPROVED, why=why)
    return password


def rotate_password(charge_point: ChargePoint, password: str | None = None) -> str:
    """Give it another password and hang up; the old one opens nothing any more."""
    password = password or admission.new_password()
    with transaction.atomic():
        charge_point.password_hash = admission.hash_password(password)
        charge_point.next_password_hash = ""
        charge_point.save(update_fields=["password_hash", "next_password_hash"])
        _cut_off(charge_point)
    return password


def expect_password(charge_point: ChargePoint, password: str) -> None:
    """It is being told this one. Until it comes in with it the old one opens too: a box that missed it must not be
    locked out."""
    charge_point.next_password_hash = admission.hash_password(password)
    charge_point.save(update_fields=["next_password_hash"])


def expect_no_other_password(charge_point_id: str) -> None:
    ChargePoint.objects.filter(pk=charge_point_id).update(next_password_hash="")


def set_plugs_per_evse(charge_point: ChargePoint, plugs_per_evse: list[int]) -> None:
    """For OCPP 2.0.1: how many plugs each EVSE has, in order (`wire/plugs.py`)."""
    is_sound = len(plugs_per_evse) <= MOST_EVSES and all(1 <= plugs <= MOST_PLUGS for plugs in plugs_per_evse)
    if not is_sound:
        raise NoSuchArrangement
    if charge_point.plugs_per_evse != plugs_per_evse:
        charge_point.plugs_per_evse = plugs_per_evse
        charge_point.save(update_fields=["plugs_per_evse"])


def set_starts_by_code(charge_point: ChargePoint, starts_by_code: bool) -> None:
    ChargePoint.objects.filter(pk=charge_point.pk).update(starts_by_code=starts_by_code)


def starts_by_code(charge_point_id: str) -> bool:
    return ChargePoint.objects.filter(pk=charge_point_id, starts_by_code=True).exists()


def approve(charge_point: ChargePoint, *, why: str) -> None:
    with transaction.atomic():
        _cut_off(charge_point)  # it comes back and is then a full member
        move(charge_point, ChargePoint.State.APPROVED, why=why)


def block(charge_point: ChargePoint, *, why: str) -> None:
    with transaction.atomic():
        _cut_off(charge_point)  # first, while the domain is still told
        move(charge_point, ChargePoint.State.BLOCKED, why=why)


def _cut_off(charge_point: ChargePoint) -> None:
    """No socket speaks for it any more; the one that is open is told, and would learn it with its next word anyway."""
    was_connected = ChargePoint.objects.filter(pk=charge_point.pk, connected=True).update(connected=False)
    ChargePoint.objects.filter(pk=charge_point.pk).update(connection="")
    if was_connected:
        tell_if_approved(charge_point, Disconnected(charge_point_id=charge_point.pk, received_at=now()))
    _let_sockets_look(charge_point.pk)


def _let_sockets_look(charge_point_id: str) -> None:
    """Whoever holds a socket of this charge point shall look whether it is still the right one."""
    transaction.on_commit(partial(group_send_soon, group_of(charge_point_id), {"type": "cp.look"}))


# --- Connected and lost --------------------------------------------------------------------------------


def open_connection(
    *, charge_point_id: str, connection: str, received_at: datetime, protocol: str = ""
) -> None:
    """The socket named `connection` speaks for the charge point from now on; an older one is told to go."""
    with transaction.atomic():
        ChargePoint.objects.filter(pk=charge_point_id).update(
            connected=True, connection=connection, last_seen_at=received_at, protocol=protocol
        )
        _let_sockets_look(charge_point_id)
        charge_point = ChargePoint.objects.get(pk=charge_point_id)
        tell_if_approved(charge_point, _connected(charge_point, received_at))


def close_connection(*, charge_point_id: str, connection: str, received_at: datetime) -> None:
    with transaction.atomic():
        here = ChargePoint.objects.filter(pk=charge_point_id, connection=connection, connected=True)
        if here.update(connected=False):
            charge_point = ChargePoint.objects.get(pk=charge_point_id)
            event = Disconnected(charge_point_id=charge_point_id, received_at=received_at)
            tell_if_approved(charge_point, event)


def note_proof_of_life(charge_point: ChargePoint, received_at: datetime) -> None:
    """Call inside the transaction of a message. Writes at most every few seconds."""
    if not charge_point.connected:  # given up for lost, but its socket lives and speaks
        charge_point.connected, charge_point.last_seen_at = True, received_at
        charge_point.save(update_fields=["connected", "last_seen_at"])
        tell_if_approved(charge_point, _connected(charge_point, received_at))
    elif charge_point.last_seen_at is None or received_at - charge_point.last_seen_at >= _heard_every():
        charge_point.last_seen_at = received_at
        charge_point.save(update_fields=["last_seen_at"])
        tell_if_approved(
            charge_point,
            Heard(charge_point_id=charge_point.pk, received_at=received_at, **_skew(charge_point)),
        )


def _heard_every() -> timedelta:
    return min(HEARD_EVERY, timedelta(seconds=settings.OCPP["HEARTBEAT_SECONDS"]) / 2)


def note_clock(charge_point: ChargePoint, skew_seconds: int | None) -> None:
    """Remember how far its clock is off; a second or two is the network's and not worth a write."""
    known = charge_point.clock_skew_seconds
    if skew_seconds is not None and (known is None or abs(known - skew_seconds) > 2):
        charge_point.clock_skew_seconds = skew_seconds
        charge_point.save(update_fields=["clock_skew_seconds"])


def note_boot(charge_point: ChargePoint, boot: Connected) -> None:
    charge_point.vendor, charge_point.model, charge_point.firmware = boot.vendor, boot.model, boot.firmware
    charge_point.booted_at = boot.received_at
    charge_point.save(update_fields=["vendor", "model", "firmware", "booted_at"])


def mark_lost_connections() -> int:
    """A duty: charge points silent for two heartbeats are away, whatever became of their socket."""
    silent_since = now() - 2 * timedelta(seconds=settings.OCPP["HEARTBEAT_SECONDS"])
    silent = ChargePoint.objects.filter(connected=True, last_seen_at__lt=silent_since)
    lost = 0
    for charge_point in silent[:200]:
        with transaction.atomic():
            # Not by its nonce: should its socket live after all, the next message must find it valid.
            if silent.filter(pk=charge_point.pk).update(connected=False):
                lost += 1
                event = Disconnected(charge_point_id=charge_point.pk, received_at=now())
                tell_if_approved(charge_point, event)
    return lost


# --- To the domain -------------------------------------------------------------------------------------


def tell(event: ChargePointEvent) -> Any:
    """Hand `event` to whoever takes it and return the answer; None when nobody does."""
    handler = wiring.handler("OCPP", event.kind)
    return handler(event) if handler else None


def tell_if_approved(charge_point: ChargePoint, event: ChargePointEvent) -> None:
    if charge_point.state == ChargePoint.State.APPROVED:
        tell(event)


def _connected(charge_point: ChargePoint, received_at: datetime) -> Connected:
    return Connected(
        charge_point_id=charge_point.pk,
        received_at=received_at,
        vendor=charge_point.vendor,
        model=charge_point.model,
        firmware=charge_point.firmware,
        **_skew(charge_point),
    )


def _skew(charge_point: ChargePoint) -> dict[str, int]:
    return {"clock_skew_seconds": charge_point.clock_skew_seconds or 0}
