"""Is this message really from whom it says, and is it for us? In the order of fact sheet 2.4, on the raw bytes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings

from apps.beckn import addresses, registry, signing
from apps.beckn.arrivals import Arrival
from apps.beckn.models import Message, Side, Subscriber
from apps.beckn.participant import Participant
from apps.beckn.signing import AuthError
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock

GATEWAY_HEADERS = ("x-gateway-authorization", "proxy-authorization")
SENDER_TYPE = {Side.BPP: Subscriber.Type.BAP, Side.BAP: Subscriber.Type.BPP}
KEPT_HEADERS = ("authorization", *GATEWAY_HEADERS, "content-type", "user-agent", "x-forwarded-for")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class MustAsk(Exception):
    """The answer is not in memory: ask again where blocking is allowed."""


class GatewayAuthError(AuthError):
    """The buyer's signature may be right, the gateway's is not."""


class NotForUs(Exception):
    """Well signed, but addressed to somebody else."""


@dataclass(frozen=True)
class Letter:
    """A POST as it came in."""

    side: Side
    action: str
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime = field(default_factory=clock.now)

    @property
    def digest(self) -> str:
        return signing.digest(self.body)


LookUp = Callable[..., tuple[Participant, ...]]


def from_memory(subscriber_id: str, key_id: str, *, refresh: bool = False) -> tuple[Participant, ...]:
    """A look-up that never blocks. Raises MustAsk."""
    known = registry.remembered(subscriber_id, key_id, refresh=refresh)
    if known is None:
        raise MustAsk
    return known


def check(letter: Letter, look_up: LookUp = registry.look_up) -> Arrival:
    """Raises AuthError (401), wire.WireError (400), NotForUs (404), RegistrySilent (503) or MustAsk."""
    digest = letter.digest
    now = int(letter.received_at.timestamp())
    signature = signing.read_authorization(letter.headers.get("authorization"), now=now)
    sender = _proven(signature, digest, SENDER_TYPE[letter.side], letter, look_up)
    gateway_id = _check_gateway(letter, digest, now, look_up)
    envelope = wire.read_envelope(letter.body)
    _check_sender(letter.side, envelope.context, sender)
    _check_context(letter, envelope.context)
    wire.read_message(letter.action, envelope)
    return _arrival(letter, envelope.context, sender, gateway_id, digest)


def signer_of(body: bytes, headers: Mapping[str, str], side: Side) -> str:
    """Who signed bytes that are no message, such as the answers to a form. Raises AuthError or RegistrySilent."""
    letter = Letter(side, "", body, headers)
    signature = signing.read_authorization(
        headers.get("authorization"), now=int(letter.received_at.timestamp())
    )
    if signature.with_request:
        raise AuthError("headers", f'headers must be "{signing.SIGNED}"')
    return _proven(signature, letter.digest, SENDER_TYPE[side], letter, registry.look_up).subscriber_id


# --- Signatures -------------------------------------------------------------------------------------------
def _proven(
    signature: signing.Signature, digest: str, type: str, letter: Letter, look_up: LookUp
) -> Participant:
    """The participant whose key made this signature; a remembered key that fails is looked up once more."""
    for refresh in (False, True):
        found = look_up(signature.subscriber_id, signature.key_id, refresh=refresh)
        sender = registry.pick(found, type, signature.key_id)
        if sender is not None and _holds(signature, sender, digest, letter, look_up):
            return _within_validity(signature, sender)
        if sender is None and not refresh and not found:
            break  # unknown is remembered too, and asking again for each forgery would be their lever
    if sender is None:
        text = f"no valid {type} key {signature.key_id} of {signature.subscriber_id} in the registry"
        raise AuthError("unknown", text)
    raise AuthError("signature", "the signature does not match these bytes")


def _holds(
    signature: signing.Signature, sender: Participant, digest: str, letter: Letter, look_up: LookUp
) -> bool:
    if not signature.with_request:
        return signature.holds(sender.signing_public_key, digest)
    if look_up is from_memory:
        raise MustAsk
    return any(
        signature.holds(sender.signing_public_key, digest, asked) for asked in _our_signatures(letter.body)
    )


def _our_signatures(body: bytes) -> list[str]:
    """What we signed the answered request with (the four-line form, fact sheet 2.7)."""
    try:
        message_id = _uuid(wire.read_envelope(body).context.message_id, "message_id")
    except wire.WireError:
        return []
    rows = Message.objects.filter(direction=Message.Direction.OUT, message_id=message_id)
    headers = [row.headers.get("Authorization", "") for row in rows.only("headers")[:20]]
    return [header.rpartition('signature="')[2].rstrip('"') for header in headers if header]


def _within_validity(signature: signing.Signature, sender: Participant) -> Participant:
    if sender.valid_until is not None and signature.expires > sender.valid_until.timestamp():
        raise AuthError("key", "the signature would outlive its key")
    return sender


def _check_gateway(letter: Letter, digest: str, now: int, look_up: LookUp) -> str:
    """The verified id of the gateway that brought the message; "" when it came directly."""
    headers = {letter.headers[name] for name in GATEWAY_HEADERS if letter.headers.get(name)}
    found = set()
    for header in headers:
        try:
            signature = signing.read_authorization(header, now=now)
            found.add(_proven(signature, digest, Subscriber.Type.BG, letter, look_up).subscriber_id)
        except AuthError as error:
            raise GatewayAuthError(f"gateway_{error.reason}", f"gateway: {error.text}") from error
    if len(found) > 1:
        raise GatewayAuthError("gateway_signature", "gateway: the two headers name different gateways")
    return found.pop() if found else ""


# --- Words ------------------------------------------------------------------------------------------------
def _check_sender(side: Side, context: wire.Context, sender: Participant) -> None:
    """Who signed must be who speaks, and answers go only where the registry says that party lives."""
    said_id, said_uri = (
        (context.bap_id, context.bap_uri) if side == Side.BPP else (context.bpp_id, context.bpp_uri)
    )
    role = SENDER_TYPE[side].lower()
    if said_id != sender.subscriber_id:
        raise AuthError("identity", f"context.{role}_id is not who signed the message")
    if said_uri and said_uri != sender.url and not addresses.is_beneath(said_uri, sender.url):
        raise wire.WireError(
            f"context.{role}_uri", "is not the URL that the registry has for this participant"
        )


def _check_context(letter: Letter, context: wire.Context) -> None:
    action = context.action or ("search" if letter.action == "search" else None)
    if action != letter.action:
        raise wire.WireError("context.action", f"must be {letter.action} here")
    if context.domain is not None and context.domain != settings.BECKN["DOMAIN"]:
        raise wire.WireError("context.domain", f"only {settings.BECKN['DOMAIN']} is served here")
    if context.major_version != 1:
        raise wire.WireError("context.version", "only versions 1.x are spoken here")
    ours, said = registry.own_id(letter.side), context.bap_id if letter.side == Side.BAP else context.bpp_id
    if said != ours and not (letter.action == "search" and not said):
        raise NotForUs(f"{said or 'nobody'} does not live here")
    _uuid(context.transaction_id, "transaction_id")
    _uuid(context.message_id, "message_id")


def _uuid(text: str | None, name: str) -> UUID:
    if text is None or not _UUID.fullmatch(text):
        raise wire.WireError(f"context.{name}", "must be a UUID")
    return UUID(text)


def _arrival(
    letter: Letter, context: wire.Context, sender: Participant, gateway_id: str, digest: str
) -> Arrival:
    their_uri = (context.bap_uri if letter.side == Side.BPP else context.bpp_uri) or sender.url
    their_id, our_id, our_uri = (
        sender.subscriber_id,
        registry.own_id(letter.side),
        registry.own_url(letter.side),
    )
    from_bap = letter.side == Side.BPP
    return Arrival(
        side=letter.side,
        action=letter.action,
        sender_id=their_id,
        gateway_id=gateway_id,
        transaction_id=_uuid(context.transaction_id, "transaction_id"),
        message_id=_uuid(context.message_id, "message_id"),
        bap_id=their_id if from_bap else our_id,
        bap_uri=their_uri if from_bap else our_uri,
        bpp_id=our_id if from_bap else their_id,
        bpp_uri=our_uri if from_bap else their_uri,
        body=letter.body,
        headers={name: letter.headers[name][:2000] for name in KEPT_HEADERS if name in letter.headers},
        digest=digest,
        received_at=letter.received_at,
        expires_at=context.expires_at,
    )
