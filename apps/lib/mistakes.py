"""How often an address may be wrong at a door before the door stops listening to it for a while."""

from dataclasses import dataclass

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mistakes:
    """Counts per address. A protection against load and guessing: when the cache is gone, what is behind the door is
    still protected by its secret, so the door stays open."""

    door: str
    allowed: int
    seconds: int

    def too_many(self, address: str) -> bool:
        try:
            return cache.get(self._key(address), 0) >= self.allowed
        except (RedisError, OSError) as error:
            log.warning("cache does not answer", door=self.door, error=str(error))
            return False

    def count(self, address: str) -> None:
        key = self._key(address)
        try:
            cache.add(key, 0, self.seconds)
            cache.incr(key)
        except (RedisError, OSError, ValueError) as error:  # ValueError: it expired in between
            log.warning("mistake not counted", door=self.door, error=str(error))

    def forgive(self, address: str) -> None:
        cache.delete(self._key(address))

    def _key(self, address: str) -> str:
        return f"{self.door}-mistakes:{address}"
