"""What is for sale: operators, stations, charging points, connectors."""

from pydantic import NonNegativeInt

from apps.beckn.wire.v1_1.base import Instant, Lasting, Model, Number
from apps.beckn.wire.v1_1.common import (
    Descriptor,
    Location,
    Organization,
    Price,
    Scalar,
    TagGroup,
    Time,
    XInput,
)
from apps.beckn.wire.v1_1.fulfillment import Fulfillment
from apps.beckn.wire.v1_1.terms import CancellationTerm, Payment, RefundTerm, ReplacementTerm, ReturnTerm


class Quantity(Model):
    count: NonNegativeInt | None = None
    measure: Scalar | None = None


class ItemQuantity(Model):
    allocated: Quantity | None = None
    available: Quantity | None = None
    maximum: Quantity | None = None
    minimum: Quantity | None = None
    selected: Quantity | None = None
    unitized: Quantity | None = None


class AddOn(Model):
    id: str | None = None
    descriptor: Descriptor | None = None
    price: Price | None = None


class Item(Model):
    id: str | None = None
    parent_item_id: str | None = None
    parent_item_quantity: ItemQuantity | None = None
    descriptor: Descriptor | None = None
    creator: Organization | None = None
    price: Price | None = None
    quantity: ItemQuantity | None = None
    category_ids: tuple[str, ...] = ()
    fulfillment_ids: tuple[str, ...] = ()
    location_ids: tuple[str, ...] = ()
    payment_ids: tuple[str, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    cancellation_terms: tuple[CancellationTerm, ...] = ()
    refund_terms: tuple[RefundTerm, ...] = ()
    replacement_terms: tuple[ReplacementTerm, ...] = ()
    return_terms: tuple[ReturnTerm, ...] = ()
    xinput: XInput | None = None
    time: Time | None = None
    rateable: bool | None = None
    rating: Number | None = None
    matched: bool | None = None
    related: bool | None = None
    recommended: bool | None = None
    ttl: Lasting | None = None
    tags: tuple[TagGroup, ...] = ()


class Category(Model):
    id: str | None = None
    parent_category_id: str | None = None
    descriptor: Descriptor | None = None
    time: Time | None = None
    tags: tuple[TagGroup, ...] = ()


class Offer(Model):
    """A discount in a catalogue; not the Offer of the discovery room."""

    id: str | None = None
    descriptor: Descriptor | None = None
    location_ids: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()
    item_ids: tuple[str, ...] = ()
    time: Time | None = None
    tags: tuple[TagGroup, ...] = ()


class Provider(Model):
    id: str | None = None
    descriptor: Descriptor | None = None
    category_id: str | None = None
    rating: Number | None = None
    time: Time | None = None
    categories: tuple[Category, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()
    payments: tuple[Payment, ...] = ()
    locations: tuple[Location, ...] = ()
    offers: tuple[Offer, ...] = ()
    items: tuple[Item, ...] = ()
    exp: Instant | None = None
    rateable: bool | None = None
    ttl: int | None = None
    tags: tuple[TagGroup, ...] = ()


class Catalog(Model):
    descriptor: Descriptor | None = None
    fulfillments: tuple[Fulfillment, ...] = ()
    payments: tuple[Payment, ...] = ()
    offers: tuple[Offer, ...] = ()
    providers: tuple[Provider, ...] = ()
    exp: Instant | None = None
    ttl: Lasting | None = None


class Intent(Model):
    descriptor: Descriptor | None = None
    provider: Provider | None = None
    fulfillment: Fulfillment | None = None
    payment: Payment | None = None
    category: Category | None = None
    offer: Offer | None = None
    item: Item | None = None
    tags: tuple[TagGroup, ...] = ()
