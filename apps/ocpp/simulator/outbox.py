"""What a charge point has still to say.

Transactions are said in order and kept until they are answered, however long the line is down; the rest is only worth
saying now.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_KEPT = 5_000  # then readings are left out; starts and stops never
TRIES = 3


@dataclass
class Saying:
    payload: Callable[[], Any]  # made when it is said: only then the transaction's id is known
    answered: Callable[[Any], None] = lambda answer: None
    keep: bool = True  # also across a broken line
    optional: bool = False
    is_start: bool = False  # OCPP 1.6: what follows needs its answer
    tries: int = 0


class Outbox:
    def __init__(self) -> None:
        self._sayings: deque[Saying] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._sayings)

    def put(self, saying: Saying) -> None:
        if not (saying.optional and len(self._sayings) >= MOST_KEPT):
            self._sayings.append(saying)
            self._filled.set()

    def forget_what_was_only_for_now(self) -> None:
        self._sayings = deque(saying for saying in self._sayings if saying.keep)

    async def first(self) -> Saying:
        while not self._sayings:
            self._filled.clear()
            await self._filled.wait()
        return self._sayings[0]

    def done(self, saying: Saying) -> None:
        if self._sayings and self._sayings[0] is saying:
            self._sayings.popleft()
