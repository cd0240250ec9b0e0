"""A foreign operator sells to our driver, who sees nothing but our pages."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.conformance import assert_conforms
from tests.foreign import proxies, shop
from tests.foreign.beckn import Letter, new_id, post
from tests.foreign.operator import Answering, ForeignOperator, Sending
from tests.foreign.portal import Portal
from tests.journeys.walk import BILLING, REFUND, REFUSED, SEE_TERMS, SILENT, START, Walk

pytestmark = pytest.mark.slow
STATION = "Ulsoor Lake Dock"
TTL_SECONDS = 8  # so long silence is waited for


@pytest.fixture(scope="module")
def registered(buying_portal: Portal) -> Iterator[ForeignOperator]:
    with ForeignOperator(tick_seconds=0.2, kwh_per_tick=Decimal("0.25")) as operator:
        buying_portal.introduce(operator)
        yield operator


@pytest.fixture
def operator(registered: ForeignOperator) -> ForeignOperator:
    """With good manners again, whatever the test before it wanted."""
    registered.mischief.clear()
    registered.arithmetic = registered.quote_arithmetic = shop.right
    registered.orders.clear()
    registered.answered.clear()
    registered.tells_figures, registered.shows_figures = True, False
    return registered


def only_order(operator: ForeignOperator) -> shop.Order:
    (order,) = operator.orders.values()
    return order


def test_driver_buys_from_a_foreign_operator(operator, walk: Walk):
    walk.buy(walk.find(STATION))
    walk.start()
    walk.wait_until_charging()
    walk.stop()
    walk.wait_until_settled()
    sold = only_order(operator)
    assert (sold.status, sold.starts, sold.ends) == ("COMPLETE", 1, 1)
    total = shop.right(sold.plug.price, sold.delivered)[1]
    assert total in walk.amounts()
    assert walk.wait_for_row(lambda row: row.state == "SETTLED") == ("SETTLED", total, 0, 1)


def test_charge_that_ends_by_itself_is_settled_too(operator, walk: Walk):
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    walk.start()
    walk.wait_until_settled()
    sold = only_order(operator)
    assert sold.delivered == 2
    assert walk.wait_for_row(lambda row: row.state == "SETTLED").taken == sold.quoted_total


def test_figures_that_are_only_at_the_tracking_address_reach_the_driver(operator, walk: Walk):
    """No on_status comes unasked: the page lives from the JSON, the bill from the signed message."""
    operator.tells_figures, operator.shows_figures = False, True
    walk.buy(walk.find(STATION), kwh=Decimal(60))
    walk.start()
    walk.wait_until_charging()
    first = walk.wait_for_energy(Decimal("0.1"))
    walk.wait_for_energy(first + Decimal("0.1"))
    walk.stop()
    walk.wait_until_settled()
    sold = only_order(operator)
    assert shop.right(sold.plug.price, sold.delivered)[1] in walk.amounts()


def test_everything_our_driver_side_said_fits_the_closed_specification(operator, walk: Walk):
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    said = [received.payload for received in operator.door.messages]
    assert {"search", "select", "init", "confirm"} <= {payload["context"]["action"] for payload in said}
    for payload in said:
        assert_conforms(payload["context"]["action"], payload)
    assert operator.door.refused == []


PAID_BACK = r"paid back on"


def _ask_back(walk: Walk, amount: str) -> None:
    walk.driver.open(f"{walk.order_address}refund/")
    walk.driver.press_repeatedly(REFUND, 3, amount=amount, reason_id="R03", words="Power dropped twice")


def _charged(walk: Walk) -> None:
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    walk.start()
    walk.wait_until_settled()


def test_money_comes_back_with_the_foreign_operators_consent(operator, walk: Walk):
    _charged(walk)
    _ask_back(walk, "10.00")
    walk.wait_for_words(PAID_BACK, timeout=60)
    sold = only_order(operator)
    (asked,) = operator.door.all("refund", sold.transaction_id)
    assert_conforms("refund", asked.payload)
    assert Decimal("10.00") in walk.amounts()


@pytest.mark.parametrize("manner", [Answering("nack"), Answering("error500")], ids=["nack", "unreachable"])
def test_an_operator_without_the_verb_is_asked_by_update(operator, walk: Walk, manner):
    _charged(walk)
    operator.behave(refund=manner)
    _ask_back(walk, "10.00")
    walk.wait_for_words(PAID_BACK, timeout=120)
    asked = [
        came for came in operator.door.all("update") if came.message["update_target"] == "order.payments"
    ]
    assert asked
    for came in asked:
        assert_conforms("update", came.payload)


def test_impatient_finger_buys_once(operator, walk: Walk):
    walk.ask_quote(walk.find(STATION))
    walk.wait_for_quote()
    walk.driver.press_repeatedly(SEE_TERMS, 3, **BILLING)
    walk.wait_for_terms()
    walk.pay()
    walk.wait_until_confirmed()
    walk.driver.press_repeatedly(START, 3)
    walk.wait_until_charging()
    sold = only_order(operator)
    assert sold.starts == 1
    assert len({m.context["message_id"] for m in operator.door.all("confirm", sold.transaction_id)}) == 1
    walk.stop()
    walk.wait_until_settled()


# --- The operator misbehaves -----------------------------------------------------------------------------
@pytest.mark.parametrize("verb", ["select", "init", "confirm"])
def test_refusal_of_a_request_reaches_the_driver_in_words(operator, walk: Walk, verb):
    operator.behave(**{verb: Answering("nack")})
    _as_far_as(walk, verb)
    walk.wait_for_words(REFUSED)
    _nothing_taken(walk)


@pytest.mark.parametrize("verb", ["select", "init", "confirm"])
def test_error_in_the_answer_reaches_the_driver_in_words(operator, walk: Walk, verb):
    operator.behave(**{f"on_{verb}": Sending(error={"code": "30008", "message": "The dock was just taken"})})
    _as_far_as(walk, verb)
    walk.wait_for_words(r"taken")
    _nothing_taken(walk)


@pytest.mark.parametrize(
    ("verb", "manner"),
    [("select", "silence"), ("select", "hang"), ("init", "error500"), ("confirm", "silence")],
)
def test_silence_is_waited_for_and_then_told(operator, walk: Walk, verb, manner):
    operator.behave(**{verb: Answering(manner)})
    _as_far_as(walk, verb)
    walk.wait_for_words(SILENT, timeout=150)
    _nothing_taken(walk)


@pytest.mark.parametrize("verb", ["select", "init"])
def test_a_fault_that_passes_is_not_noticed(operator, walk: Walk, verb):
    operator.behave(**{verb: Answering("error500", times=1)})
    walk.buy(walk.find(STATION))


def test_quote_that_does_not_add_up_is_shown_with_a_warning(operator, walk: Walk):
    operator.quote_arithmetic = shop.lines_do_not_add_up
    walk.ask_quote(walk.find(STATION))
    walk.wait_for_quote()
    sold = only_order(operator)
    assert shop.lines_do_not_add_up(sold.plug.price, sold.kwh)[1] in walk.amounts()
    assert walk.page.has(r"do not add up")


def test_bill_above_the_authorised_amount_is_never_taken(operator, walk: Walk):
    operator.arithmetic = shop.dearer_than_quoted
    walk.buy(walk.find(STATION), kwh=Decimal(2))
    authorised = only_order(operator).quoted_total
    walk.start()
    walk.wait_until_settled()
    assert walk.wait_for_row(lambda row: row.state == "SETTLED").taken <= authorised


def test_operator_that_cancels_gives_the_driver_his_money_back(operator, walk: Walk):
    walk.buy(walk.find(STATION))
    operator.cancel_by_operator(only_order(operator).transaction_id)
    walk.wait_for_words(r"cancelled")
    assert walk.row().state == "CANCELLED"
    _nothing_taken(walk)


def test_declined_payment_confirms_nothing(operator, walk: Walk):
    walk.ask_quote(walk.find(STATION))
    walk.wait_for_quote()
    walk.ask_terms()
    walk.wait_for_terms()
    walk.pay(answer="decline")
    walk.wait_for_words(r"payment failed")
    assert only_order(operator).confirms == 0
    _nothing_taken(walk)


# --- Callbacks of somebody else --------------------------------------------------------------------------
@pytest.fixture(scope="module")
def answer(registered: ForeignOperator, buying_portal: Portal) -> Letter:
    """A callback of ours that fits no order: what matters is whether the door lets it in."""
    return registered.letter("on_status", buying_portal.peer("bap"), new_id(), {"order": {"id": "NL-1"}})


@pytest.mark.parametrize("how", sorted(proxies.FORGERIES.keys() - {"another app"}))
def test_forged_callback_is_refused_with_a_challenge(registered, answer, how):
    reply = post(proxies.FORGERIES[how](answer, registered.keys))
    assert reply.status == 401
    assert not reply.acked
    assert "Signature realm=" in reply.headers["WWW-Authenticate"]


def test_another_operator_cannot_cancel_what_it_did_not_sell(operator, buying_portal, walk: Walk):
    walk.buy(walk.find(STATION))
    sold = only_order(operator)
    with ForeignOperator("grid.langfinger.example") as thief:
        buying_portal.introduce(thief)
        stolen = sold.said() | {"status": "CANCELLED"}
        bap = buying_portal.peer("bap")
        post(thief.letter("on_cancel", bap, sold.transaction_id, {"order": stolen}))
        post(thief.letter("on_update", bap, sold.transaction_id, {"order": stolen | {"status": "COMPLETE"}}))
    walk.start()
    walk.wait_until_charging()
    assert walk.row().taken == 0
    walk.stop()
    walk.wait_until_settled()


def _as_far_as(walk: Walk, verb: str) -> None:
    """Press the button that makes our side send `verb`, and stay on the order's page."""
    walk.ask_quote(walk.find(STATION))
    if verb != "select":
        walk.wait_for_quote()
        walk.ask_terms()
    if verb == "confirm":
        walk.wait_for_terms()
        walk.pay()


def _nothing_taken(walk: Walk) -> None:
    """What was held is the driver's again, at latest a moment after the page said so."""
    walk.wait_for_row(lambda row: row.held == 0)
    assert walk.row().taken == 0
