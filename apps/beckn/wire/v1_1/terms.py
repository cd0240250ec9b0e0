"""What both sides accept before confirm: payment, cancellation, refund."""

from decimal import Decimal
from typing import Annotated

from apps.beckn.wire import numbers
from apps.beckn.wire.v1_1.base import Model, Number, Uri, one_of
from apps.beckn.wire.v1_1.common import Location, MediaFile, Price, State, TagGroup, Time, XInput
from apps.beckn.wire.v1_1.fulfillment import FulfillmentState

PAYMENT_TYPES = ("PRE-ORDER", "PRE-FULFILLMENT", "ON-FULFILLMENT", "POST-FULFILLMENT")


class PaymentParams(Model):
    transaction_id: str | None = None
    amount: Number | None = None
    currency: str | None = None
    bank_code: str | None = None
    bank_account_number: str | None = None
    virtual_payment_address: str | None = None
    source_bank_code: str | None = None
    source_bank_account_number: str | None = None
    source_virtual_payment_address: str | None = None

    @property
    def money(self) -> Price:
        return Price(value=self.amount, currency=self.currency) if self.amount else Price()


class Payment(Model):
    id: str | None = None
    collected_by: Annotated[str, one_of("BAP", "BPP")] | None = None
    url: Uri | None = None
    params: PaymentParams | None = None
    type: Annotated[str, one_of(*PAYMENT_TYPES)] | None = None
    status: Annotated[str, one_of("PAID", "NOT-PAID")] | None = None
    time: Time | None = None
    tags: tuple[TagGroup, ...] = ()


class Fee(Model):
    percentage: Number | None = None
    amount: Price | None = None

    @property
    def percent(self) -> Decimal | None:
        """30 for '30' and for the '30%' of the guide."""
        try:
            return numbers.read_number(self.percentage)
        except numbers.NumberError:
            return None


class CancellationTerm(Model):
    fulfillment_state: FulfillmentState | None = None
    reason_required: bool | None = None
    cancel_by: Time | None = None
    cancellation_fee: Fee | None = None
    xinput: XInput | None = None
    external_ref: MediaFile | None = None

    @property
    def state_code(self) -> str | None:
        return self.fulfillment_state and self.fulfillment_state.code


class RefundTerm(Model):
    """Core types the state as a place on the map: we send {code}; others send {descriptor: {code}}."""

    fulfillment_state: State | None = None
    refund_eligible: bool | None = None
    refund_within: Time | None = None
    refund_amount: Price | None = None

    @property
    def state_code(self) -> str | None:
        if not self.fulfillment_state:
            return None
        descriptor = self.fulfillment_state.unknown.get("descriptor")
        code = descriptor.get("code") if isinstance(descriptor, dict) else None
        return code if isinstance(code, str) else self.fulfillment_state.code


class ReplacementTerm(Model):
    fulfillment_state: State | None = None
    replace_within: Time | None = None
    external_ref: MediaFile | None = None


class ReturnTerm(Model):
    fulfillment_state: State | None = None
    return_eligible: bool | None = None
    return_time: Time | None = None
    return_location: Location | None = None
    fulfillment_managed_by: Annotated[str, one_of("CONSUMER", "PROVIDER")] | None = None
