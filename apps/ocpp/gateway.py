"""The door for charge points: one socket each, outside sessions and origin checks, with their own passwords.

It only carries. Who may come in is decided in `admission`, what a frame means in `exchange`, what goes out in
`commands`.
"""

import secrets
from collections.abc import Callable
from typing import Any

import structlog
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from redis.exceptions import RedisError

from apps.lib.channel import remember_loop
from apps.lib.clock import now
from apps.lib.database import in_database
from apps.ocpp import admission, commands, exchange, services, visitor
from apps.ocpp.connection import Connection
from apps.ocpp.groups import group_of
from apps.ocpp.switchboard import switchboard
from apps.ocpp.wire import VERSIONS

log = structlog.get_logger(__name__)

NO_COMMON_VERSION = 1002
SUPERSEDED = 4409


class ChargePointGateway(AsyncWebsocketConsumer):
    connection: Connection | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, but without closing the lane's connection before each message (`in_database`)."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        charge_point_id = self.scope["url_route"]["kwargs"]["charge_point_id"]
        address = visitor.address_of(self.scope)
        try:
            await in_database(admission.admit)(
                charge_point_id=charge_point_id,
                authorization=visitor.header(self.scope, b"authorization"),
                address=address,
                is_encrypted=visitor.is_encrypted(self.scope),
            )
        except admission.NotAdmitted as refusal:
            # Before accept() a close is HTTP 403; the code is for those who read it without HTTP.
            if not isinstance(refusal, admission.TooOften):
                facts = {"charge_point": charge_point_id[:48], "why": refusal.reason, "address": address}
                log.info("charge point refused", **facts)
            await self.close(refusal.close_code, refusal.reason)
            return
        version = next((offer for offer in self.scope["subprotocols"] if offer in VERSIONS), None)
        if version is None:
            # OCPP-J 3.3: finish the handshake without a subprotocol, then close.
            await self.accept()
            await self.close(NO_COMMON_VERSION, f"offer one of: {', '.join(VERSIONS)}")
            return
        await self._open(Connection(charge_point_id, secrets.token_hex(8), VERSIONS[version]), version)

    async def _open(self, connection: Connection, version: str) -> None:
        self.connection = connection
        remember_loop()
        await self._in_group(self.channel_layer.group_add)
        await in_database(services.open_connection)(
            charge_point_id=connection.charge_point_id,
            connection=connection.nonce,
            received_at=now(),
            protocol=version,
        )
        await self.accept(subprotocol=version)
        switchboard().join(connection.charge_point_id, self)
        await self.send_commands()

    async def disconnect(self, code: int) -> None:
        if self.connection is None:
            return
        switchboard().leave(self.connection.charge_point_id, self)
        await self._in_group(self.channel_layer.group_discard)
        await in_database(services.close_connection)(
            charge_point_id=self.connection.charge_point_id,
            connection=self.connection.nonce,
            received_at=now(),
        )

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.connection is None:
            return
        # OCPP-J is text; whatever comes as bytes is refused like any text that is not JSON.
        text = repr(bytes_data) if text_data is None else text_data
        reply = await in_database(exchange.hear)(self.connection, text, now())
        if reply.text is not None:
            await self.send(text_data=reply.text)
        if reply.hang_up:
            await self.close(SUPERSEDED)
        elif reply.command_answered:
            await self.send_commands()

    async def send_commands(self) -> None:
        """Send the next waiting command, if there is one and the charge point is free for it."""
        text = await in_database(commands.claim_next)(self.connection)
        if text is not None:
            await self.send(text_data=text)

    # --- Messages of the group ---------------------------------------------------------------------------

    async def cp_wake(self, message: dict[str, Any]) -> None:
        await self.send_commands()

    async def cp_look(self, message: dict[str, Any]) -> None:
        """Somebody else speaks for the charge point, or nobody may: the row says, messages may come late."""
        if self.connection and not await in_database(self.connection.is_current)():
            await self.close(SUPERSEDED)

    # --- Small things ------------------------------------------------------------------------------------

    async def _in_group(self, change: Callable[..., Any]) -> None:
        try:
            await change(group_of(self.connection.charge_point_id), self.channel_name)
        except (RedisError, OSError) as error:
            # Without the group, commands wait for the switchboard's round; readings come in all the same.
            log.warning("channel layer does not answer", error=str(error))
