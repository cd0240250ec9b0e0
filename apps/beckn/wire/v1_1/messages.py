"""One class per verb: what stands under `message`."""

from apps.beckn.wire.v1_1.after_sale import Issue, Rating, RefundRequest, Support
from apps.beckn.wire.v1_1.base import Model, Uri, WireError
from apps.beckn.wire.v1_1.catalog import Catalog, Intent
from apps.beckn.wire.v1_1.common import Descriptor, Option, XInput
from apps.beckn.wire.v1_1.envelope import Envelope
from apps.beckn.wire.v1_1.fulfillment import Tracking
from apps.beckn.wire.v1_1.order import Order


class SearchMessage(Model):
    intent: Intent = Intent()


class OnSearchMessage(Model):
    catalog: Catalog


class _OrderMessage(Model):
    order: Order


class SelectMessage(_OrderMessage):
    pass


class OnSelectMessage(_OrderMessage):
    pass


class InitMessage(_OrderMessage):
    pass


class OnInitMessage(_OrderMessage):
    pass


class ConfirmMessage(_OrderMessage):
    pass


class OnConfirmMessage(_OrderMessage):
    pass


class StatusMessage(Model):
    order_id: str


class OnStatusMessage(_OrderMessage):
    pass


class TrackMessage(Model):
    order_id: str
    callback_url: Uri | None = None


class OnTrackMessage(Model):
    tracking: Tracking


class UpdateMessage(Model):
    update_target: str
    order: Order


class OnUpdateMessage(_OrderMessage):
    pass


class CancelMessage(Model):
    order_id: str
    cancellation_reason_id: str | None = None
    descriptor: Descriptor | None = None


class OnCancelMessage(_OrderMessage):
    pass


class RatingMessage(Model):
    ratings: tuple[Rating, ...] = ()


class OnRatingMessage(Model):
    feedback_form: XInput | None = None


class SupportMessage(Model):
    support: Support


class OnSupportMessage(Model):
    support: Support


class RefundMessage(Model):
    """Our extension (fact sheet 5.4); a peer without it gets `update` of order.payments."""

    order_id: str
    refund_reason_id: str | None = None
    descriptor: Descriptor | None = None
    refund: RefundRequest | None = None


class OnRefundMessage(_OrderMessage):
    pass


class GetCancellationReasonsMessage(Model):
    pass


class CancellationReasonsMessage(Model):
    cancellation_reasons: tuple[Option, ...] = ()


class GetRatingCategoriesMessage(Model):
    pass


class RatingCategoriesMessage(Model):
    rating_categories: tuple[str, ...] = ()


class IssueMessage(Model):
    issue: Issue


class OnIssueMessage(Model):
    issue: Issue


class IssueStatusMessage(Model):
    issue_id: str


class OnIssueStatusMessage(Model):
    issue: Issue


REQUESTS: dict[str, type[Model]] = {
    "search": SearchMessage,
    "select": SelectMessage,
    "init": InitMessage,
    "confirm": ConfirmMessage,
    "status": StatusMessage,
    "track": TrackMessage,
    "update": UpdateMessage,
    "cancel": CancelMessage,
    "rating": RatingMessage,
    "support": SupportMessage,
    "refund": RefundMessage,
    "get_cancellation_reasons": GetCancellationReasonsMessage,
    "get_rating_categories": GetRatingCategoriesMessage,
    "issue": IssueMessage,
    "issue_status": IssueStatusMessage,
}
CALLBACKS: dict[str, type[Model]] = {
    "on_search": OnSearchMessage,
    "on_select": OnSelectMessage,
    "on_init": OnInitMessage,
    "on_confirm": OnConfirmMessage,
    "on_status": OnStatusMessage,
    "on_track": OnTrackMessage,
    "on_update": OnUpdateMessage,
    "on_cancel": OnCancelMessage,
    "on_rating": OnRatingMessage,
    "on_support": OnSupportMessage,
    "on_refund": OnRefundMessage,
    "cancellation_reasons": CancellationReasonsMessage,
    "rating_categories": RatingCategoriesMessage,
    "on_issue": OnIssueMessage,
    "on_issue_status": OnIssueStatusMessage,
}
MESSAGES: dict[str, type[Model]] = {**REQUESTS, **CALLBACKS}
# The meta calls are answered without `on_`.
CALLBACK_OF: dict[str, str] = {
    request: request.removeprefix("get_") if request.startswith("get_") else f"on_{request}"
    for request in REQUESTS
}
# The core requires `message` here even where only an error is said.
NEVER_WITHOUT_MESSAGE = frozenset({"on_rating"})


def read_message(action: str, envelope: Envelope) -> Model | None:
    """The message of that action; None when the peer sent an error instead of one."""
    model = MESSAGES.get(action)
    if model is None:
        raise WireError("context.action", f"unknown action {action}")
    if envelope.error is not None and not envelope.message:
        return None
    try:
        return model.read(envelope.message or {})
    except WireError:
        if envelope.error is not None:
            return None
        raise
