"""Where and how it happens: charging point, stops, vehicle, state, tracking."""

from datetime import datetime
from typing import Annotated

from apps.beckn.wire.v1_1.base import Instant, Model, Number, Uri, one_of, read_instant
from apps.beckn.wire.v1_1.common import Contact, Descriptor, Location, Organization, Person, TagGroup, Time


class Authorization(Model):
    type: str | None = None
    token: str | None = None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    status: str | None = None


class Stop(Model):
    id: str | None = None
    parent_stop_id: str | None = None
    location: Location | None = None
    type: str | None = None
    time: Time | None = None
    instructions: Descriptor | None = None
    contact: Contact | None = None
    person: Person | None = None
    authorization: Authorization | None = None


class Customer(Model):
    person: Person | None = None
    contact: Contact | None = None


class Agent(Model):
    person: Person | None = None
    contact: Contact | None = None
    organization: Organization | None = None
    rating: Number | None = None


class Vehicle(Model):
    category: str | None = None
    capacity: int | None = None
    make: str | None = None
    model: str | None = None
    size: str | None = None
    variant: str | None = None
    color: str | None = None
    energy_type: str | None = None
    registration: str | None = None
    wheels_count: str | None = None
    cargo_volumne: str | None = None  # spelt so in the core schema
    wheelchair_access: str | None = None
    code: str | None = None
    emission_standard: str | None = None


class FulfillmentState(Model):
    descriptor: Descriptor | None = None
    updated_at: Instant | None = None
    updated_by: str | None = None

    @property
    def code(self) -> str | None:
        """The code as the peer wrote it; taxonomy.state_code gives ours."""
        return self.descriptor and (self.descriptor.code or self.descriptor.name)

    @property
    def changed_at(self) -> datetime | None:
        return read_instant(self.updated_at)


class Fulfillment(Model):
    id: str | None = None
    type: str | None = None
    rateable: bool | None = None
    rating: Number | None = None
    state: FulfillmentState | None = None
    tracking: bool | None = None
    customer: Customer | None = None
    agent: Agent | None = None
    contact: Contact | None = None
    vehicle: Vehicle | None = None
    stops: tuple[Stop, ...] = ()
    path: str | None = None
    tags: tuple[TagGroup, ...] = ()


class Tracking(Model):
    id: str | None = None
    url: Uri | None = None
    location: Location | None = None
    status: Annotated[str, one_of("active", "inactive")] | None = None
