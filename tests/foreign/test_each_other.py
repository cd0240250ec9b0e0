"""A foreign buyer and a foreign operator trade with each other; they know each other's keys, no registry is asked."""

from decimal import Decimal

import pytest

from tests.conformance import assert_conforms
from tests.foreign import proxies, shop
from tests.foreign.beckn import new_id, post
from tests.foreign.buyer import Declined, ForeignBuyer, check_bill
from tests.foreign.operator import Answering, Sending
from tests.foreign.party import NothingCame
from tests.foreign.reading import delivered_kwh, number


@pytest.mark.parametrize("odd", [False, True], ids=["by the book", "odd"])
def test_foreign_parties_complete_a_journey(buyer: ForeignBuyer, open_operator, odd):
    operator = open_operator(odd=odd, tick_seconds=0.05)
    deal = buyer.buy(operator.card)
    order = operator.orders[deal.transaction_id]
    assert (order.confirms, order.starts, order.ends, order.status) == (1, 1, 1, "COMPLETE")
    assert check_bill(deal) == shop.right(order.plug.price, order.delivered)[1]
    assert buyer.track(deal)["status"].lower() == "inactive"
    assert buyer.status(deal)["status"] == "COMPLETE"
    assert buyer.support(deal)["ref_id"] == deal.order_id
    assert buyer.cancellation_reasons(deal)[0]["id"] == "2"
    buyer.rating(deal)
    refund = buyer.refund(deal, Decimal("10.00"))["payments"][-1]
    assert number(refund["params"]["amount"]) == 10


def test_every_message_by_the_book_fits_the_closed_specification(buyer: ForeignBuyer, open_operator):
    operator = open_operator(odd=False)
    deal = buyer.buy(operator.card)
    for verb in (buyer.status, buyer.track, buyer.support, buyer.rating):
        verb(deal)
    other = buyer.deal(operator.card, *_first_offer(buyer, operator))
    buyer.select(other)
    buyer.init(other)
    buyer.confirm(other)
    buyer.cancel(other)
    payloads = [letter.payload for letter in buyer.sent] + [came.payload for came in buyer.door.messages]
    assert {payload["context"]["action"] for payload in payloads} >= {"search", "on_search", "on_cancel"}
    for payload in payloads:
        assert_conforms(payload["context"]["action"], payload)


def test_charge_ends_by_itself_at_the_ordered_energy(buyer: ForeignBuyer, open_operator):
    operator = open_operator()
    deal = _confirmed(buyer, operator)
    buyer.start(deal)
    buyer.final_bill(deal)
    assert delivered_kwh(deal.final) == deal.kwh
    assert check_bill(deal) == operator.orders[deal.transaction_id].quoted_total


@pytest.mark.parametrize("wrong", [shop.lines_do_not_add_up, shop.dearer_than_quoted, shop.taxed_twice])
def test_buyer_notices_a_wrong_bill(buyer: ForeignBuyer, open_operator, wrong):
    operator = open_operator(arithmetic=wrong)
    deal = _confirmed(buyer, operator)
    buyer.start(deal)
    buyer.final_bill(deal)
    with pytest.raises(AssertionError):
        check_bill(deal)


def test_repeated_confirm_returns_the_same_order(buyer: ForeignBuyer, open_operator):
    operator = open_operator()
    deal = _confirmed(buyer, operator)
    first = deal.order_id
    assert buyer.confirm(deal)["id"] == first
    assert all(reply.acked for reply in proxies.replay(buyer.sent[-1], 3))
    assert buyer.status(deal)["id"] == first
    assert operator.orders[deal.transaction_id].confirms == 2


def test_cancel_is_refused_while_charging(buyer: ForeignBuyer, open_operator):
    operator = open_operator(kwh_per_tick=Decimal("0.001"))
    deal = _confirmed(buyer, operator)
    buyer.start(deal)
    with pytest.raises(Declined) as refusal:
        buyer.cancel(deal)
    assert refusal.value.code == "50001"


# This door knows one key per peer, and puts no limit on how long a signature may hold.
@pytest.mark.parametrize("how", sorted(proxies.FORGERIES.keys() - {"another operator", "valid for ever"}))
def test_forged_letters_are_refused(buyer: ForeignBuyer, open_operator, how):
    operator = open_operator()
    letter = buyer.letter("status", operator.card, new_id(), {"order_id": "x"})
    reply = post(proxies.FORGERIES[how](letter, buyer.keys))
    assert reply.status == 401
    assert "Signature realm=" in reply.headers["WWW-Authenticate"]
    assert operator.answered == {}


def test_truncated_letter_is_malformed(buyer: ForeignBuyer, open_operator):
    operator = open_operator()
    letter = buyer.letter("status", operator.card, new_id(), {"order_id": "x"})
    assert post(proxies.truncated(letter, buyer.keys)).status == 400


# --- Mischief --------------------------------------------------------------------------------------------
def test_refused_request_is_told_at_once(buyer: ForeignBuyer, open_operator):
    operator = open_operator(mischief={"select": Answering("nack")})
    deal = buyer.deal(operator.card, *_first_offer(buyer, operator))
    with pytest.raises(Declined):
        buyer.select(deal)


def test_buyer_posts_again_after_a_fault_of_the_operator(buyer: ForeignBuyer, open_operator):
    operator = open_operator(
        mischief={"select": Answering("error500", times=1), "init": Answering("silence", times=1)}
    )
    deal = _confirmed(buyer, operator)
    assert deal.order_id
    assert (operator.answered["select"], operator.answered["init"]) == (2, 2)


def test_callbacks_may_be_dropped_copied_held_back_and_turned_into_errors(buyer: ForeignBuyer, open_operator):
    operator = open_operator(mischief={"on_init": Sending(copies=3), "on_track": Sending(drop=True)})
    deal = _confirmed(buyer, operator)
    assert len({received.body for received in buyer.door.all("on_init")}) == 1
    operator.behave(on_rating=Sending(after="on_support"))
    rating = buyer.letter(
        "rating",
        operator.card,
        deal.transaction_id,
        {"ratings": [{"id": deal.order_id, "rating_category": "Order", "value": "4"}]},
    )
    buyer.send(rating)
    buyer.support(deal)
    buyer.answer_to(rating)
    assert [m.action for m in buyer.door.messages[-2:]] == ["on_support", "on_rating"]
    with pytest.raises(NothingCame):
        buyer.track(deal, timeout=0.2)
    operator.behave(on_status=Sending(error={"code": "50000", "message": "not today"}))
    with pytest.raises(Declined, match="not today"):
        buyer.status(deal)


def _first_offer(buyer, operator):
    transaction_id, offers = buyer.search(operator.card)
    return transaction_id, next(found for found in offers if found.is_free)


def _confirmed(buyer, operator):
    deal = buyer.deal(operator.card, *_first_offer(buyer, operator))
    buyer.select(deal)
    buyer.init(deal)
    buyer.confirm(deal)
    return deal
