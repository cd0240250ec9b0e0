"""The envelope's address label (fact sheet 1.3)."""

from datetime import datetime, timedelta
from typing import Any, Self

from apps.beckn.wire.v1_1.base import Instant, Lasting, Model, Uri, UuidText, WireError, read_instant
from apps.beckn.wire.v1_1.common import Location, read_lasting

VERSION = "1.1.0"


class Context(Model):
    domain: str | None = None
    location: Location | None = None
    action: str | None = None
    version: str | None = None
    bap_id: str | None = None
    bap_uri: Uri | None = None
    bpp_id: str | None = None
    bpp_uri: Uri | None = None
    transaction_id: UuidText | None = None
    message_id: UuidText | None = None
    timestamp: Instant | None = None
    key: str | None = None
    ttl: Lasting | None = None

    @classmethod
    def read(cls, raw: Any, path: str = "context") -> Self:
        """Also the older form: city, country and core_version at the top."""
        if not isinstance(raw, dict):
            raise WireError(path, "not an object")
        place = raw.get("location")
        place = dict(place) if isinstance(place, dict) else {}
        for name in ("city", "country"):
            if name not in place and isinstance(raw.get(name), str | dict):
                place[name] = {"code": raw[name]} if isinstance(raw[name], str) else raw[name]
        version = raw.get("version") or raw.get("core_version")
        return super().read({**raw, **({"location": place} if place else {}), "version": version}, path)

    @property
    def sent_at(self) -> datetime | None:
        return read_instant(self.timestamp)

    @property
    def lifetime(self) -> timedelta | None:
        return read_lasting(self.ttl)

    @property
    def expires_at(self) -> datetime | None:
        """When the message stops being valid; None when the peer did not say."""
        if self.sent_at is None or self.lifetime is None:
            return None
        try:
            return self.sent_at + self.lifetime
        except OverflowError:
            return None

    @property
    def city_code(self) -> str | None:
        return self.location and self.location.city and self.location.city.code

    @property
    def country_code(self) -> str | None:
        return self.location and self.location.country and self.location.country.code

    @property
    def major_version(self) -> int | None:
        """1 for '1.1.0' and for '1.0.0' (pitfall 27); 1 for pre-1.0 and when unsaid."""
        head = (self.version or VERSION).split(".")[0].strip()
        return max(1, int(head)) if head.isascii() and head.isdigit() and len(head) < 6 else None
