from apps.beckn.inbox import Inbound
from apps.discovery import services


def on_search(inbound: Inbound) -> None:
    services.record_catalog(
        transaction_id=inbound.message.transaction_id,
        bpp_id=inbound.sender_id,
        bpp_uri=inbound.message.bpp_uri,
        catalog=inbound.body.catalog if inbound.body else None,
        error=(inbound.error.message or inbound.error.code or "") if inbound.error else "",
        received_at=inbound.message.created_at,
    )
