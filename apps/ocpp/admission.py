"""Who may come in at the door: passwords, and how often an address may guess wrong."""

import base64
import binascii
import hashlib
import hmac
import secrets

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.lib.errors import Refused
from apps.lib.mistakes import Mistakes
from apps.ocpp.models import IDENTITY, ChargePoint

log = structlog.get_logger(__name__)

SHORTEST_PASSWORD = 16
MISTAKES = Mistakes("ocpp", allowed=20, seconds=60)
# A box that dials again and again costs as much as many boxes. Counted by identity, once it is proved: a stranger must
# not shut a box out, and a thousand boxes behind one address may all come back at once.
COMINGS = Mistakes("ocpp-comings", allowed=120, seconds=60)
MOST_PENDING = 200  # how many strangers are parked before the door stays shut for further ones


class NotAdmitted(Exception):
    """The door stays shut. `close_code` is the socket's, 4000 + the HTTP status it stands for."""

    def __init__(self, close_code: int, reason: str):
        super().__init__(reason)
        self.close_code = close_code
        self.reason = reason


class TooOften(NotAdmitted):
    """Said to whoever knocks; not written down each time, or a flood at the door would be one in the log as well."""

    def __init__(self, reason: str):
        super().__init__(4429, reason)


class PasswordTooShort(Refused):
    def __init__(self) -> None:
        super().__init__(_("A charge point's password has at least %d characters.") % SHORTEST_PASSWORD)


def new_password() -> str:
    """40 hexadecimal characters: the longest that 2.0.1 allows, and what 1.6 calls the 20 bytes of its key."""
    return secrets.token_hex(20)


def hash_password(password: str) -> str:
    """One HMAC-SHA256 under a random salt.

    A slow hash protects passwords that people choose. These are long and random, so there is nothing to guess, and a
    thousand charge points coming back after a power cut must not cost a thousand slow hashes. Not keyed with
    SECRET_KEY: changing that must not lock out every charge point in the field.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordTooShort
    salt = secrets.token_hex(16)
    return f"hmac-sha256${salt}${_digest(salt, password)}"


def password_matches(password: str, stored: str) -> bool:
    scheme, _dollar, rest = stored.partition("$")
    salt, _dollar, digest = rest.partition("$")
    return scheme == "hmac-sha256" and hmac.compare_digest(_digest(salt, password), digest)


def _digest(salt: str, password: str) -> str:
    return hmac.new(salt.encode(), password.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def read_basic_auth(header: bytes | None) -> tuple[str, str] | None:
    """Name and password of an `Authorization: Basic …` header; None where there is none that can be read.

    OCPP-J 1.6 (6.2.2) sends the bytes whose hexadecimal text is the key: what is no text is read as such a key.
    """
    scheme, _space, coded = (header or b"").strip().partition(b" ")
    try:
        name, colon, password = base64.b64decode(coded, validate=True).partition(b":")
        login = name.decode(), _text_of(password)
    except (binascii.Error, UnicodeDecodeError):
        return None
    return login if scheme.lower() == b"basic" and colon else None


def _text_of(password: bytes) -> str:
    try:
        return password.decode()
    except UnicodeDecodeError:
        return password.hex()


def admit(
    *, charge_point_id: str, authorization: bytes | None, address: str, is_encrypted: bool = True
) -> ChargePoint:
    """The charge point that may come in. Raises NotAdmitted."""
    if MISTAKES.too_many(address):
        raise TooOften("too many failed attempts from this address")
    try:
        if settings.OCPP["REQUIRE_TLS"] and not is_encrypted:
            raise NotAdmitted(4426, "only over TLS (wss://)")
        charge_point = _identify(charge_point_id, read_basic_auth(authorization))
    except NotAdmitted:
        MISTAKES.count(address)
        if MISTAKES.too_many(address):
            log.warning("address shut out", address=address, seconds=MISTAKES.seconds)
        raise
    if COMINGS.too_many(charge_point_id):
        raise TooOften("comes back too often")
    COMINGS.count(charge_point_id)
    return charge_point


def _identify(charge_point_id: str, login: tuple[str, str] | None) -> ChargePoint:
    if not IDENTITY.fullmatch(charge_point_id):
        raise NotAdmitted(4400, "not an identity")
    name, password = login or (charge_point_id, "")
    charge_point = ChargePoint.objects.filter(pk=charge_point_id).first()
    if charge_point is None:
        if not settings.OCPP["ADMIT_UNKNOWN"] or name != charge_point_id:
            raise NotAdmitted(4404, "unknown charge point")
        return _park(charge_point_id, password)
    if charge_point.state == ChargePoint.State.BLOCKED:
        raise NotAdmitted(4403, "blocked")
    parked_without_password = (
        charge_point.state == ChargePoint.State.PENDING and not charge_point.password_hash
    )
    proved = name == charge_point_id and _knows_password(charge_point, password)
    if not proved and not (parked_without_password and settings.OCPP["ADMIT_UNKNOWN"]):
        raise NotAdmitted(4401, "wrong password")
    return charge_point


def _knows_password(charge_point: ChargePoint, password: str) -> bool:
    sent = charge_point.next_password_hash
    if sent and password_matches(password, sent):
        # It has taken the new one: from now on the old one opens nothing.
        taken = ChargePoint.objects.filter(pk=charge_point.pk, next_password_hash=sent)
        taken.update(password_hash=sent, next_password_hash="")
        return True
    return password_matches(password, charge_point.password_hash)


def _park(charge_point_id: str, password: str) -> ChargePoint:
    """Keep a stranger until somebody approves it. The password it came with is from now on its own."""
    if ChargePoint.objects.filter(state=ChargePoint.State.PENDING).count() >= MOST_PENDING:
        raise NotAdmitted(4429, "too many charge points wait for approval")
    known_by = hash_password(password) if len(password) >= SHORTEST_PASSWORD else ""
    try:
        with transaction.atomic():
            return ChargePoint.objects.create(id=charge_point_id, password_hash=known_by)
    except IntegrityError as error:  # two sockets of the same stranger at once
        raise NotAdmitted(4409, "another socket came first") from error
