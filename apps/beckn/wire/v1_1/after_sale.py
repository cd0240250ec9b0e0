"""What comes beside the order: support, rating, refund request, grievance."""

from typing import Annotated, Any

from apps.beckn.wire.v1_1.base import Instant, Model, Number, Uri, one_of
from apps.beckn.wire.v1_1.common import Contact, Descriptor, Image, Person, Price, Time

RATING_CATEGORIES = ("Item", "Order", "Fulfillment", "Provider", "Agent", "Support")


class Support(Model):
    ref_id: str | None = None
    callback_phone: str | None = None
    phone: str | None = None
    email: str | None = None
    url: Uri | None = None


class Rating(Model):
    id: str | None = None
    rating_category: Annotated[str, one_of(*RATING_CATEGORIES)] | None = None
    value: Number | None = None


class RefundRequest(Model):
    payment_id: str | None = None
    amount: Price | None = None


class Complainant(Model):
    person: Person | None = None
    contact: Contact | None = None


class IssueOrder(Model):
    id: str | None = None
    state: str | None = None
    items: tuple[dict[str, Any], ...] = ()
    fulfillments: tuple[dict[str, Any], ...] = ()
    provider_id: str | None = None


class IssueDescription(Model):
    short_desc: str | None = None
    long_desc: str | None = None
    additional_desc: dict[str, Any] | None = None
    images: tuple[str | Image, ...] = ()


class IssueSource(Model):
    network_participant_id: str | None = None
    type: str | None = None


class IssueAction(Model):
    complainant_action: str | None = None
    respondent_action: str | None = None
    short_desc: str | None = None
    updated_at: Instant | None = None
    updated_by: dict[str, Any] | None = None
    cascaded_level: int | None = None


class IssueActions(Model):
    complainant_actions: tuple[IssueAction, ...] = ()
    respondent_actions: tuple[IssueAction, ...] = ()


class IssueResolution(Model):
    short_desc: str | None = None
    long_desc: str | None = None
    action_triggered: str | None = None
    refund_amount: Number | None = None


class Issue(Model):
    """The grievance of the IGM extension (fact sheet 5.5); no Beckn core version has it."""

    id: str | None = None
    category: str | None = None
    sub_category: str | None = None
    complainant_info: Complainant | None = None
    order_details: IssueOrder | None = None
    description: IssueDescription | None = None
    source: IssueSource | None = None
    expected_response_time: Time | None = None
    expected_resolution_time: Time | None = None
    status: str | None = None
    issue_type: str | None = None
    issue_actions: IssueActions | None = None
    resolution: IssueResolution | None = None
    resolution_provider: dict[str, Any] | None = None
    rating: str | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    descriptor: Descriptor | None = None
