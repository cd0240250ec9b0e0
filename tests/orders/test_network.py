"""Every message we send is what the closed specification of the network allows; reading takes the peers as they are."""

from decimal import Decimal

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.lib import clock
from apps.orders import network, services
from apps.orders.terms import cancellation_fee, read_terms
from apps.ratings.services import Said, rate
from tests.conformance import assert_conforms
from tests.orders.stage import quote


def test_everything_we_say_on_the_happy_path_conforms(stage):
    stage.until("SETTLED")
    rate(stage.order, Said(did_work=True, stars=5))
    said = ["select", "init", "confirm", "update", "rating"]
    for action in said:
        for envelope in stage.sent(action):
            assert_conforms(action, envelope)
            check_profile(action, envelope)
    assert [len(stage.sent(action)) for action in said] == [1, 1, 1, 2, 1]


def test_cancel_and_status_conform(stage):
    stage.until("STARTING")
    stage.silence()
    services.request_cancel(stage.order)
    for action in ("status", "cancel"):
        (envelope,) = stage.sent(action)
        assert_conforms(action, envelope)
        check_profile(action, envelope)


def check_profile(action: str, envelope: dict) -> None:
    context = wire.Context.read(envelope["context"])
    wire.check_outgoing(action, context, wire.REQUESTS[action].read(envelope["message"]))


def order_of(said: dict) -> wire.Order:
    return wire.Order.read(said)


def test_a_bill_names_the_delivered_energy_before_the_ordered():
    said = quote("10.00", [{"title": "energy-cost", "price": {"value": "10.00", "currency": "INR"}}])
    quantity = {
        "selected": {"measure": {"value": "20", "unit": "kWh"}},
        "allocated": {"measure": {"value": "16000", "unit": "Wh"}},
    }
    priced = network.read_priced(order_of({"quote": said, "items": [{"id": "a", "quantity": quantity}]}))
    assert priced.energy_kwh == Decimal("16.000")


@pytest.mark.parametrize(
    "price",
    [
        {},
        {"value": "ten"},
        {"value": "10"},
        {"value": "1e12", "currency": "INR"},
        {"value": "NaN", "currency": "INR"},
    ],
)
def test_a_price_nobody_can_promise_is_none(price):
    assert network.read_priced(order_of({"quote": {"price": price}})) is None


def test_money_is_rounded_to_its_currency_and_units_in_values_are_dropped():
    priced = network.read_priced(
        order_of({"quote": {"price": {"value": "22.005INR", "currency": "inr/kWH"}}})
    )
    assert (priced.total, priced.currency) == (Decimal("22.01"), "INR")


def test_broken_descriptions_are_no_word_of_the_plug():
    for long_desc in ("{", "[1]", '{"status": 7}', '{"status": "Dancing"}', "null"):
        state = {"descriptor": {"code": "charging-started", "long_desc": long_desc}}
        assert network.read_told(order_of({"fulfillments": [{"state": state}]})).reading.word == ""


def test_an_empty_order_tells_nothing():
    told = network.read_told(order_of({}))
    assert (told.status, told.state, told.priced, told.network_order_id) == (None, None, None, "")


def fee(terms: dict, amount: str = "436.60") -> Decimal:
    return cancellation_fee(terms, quote_amount=Decimal(amount), currency="INR", at=clock.now())


def test_terms_are_read_tolerantly_and_asked_strictly():
    code = {"descriptor": {"code": "PAYMENT_COMPLETED"}}
    terms = read_terms(
        order_of(
            {"cancellation_terms": [{"fulfillment_state": code, "cancellation_fee": {"percentage": "30%"}}]}
        )
    )
    assert fee({"cancellation": [{**terms["cancellation"][0], "state": None}]}) == Decimal("130.98")


@pytest.mark.parametrize(
    ("term", "costs"),
    [
        ({"cancellation_fee": {"amount": {"value": "9999", "currency": "INR"}}}, "436.60"),
        ({"cancellation_fee": {"percentage": "-5"}}, "0"),
        ({"cancellation_fee": {"percentage": "500"}}, "436.60"),
        ({"cancel_by": {"timestamp": "2020-01-01T00:00:00Z"}, "cancellation_fee": {"percentage": "10"}}, "0"),
        (
            {
                "fulfillment_state": {"descriptor": {"code": "charging-started"}},
                "cancellation_fee": {"percentage": "9"},
            },
            "0",
        ),
        ({}, "0"),
    ],
)
def test_a_cancellation_never_costs_more_than_the_terms_say(term, costs):
    assert fee(read_terms(order_of({"cancellation_terms": [term]}))) == Decimal(costs)


def test_a_link_that_is_no_web_address_is_no_link():
    term = {"external_ref": {"mimetype": "text/html", "url": "javascript:alert(1)"}}
    assert read_terms(order_of({"cancellation_terms": [term]}))["url"] == ""
