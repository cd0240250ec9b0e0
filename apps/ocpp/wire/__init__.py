"""What is said on the socket. `frames` is common; each version of OCPP is one module with the same names."""

from types import ModuleType

from apps.ocpp.wire import v16, v201

VERSIONS: dict[str, ModuleType] = {v16.SUBPROTOCOL: v16, v201.SUBPROTOCOL: v201}
