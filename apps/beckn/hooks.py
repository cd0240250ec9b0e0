"""News to an address of a peer's own choice (`callback_url`): signed like a message, but none of the log.

Only an address on the host that the registry knows the peer by is written to, never a machine inside our walls: a
signed message must not make us knock at other people's doors.
"""

from datetime import timedelta

from django.conf import settings

from apps.beckn import addresses, keys, registry, signing
from apps.beckn.models import Side, Subscriber
from apps.beckn.participant import RegistrySilent
from apps.beckn.transport import Answer, Transport
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock

PEER_OF = {Side.BPP: Subscriber.Type.BAP, Side.BAP: Subscriber.Type.BPP}


def send(
    body: bytes,
    *,
    side: Side,
    peer_id: str,
    url: str,
    method: str,
    transport: Transport,
    content_type: str = "application/json",
) -> Answer:
    """One try. May ask the registry: never inside a transaction."""
    try:
        check_owned(url, peer_id=peer_id, type=PEER_OF[side])
    except RegistrySilent as error:
        return Answer(wire.Verdict.RETRY, error_message=str(error)[:500])
    except addresses.AddressRefused as error:
        return Answer(wire.Verdict.REFUSED, error_message=str(error)[:500])
    headers = signed_headers(side, signing.digest(body)) | {"Content-Type": content_type}
    return transport.post(url, body, headers, method=method)


def check_owned(url: str, *, peer_id: str, type: str) -> None:
    """Raises AddressRefused unless the peer is on the network, and `url` on its registered host."""
    addresses.check_link(url)
    known = registry.participant(peer_id, type)
    if known is None:
        raise addresses.AddressRefused(f"{peer_id} is not subscribed as {type}")
    if not addresses.has_same_origin(url, known.url):
        raise addresses.AddressRefused(f"the address is not on the host of {peer_id}")


def signed_headers(side: str, digest: str) -> dict[str, str]:
    """Signed anew for each try: the body stays, the clock moves on."""
    key = keys.own_key(side)
    header = signing.authorization(
        key.signing_key,
        key.subscriber_id,
        key.key_id,
        digest,
        now=int(clock.now().timestamp()),
        ttl=timedelta(seconds=settings.BECKN["TTL_SECONDS"]),
    )
    return {"Content-Type": "application/json", "Accept": "application/json", "Authorization": header}
