"""One message of our own per verb, as the portal would send it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.beckn.wire import v1_1 as wire

TRANSACTION = "5a9f3f3e-30a2-4c0e-9c41-8f0a5a3c1d01"
MESSAGE = "c2b7b0de-8f0b-4f5a-8a53-0d7d3a6e9f02"
NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
ITEM = "hub-a-evse-2-plug-1"


def context(action: str) -> wire.Context:
    return wire.Context(
        domain="ev-charging:uei",
        location=wire.Location(country=wire.Country(code="IND"), city=wire.City(code="std:080")),
        action=action,
        version="1.1.0",
        bap_id="drive.portal.example",
        bap_uri="https://drive.portal.example/beckn/bap",
        bpp_id="sell.portal.example",
        bpp_uri="https://sell.portal.example/beckn/bpp",
        transaction_id=TRANSACTION,
        message_id=MESSAGE,
        timestamp=NOON,
        ttl="PT30S",
    )


def search() -> wire.SearchMessage:
    circle = wire.Circle(gps="12.971600,77.594600", radius=wire.Scalar.of(Decimal(8), "km"))
    return wire.SearchMessage(
        intent=wire.Intent(
            fulfillment=wire.Fulfillment(
                type="CHARGING",
                stops=[wire.Stop(type="start", location=wire.Location(circle=circle))],
                tags=[wire.group("connector-specifications", connector_type="IEC_62196_T2_COMBO")],
            )
        )
    )


def catalog() -> wire.Catalog:
    station = wire.Location(
        id="hub-a",
        gps="12.935200,77.624500",
        descriptor=wire.Descriptor(name="Koramangala Hub"),
        address="80 Feet Road, Koramangala",
        city=wire.City(name="Bengaluru", code="std:080"),
    )
    point = wire.Fulfillment(
        id="hub-a-evse-2",
        type="CHARGING",
        tracking=True,
        tags=[wire.group("charging-point-specifications", charger_id="EVSE2", availability="Online")],
    )
    return wire.Catalog(
        descriptor=wire.Descriptor(name="Garden City network"),
        providers=[
            wire.Provider(
                id="garden-city",
                descriptor=wire.Descriptor(name="Garden City Charging"),
                locations=[station],
                fulfillments=[point],
                items=[offered_item()],
                tags=[wire.group("extensions", refund="1.0", order_by="energy,money,time")],
            )
        ],
    )


def offered_item() -> wire.Item:
    return wire.Item(
        id=ITEM,
        descriptor=wire.Descriptor(code="energy", name="CCS2, 60 kW"),
        price=wire.Price.of(Decimal("16.5"), "INR", per="kWH"),
        location_ids=["hub-a"],
        fulfillment_ids=["hub-a-evse-2"],
        tags=[
            wire.group(
                "connector-specifications",
                "Connector Specifications",
                connector_id=1,
                charger_type="DC",
                connector_type="IEC_62196_T2_COMBO",
                power_rating="60kW",
                availability="Available",
                vehicle_type=["4-WHEELER", "3-WHEELER"],
            )
        ],
    )


def chosen_item() -> wire.Item:
    measure = wire.Scalar.of(Decimal(12), "kWh")
    return wire.Item(id=ITEM, quantity=wire.ItemQuantity(selected=wire.Quantity(measure=measure)))


def priced_item() -> wire.Item:
    return chosen_item().but(price=wire.Price.of(Decimal("16.5"), "INR", per="kWH"))


def stops() -> list[wire.Stop]:
    return [
        wire.Stop(type="start", time=wire.Time(timestamp=NOON)),
        wire.Stop(type="finish", time=wire.Time(timestamp=NOON + timedelta(minutes=40))),
    ]


def place(state: str = "") -> wire.Fulfillment:
    fulfillment = wire.Fulfillment(id="hub-a-evse-2", type="CHARGING", stops=stops())
    if not state:
        return fulfillment
    told = wire.FulfillmentState(descriptor=wire.Descriptor(code=state), updated_at=NOON)
    return fulfillment.but(state=told)


def with_customer(fulfillment: wire.Fulfillment) -> wire.Fulfillment:
    customer = wire.Customer(person=wire.Person(name="Asha Rao"), contact=wire.Contact(phone="+919900000012"))
    return fulfillment.but(customer=customer)


def line(title: str, amount: str) -> wire.QuotationLine:
    return wire.QuotationLine(title=title, price=wire.Price.of(Decimal(amount), "INR"))


def quote() -> wire.Quotation:
    return wire.Quotation(
        id="0e5b3b0a-6f3c-4c7e-8b6e-7d2f0c9a1b03",
        price=wire.Price.of(Decimal("239.54"), "INR"),
        breakup=[line("energy-cost", "198.00"), line("service-charge", "5.00"), line("gst", "36.54")],
        ttl="PT15M",
    )


def payment() -> wire.Payment:
    return wire.Payment(
        id="pay-1",
        collected_by="BAP",
        type="PRE-ORDER",
        status="PAID",
        params=wire.PaymentParams(amount=Decimal("239.54"), currency="INR"),
    )


def refund_payment() -> wire.Payment:
    tags = wire.group(
        "refund", refund_type="SERVICE_ISSUE_REFUND", refund_amount="40.00", refund_status="APPROVED"
    )
    params = wire.PaymentParams(amount=Decimal("40.00"), currency="INR")
    return wire.Payment(
        id="rfd-1", collected_by="BAP", type="POST-FULFILLMENT", status="NOT-PAID", params=params, tags=[tags]
    )


def choice(**more) -> wire.Order:
    parts = {"items": [chosen_item()], "fulfillments": [place()], **more}
    return wire.Order(provider=wire.Provider(id="garden-city"), **parts)


def billing() -> wire.Billing:
    return wire.Billing(name="Asha Rao", email="asha@portal.example", phone="+919900000012")


def draft() -> wire.Order:
    return choice(billing=billing(), fulfillments=[with_customer(place())])


def terms() -> dict:
    reached = wire.FulfillmentState(descriptor=wire.Descriptor(code="charging-started"))
    return {
        "cancellation_terms": [
            wire.CancellationTerm(
                fulfillment_state=reached, cancellation_fee=wire.Fee(percentage=Decimal(100))
            )
        ],
        "refund_terms": [
            wire.RefundTerm(
                fulfillment_state=wire.State(code="payment-completed"),
                refund_eligible=True,
                refund_within=wire.Time(duration="P5D"),
            )
        ],
    }


def running(state: str, **more) -> wire.Order:
    parts = {"id": "BK-7QX4MRT2", "status": "ACTIVE", "items": [priced_item()], "updated_at": NOON, **more}
    return choice(quote=quote(), payments=[payment()], fulfillments=[with_customer(place(state))], **parts)


def cancelled() -> wire.Order:
    reason = wire.Option(id="2", descriptor=wire.Descriptor(code="USER_CANCELLED"))
    cancellation = wire.Cancellation(time=NOON, cancelled_by="CONSUMER", reason=reason)
    return running("order-cancelled", status="CANCELLED", cancellation=cancellation)


def metered() -> wire.Fulfillment:
    tags = wire.group("charging-details", energy_delivered="4.20kWh", soc="61%", power="42.1kW")
    return place("charging-started").but(tags=[tags])


def issue(**more) -> wire.Issue:
    return wire.Issue(
        id="TK-4RT6MM2P",
        category="FULFILLMENT",
        order_details=wire.IssueOrder(id="BK-7QX4MRT2"),
        description=wire.IssueDescription(short_desc="Power dropped twice"),
        **more,
    )


def messages() -> dict[str, wire.Model]:
    order_id = "BK-7QX4MRT2"
    support = wire.Support(ref_id=order_id, callback_phone="+919900000012")
    contacts = wire.Support(
        ref_id=order_id,
        phone="+918000000000",
        email="help@sell.portal.example",
        url="https://sell.portal.example/t/1",
    )
    start = wire.Order(id=order_id, fulfillments=[place("start-charging")])
    return {
        "search": search(),
        "on_search": wire.OnSearchMessage(catalog=catalog()),
        "select": wire.SelectMessage(order=choice()),
        "on_select": wire.OnSelectMessage(order=choice(items=[priced_item()], quote=quote())),
        "init": wire.InitMessage(order=draft()),
        "on_init": wire.OnInitMessage(order=draft().but(quote=quote(), payments=[payment()], **terms())),
        "confirm": wire.ConfirmMessage(order=draft().but(payments=[payment()])),
        "on_confirm": wire.OnConfirmMessage(order=running("payment-completed", created_at=NOON)),
        "status": wire.StatusMessage(order_id=order_id),
        "on_status": wire.OnStatusMessage(order=running("charging-started").but(fulfillments=[metered()])),
        "track": wire.TrackMessage(order_id=order_id),
        "on_track": wire.OnTrackMessage(
            tracking=wire.Tracking(id="t-1", url="https://sell.portal.example/live/1", status="active")
        ),
        "update": wire.UpdateMessage(update_target="order.fulfillments[0].state", order=start),
        "on_update": wire.OnUpdateMessage(order=running("charging-ended", status="COMPLETE")),
        "cancel": wire.CancelMessage(order_id=order_id, cancellation_reason_id="2"),
        "on_cancel": wire.OnCancelMessage(order=cancelled()),
        "rating": wire.RatingMessage(
            ratings=[wire.Rating(id=order_id, rating_category="Order", value=Decimal("4.5"))]
        ),
        "on_rating": wire.OnRatingMessage(),
        "support": wire.SupportMessage(support=support),
        "on_support": wire.OnSupportMessage(support=contacts),
        "refund": wire.RefundMessage(
            order_id=order_id,
            refund_reason_id="R03",
            refund=wire.RefundRequest(payment_id="pay-1", amount=wire.Price.of(Decimal(40), "INR")),
        ),
        "on_refund": wire.OnRefundMessage(
            order=wire.Order(id=order_id, status="COMPLETE", payments=[refund_payment()])
        ),
        "get_cancellation_reasons": wire.GetCancellationReasonsMessage(),
        "cancellation_reasons": wire.CancellationReasonsMessage(
            cancellation_reasons=[
                wire.Option(id=reason, descriptor=wire.Descriptor(code=code))
                for reason, (code, _by) in wire.taxonomy.CANCELLATION_REASONS.items()
            ]
        ),
        "get_rating_categories": wire.GetRatingCategoriesMessage(),
        "rating_categories": wire.RatingCategoriesMessage(rating_categories=wire.RATING_CATEGORIES),
        "issue": wire.IssueMessage(issue=issue(status="OPEN")),
        "on_issue": wire.OnIssueMessage(issue=issue(status="OPEN")),
        "issue_status": wire.IssueStatusMessage(issue_id="TK-4RT6MM2P"),
        "on_issue_status": wire.OnIssueStatusMessage(issue=issue(status="RESOLVED")),
    }


def envelope(action: str) -> dict:
    return {"context": context(action).to_wire(), "message": messages()[action].to_wire()}
