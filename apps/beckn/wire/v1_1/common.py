"""The small things that every part of a message is made of."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1.base import (
    Gps,
    Instant,
    Lasting,
    Model,
    Number,
    TagText,
    Uri,
    UuidText,
    one_of,
    read_instant,
)
from apps.lib import clock


def read_lasting(text: str | None) -> timedelta | None:
    """The duration a peer meant ('PT30S', 'P5D', '15S'), or None."""
    if not text or len(text) > numbers.LONGEST:
        return None
    try:
        return clock.read_duration(text)
    except (ValueError, OverflowError):
        return None


class MediaFile(Model):
    mimetype: str | None = None
    url: Uri | None = None
    signature: str | None = None
    dsa: str | None = None


class Image(Model):
    url: Uri | None = None
    size_type: Annotated[str, one_of("xs", "sm", "md", "lg", "xl", "custom")] | None = None
    width: str | None = None
    height: str | None = None


class AdditionalDescription(Model):
    url: str | None = None
    content_type: Annotated[str, one_of("text/plain", "text/html", "application/json")] | None = None


class Descriptor(Model):
    name: str | None = None
    code: str | None = None
    short_desc: str | None = None
    long_desc: str | None = None
    additional_desc: AdditionalDescription | None = None
    media: tuple[MediaFile, ...] = ()
    images: tuple[Image, ...] = ()


class Tag(Model):
    descriptor: Descriptor | None = None
    value: TagText | None = None
    display: bool | None = None


class TagGroup(Model):
    display: bool | None = None
    descriptor: Descriptor | None = None
    list: tuple[Tag, ...] = ()


class Price(Model):
    currency: str | None = None
    value: Number | None = None
    estimated_value: Number | None = None
    computed_value: Number | None = None
    listed_value: Number | None = None
    offered_value: Number | None = None
    minimum_value: Number | None = None
    maximum_value: Number | None = None

    @classmethod
    def of(cls, amount: Decimal, currency: str, *, per: str = "") -> Self:
        """Price.of(Decimal("18.5"), "INR", per="kWH") → 18.50 INR/kWH."""
        return cls(
            value=numbers.money_text(amount, currency), currency=f"{currency}/{per}" if per else currency
        )

    @property
    def amount(self) -> Decimal | None:
        return _number(self.value)

    @property
    def currency_code(self) -> str | None:
        return self._currency()[0]

    @property
    def per(self) -> str | None:
        """'kWh' for INR/kWH, 'min' for INR/min; None for plain money."""
        return self._currency()[1]

    def _currency(self) -> tuple[str | None, str | None]:
        try:
            return numbers.read_currency(self.currency)
        except numbers.NumberError:
            return None, None


def _number(text: str | None) -> Decimal | None:
    try:
        return numbers.read_number(text)
    except numbers.NumberError:
        return None


class ScalarRange(Model):
    min: Number | None = None
    max: Number | None = None


class Scalar(Model):
    type: Annotated[str, one_of("CONSTANT", "VARIABLE")] | None = None
    value: Number | None = None
    estimated_value: Number | None = None
    computed_value: Number | None = None
    range: ScalarRange | None = None
    unit: str | None = None

    @classmethod
    def of(cls, amount: Decimal, unit: str) -> Self:
        text = numbers.energy_text(amount) if unit == "kWh" else numbers.plain(amount)
        return cls(type="CONSTANT", value=text, unit=unit)

    @property
    def measure(self) -> tuple[Decimal, str] | None:
        """(20, 'kWh'), (45, 'MINUTES'), (400, 'INR'); None when it cannot be read (numbers.read_measure)."""
        try:
            return numbers.read_measure(self.value, self.unit)
        except numbers.NumberError:
            return None


class TimeRange(Model):
    start: Instant | None = None
    end: Instant | None = None

    @property
    def starts_at(self) -> datetime | None:
        return read_instant(self.start)

    @property
    def ends_at(self) -> datetime | None:
        return read_instant(self.end)


class Schedule(Model):
    frequency: Lasting | None = None
    holidays: tuple[Instant, ...] = ()
    times: tuple[Instant, ...] = ()


class Time(Model):
    label: str | None = None
    timestamp: Instant | None = None
    duration: Lasting | None = None
    range: TimeRange | None = None
    days: str | None = None
    schedule: Schedule | None = None

    @property
    def at(self) -> datetime | None:
        return read_instant(self.timestamp)

    @property
    def lasts(self) -> timedelta | None:
        return read_lasting(self.duration)


class City(Model):
    name: str | None = None
    code: str | None = None


class State(Model):
    """A state on the map, not the state of an order: that is FulfillmentState."""

    name: str | None = None
    code: str | None = None


class Country(Model):
    name: str | None = None
    code: str | None = None


class Circle(Model):
    gps: Gps | None = None
    radius: Scalar | None = None


class Location(Model):
    id: str | None = None
    descriptor: Descriptor | None = None
    map_url: Uri | None = None
    gps: Gps | None = None
    address: str | None = None
    city: City | None = None
    district: str | None = None
    state: State | None = None
    country: Country | None = None
    area_code: str | None = None
    circle: Circle | None = None
    polygon: str | None = None
    space: str | None = Field(None, alias="3dspace")
    rating: Number | None = None

    @property
    def position(self) -> tuple[Decimal, Decimal] | None:
        """(latitude, longitude), or None when it is missing or impossible."""
        try:
            return numbers.read_gps(self.gps)
        except numbers.NumberError:
            return None


class Contact(Model):
    phone: str | None = None
    email: str | None = None


class Language(Model):
    code: str | None = None
    name: str | None = None


class Person(Model):
    id: str | None = None
    url: Uri | None = None
    name: str | None = None
    image: Image | None = None
    gender: str | None = None
    languages: tuple[Language, ...] = ()
    tags: tuple[TagGroup, ...] = ()


class Organization(Model):
    descriptor: Descriptor | None = None
    address: str | None = None
    state: State | None = None
    city: City | None = None
    contact: Contact | None = None


class Form(Model):
    url: Uri | None = None
    data: dict[str, str] | None = None
    mime_type: Annotated[str, one_of("text/html", "application/xml")] | None = None
    submission_id: UuidText | None = None


class XInput(Model):
    form: Form | None = None
    required: bool | None = None


class Option(Model):
    id: str | None = None
    descriptor: Descriptor | None = None
