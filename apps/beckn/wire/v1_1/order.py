"""The order itself, with its quote and its bill."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from apps.beckn.wire.v1_1.base import Instant, Lasting, Model, UuidText, one_of, read_instant
from apps.beckn.wire.v1_1.catalog import AddOn, Item, Offer, Provider
from apps.beckn.wire.v1_1.common import (
    City,
    Descriptor,
    Option,
    Organization,
    Price,
    State,
    TagGroup,
    Time,
    XInput,
    read_lasting,
)
from apps.beckn.wire.v1_1.fulfillment import Fulfillment
from apps.beckn.wire.v1_1.terms import CancellationTerm, Payment, RefundTerm, ReplacementTerm, ReturnTerm


class Billing(Model):
    name: str | None = None
    organization: Organization | None = None
    address: str | None = None
    state: State | None = None
    city: City | None = None
    email: str | None = None
    phone: str | None = None
    time: Time | None = None
    tax_id: str | None = None


class QuotationLine(Model):
    title: str | None = None
    item: Item | None = None
    price: Price | None = None


class Quotation(Model):
    id: UuidText | None = None
    price: Price | None = None
    breakup: tuple[QuotationLine, ...] = ()
    ttl: Lasting | None = None

    @property
    def valid_for(self) -> timedelta | None:
        return read_lasting(self.ttl)

    @property
    def lines_total(self) -> Decimal | None:
        """The sum of the lines without a line named total; None when an amount is unreadable (pitfall 14)."""
        lines = [line for line in self.breakup if (line.title or "").strip().lower() != "total"]
        amounts = [line.price.amount if line.price else None for line in lines]
        return None if None in amounts else sum(amounts, Decimal(0))


class Cancellation(Model):
    time: Instant | None = None
    cancelled_by: Annotated[str, one_of("CONSUMER", "PROVIDER")] | None = None
    reason: Option | None = None
    additional_description: Descriptor | None = None


class Order(Model):
    id: str | None = None
    ref_order_ids: tuple[str, ...] = ()
    status: Annotated[str, one_of("ACTIVE", "COMPLETE", "CANCELLED")] | None = None
    type: Annotated[str, one_of("DRAFT", "DEFAULT")] | None = None
    provider: Provider | None = None
    items: tuple[Item, ...] = ()
    add_ons: tuple[AddOn, ...] = ()
    offers: tuple[Offer, ...] = ()
    billing: Billing | None = None
    fulfillments: tuple[Fulfillment, ...] = ()
    cancellation: Cancellation | None = None
    cancellation_terms: tuple[CancellationTerm, ...] = ()
    refund_terms: tuple[RefundTerm, ...] = ()
    replacement_terms: tuple[ReplacementTerm, ...] = ()
    return_terms: tuple[ReturnTerm, ...] = ()
    quote: Quotation | None = None
    payments: tuple[Payment, ...] = ()
    created_at: Instant | None = None
    updated_at: Instant | None = None
    xinput: XInput | None = None
    tags: tuple[TagGroup, ...] = ()

    @property
    def changed_at(self) -> datetime | None:
        return read_instant(self.updated_at)
