from decimal import Decimal

import pytest

from apps.beckn.models import Message
from apps.lib import clock
from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.models import Order
from apps.orders.selectors import UnknownOrder
from apps.orders.states import State
from apps.orders.told import Line, Priced
from apps.orders.wish import Wish
from tests.orders.stage import BILLING, lines, make_offer, quote


def test_asking_copies_the_offer_and_queues_one_select(stage):
    order = stage.ask("17.5")
    make_offer(energy_rate=Decimal(99), letter="Z")
    order = stage.fresh()
    assert (order.state, order.plug_letter, order.energy_rate) == (
        State.QUOTE_REQUESTED,
        "A",
        Decimal("18.0000"),
    )
    (said,) = stage.sent("select")
    item = said["message"]["order"]["items"][0]
    assert item == {
        "id": "plug-1",
        "quantity": {"selected": {"measure": {"type": "CONSTANT", "value": "17.5", "unit": "kWh"}}},
    }
    assert said["context"]["bpp_id"] == order.bpp_id


def test_pressing_twice_asks_once(stage):
    first, second = stage.ask(key="press-1"), stage.ask(key="press-1")
    assert first.pk == second.pk
    assert Message.objects.filter(action="select").count() == 1


def test_the_same_key_of_another_driver_is_another_order(stage, stranger):
    stage.ask(key="press-1")
    other = services.request_quote(
        driver=stranger, offer=make_offer(), wish=Wish(energy_kwh=Decimal(20)), idempotency_key="press-1"
    )
    assert Order.objects.count() == 2
    assert other.transaction_id != stage.order.transaction_id


def test_a_quote_brings_lines_total_and_expiry(stage):
    order = stage.until("QUOTED")
    assert (order.quote_amount, order.currency, order.warnings) == (Decimal("436.60"), "INR", [])
    assert [line.code for line in order.lines.all()] == ["energy-cost", "service-charge", "gst"]
    assert order.quote_expires_at == order.deadline_at > clock.now()


def test_a_quote_without_ttl_stands_ten_minutes_and_never_longer_than_a_day(stage):
    stage.ask()
    stage.tell("on_select", {"quote": quote(ttl="P900D")})
    assert (stage.order.deadline_at - clock.now()).days == 0


@pytest.mark.parametrize(
    ("said", "warning"),
    [
        ({"quote": quote("430.00")}, "lines-do-not-add-up"),
        ({"quote": quote("500.00", lines("423.40"))}, "dearer-than-offer"),
        ({"quote": {"price": {"value": "5.24", "currency": "USD"}}}, "other-currency"),
        (
            {
                "quote": quote(),
                "items": [
                    {"id": "plug-1", "quantity": {"selected": {"measure": {"value": "400", "unit": "kWh"}}}}
                ],
            },
            "more-than-asked",
        ),
    ],
)
def test_a_quote_that_is_not_what_was_asked_carries_a_warning(stage, said, warning):
    stage.ask()
    stage.tell("on_select", said)
    assert warning in stage.order.warnings


def test_without_a_word_on_tax_the_quote_is_not_called_dear(stage):
    stage.ask(tax_percent=None)
    stage.tell("on_select", {"quote": quote()})
    assert stage.order.warnings == []


def test_a_total_line_is_no_line(stage):
    stage.ask()
    total = {"title": "Total", "price": {"value": "436.60", "currency": "INR"}}
    stage.tell("on_select", {"quote": quote("436.60", [*lines(), total])})
    assert stage.order.warnings == []
    assert stage.order.lines.count() == 3


@pytest.mark.parametrize("said", [{}, {"quote": {"price": {"value": "much", "currency": "INR"}}}])
def test_an_unreadable_quote_is_refused_and_said_so(stage, said):
    stage.ask()
    stage.tell("on_select", said)
    assert (stage.order.state, stage.order.failure_code) == (State.REFUSED, "unreadable")


def test_an_error_refuses_with_the_operators_words(stage):
    stage.ask()
    stage.tell("on_select", error={"code": "30008", "message": "charger offline"})
    assert (stage.order.state, stage.order.failure_message) == (State.REFUSED, "charger offline")


def test_nobody_but_the_asked_operator_may_answer(stage):
    stage.ask()
    with pytest.raises(UnknownOrder):
        stage.tell("on_select", {"quote": quote()}, sender="evil.example")
    assert stage.fresh().state == State.QUOTE_REQUESTED


def test_a_quote_after_the_time_is_noise(stage):
    stage.ask()
    assert stage.overdue().state == State.EXPIRED
    stage.tell("on_select", {"quote": quote()})
    assert (stage.order.state, stage.order.quote_amount) == (State.EXPIRED, None)


def test_lines_total_is_the_sum_of_the_lines():
    priced = Priced(Decimal(3), "INR", (Line("a", "", Decimal(1)), Line("b", "", Decimal(2))))
    assert priced.lines_total == 3


def test_a_press_on_an_expired_quote_says_that_it_expired(stage):
    stage.until("QUOTED")
    assert stage.overdue().state == State.EXPIRED
    with pytest.raises(Refused, match="expired"):
        services.request_terms(stage.order, billing=BILLING)
    with pytest.raises(Refused, match="expired"):
        services.accept_terms_and_pay(stage.order)
