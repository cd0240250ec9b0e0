"""A foreign app buys charges of our chargers: own signing, own keys, own port, no code of ours."""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import pytest

from tests.conformance import assert_conforms
from tests.foreign import proxies
from tests.foreign.beckn import new_id, post
from tests.foreign.buyer import Deal, Declined, ForeignBuyer, check_bill
from tests.foreign.portal import BAP_ID, Portal
from tests.foreign.reading import delivered_kwh, number, state_of, tag

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept() -> set[str]:
    """Connectors that some test still holds."""
    return set()


@pytest.fixture
def deal(buyer: ForeignBuyer, selling_portal: Portal, kept: set[str]) -> Iterator[Deal]:
    """A free connector, found and not yet quoted."""
    bpp = selling_portal.peer("bpp")
    transaction_id, offers = buyer.search(bpp)
    free = [found for found in offers if found.is_free]
    found = next(found for found in free if found.item_id not in kept)
    deal = buyer.deal(bpp, transaction_id, found)
    yield deal
    if deal.terms:
        kept.add(found.item_id)


def confirmed(buyer: ForeignBuyer, deal):
    buyer.select(deal)
    buyer.init(deal)
    buyer.confirm(deal)
    return deal


@pytest.fixture(scope="module")
def bought(buyer: ForeignBuyer, selling_portal: Portal):
    """One whole journey, looked at by several tests."""
    return buyer.buy(selling_portal.peer("bpp"))


def test_foreign_app_buys_a_charge_and_the_bill_is_right(bought):
    assert bought.final["status"] == "COMPLETE"
    assert state_of(bought.final) == "charging-ended"
    assert Decimal(0) < check_bill(bought) < number(bought.quoted["quote"]["price"]["value"])


def test_order_keeps_its_id_and_its_price(bought):
    assert bought.final["id"] == bought.order_id
    quoted, billed = (order["items"][0]["price"]["value"] for order in (bought.quoted, bought.final))
    assert number(quoted) == number(billed)


def test_energy_told_on_the_way_never_runs_backwards(buyer, bought):
    told = [
        delivered_kwh(received.order)
        for received in buyer.door.all("on_status", bought.transaction_id)
        if delivered_kwh(received.order) is not None
    ]
    assert told == sorted(told)
    assert told[-1] <= delivered_kwh(bought.final)


def test_after_the_charge_the_order_still_answers(buyer, bought):
    assert buyer.status(bought)["status"] == "COMPLETE"
    assert buyer.track(bought)["status"].lower() == "inactive"
    assert buyer.support(bought)["ref_id"]
    buyer.rating(bought)


def _refunds(order: dict) -> list[tuple[str, Decimal]]:
    """Status and amount of each refund among the payments."""
    rows = [payment for payment in order["payments"] if payment["type"] == "POST-FULFILLMENT"]
    return [(tag(row, "refund-status"), number(row["params"]["amount"])) for row in rows]


def test_a_refund_waits_for_the_operator_and_more_than_the_bill_is_never_one(buyer, bought):
    total = number(bought.final["quote"]["price"]["value"])
    with pytest.raises(Declined) as declined:
        buyer.refund(bought, total + Decimal("0.01"))
    assert declined.value.code == "40002"
    order = buyer.refund(bought, min(total, Decimal("0.50")))
    assert _refunds(order) == [("REQUESTED", min(total, Decimal("0.50")))]
    assert _refunds(buyer.status(bought)) == _refunds(order)


def test_every_callback_fits_the_closed_specification(buyer, bought):
    came = [received.payload for received in buyer.door.messages]
    assert {payload["context"]["action"] for payload in came} >= {"on_search", "on_confirm", "on_update"}
    for payload in came:
        assert_conforms(payload["context"]["action"], payload)


def test_every_callback_was_signed_by_our_operator(buyer, bought):
    assert buyer.door.refused == []
    assert {received.sender_id for received in buyer.door.messages} == {bought.bpp.subscriber_id}


# --- Nothing happens twice -------------------------------------------------------------------------------
def test_every_request_of_the_journey_sent_again_changes_nothing(buyer, selling_portal, bought):
    """Signed anew, five times each, the last one first."""
    said = [letter for letter in buyer.sent if letter.context["transaction_id"] == bought.transaction_id]
    before = _figures(selling_portal, bought)
    for letter in reversed(said):
        assert all(reply.acked for reply in proxies.replay(letter.signed_by(buyer.keys), 5))
    assert buyer.status(bought)["quote"] == bought.final["quote"]
    assert _figures(selling_portal, bought) == before


def _figures(portal: Portal, deal: Deal) -> list[tuple]:
    """What our operator has of this order: its money, its charges, its requests and their answers (status aside)."""
    return [
        portal.rows(
            "SELECT state, delivered_kwh, final_total FROM bookings_booking WHERE code = %s", deal.order_id
        ),
        portal.rows("SELECT state, energy_wh FROM charging_session WHERE reference = %s", deal.order_id),
        portal.rows(
            "SELECT action, count(*) FROM beckn_message WHERE transaction_id = %s"
            " AND action NOT IN ('status', 'on_status') GROUP BY action ORDER BY action",
            UUID(deal.transaction_id),
        ),
    ]


def test_start_asked_again_is_the_same_charge(buyer, deal):
    confirmed(buyer, deal)
    first, again = (buyer.start(deal)["fulfillments"][0] for _ in range(2))
    assert tag(first, "meter-start") == tag(again, "meter-start") is not None
    buyer.end(deal)
    check_bill(deal)


def test_repeated_confirm_makes_one_order(buyer, deal):
    confirmed(buyer, deal)
    confirm = next(letter for letter in reversed(buyer.sent) if letter.action == "confirm")
    assert all(reply.acked for reply in proxies.replay(confirm, 4))
    buyer.confirm(deal)
    ids = {received.order["id"] for received in buyer.door.all("on_confirm", deal.transaction_id)}
    assert ids == {deal.order_id}
    buyer.cancel(deal)


def test_confirm_with_a_used_message_id_and_other_content_is_refused(buyer, deal):
    buyer.select(deal)
    buyer.init(deal)
    draft = buyer.paid_draft(deal)
    first = buyer.letter("confirm", deal.bpp, deal.transaction_id, {"order": draft})
    assert post(first).acked
    draft["billing"]["name"] = "Somebody Else"
    second = buyer.letter(
        "confirm", deal.bpp, deal.transaction_id, {"order": draft}, message_id=first.message_id
    )
    reply = post(second)
    assert not reply.acked
    assert str(reply.error["code"]) == "30000"


def test_two_buyers_never_hold_one_connector(buyer, selling_portal, deal):
    with ForeignBuyer("app.zweite-fahrt.example") as rival:
        selling_portal.introduce(rival)
        theirs = rival.deal(deal.bpp, new_id(), deal.found, deal.kwh)
        buyer.select(deal)
        buyer.init(deal)
        with pytest.raises(Declined) as refusal:
            rival.select(theirs)
            rival.init(theirs)
        assert refusal.value.code in {"30008", "40000", "40002"}


# --- Refusals --------------------------------------------------------------------------------------------
def test_unknown_connector_is_refused(buyer, deal):
    draft = buyer.draft(deal)
    draft["items"][0]["id"] = "no-such-item"
    with pytest.raises(Declined) as refusal:
        buyer.ask(deal, "select", {"order": draft})
    assert refusal.value.code == "30004"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("0", "kWh", {"30000", "40002"}),
        ("-5", "kWh", {"30000", "40002"}),
        ("100000", "kWh", {"40002"}),
        ("3", "bananas", {"40002"}),
        ("many", "kWh", {"30000", "40002"}),
    ],
)
def test_absurd_amount_is_refused(buyer, deal, value, unit, expected):
    draft = buyer.draft(deal)
    draft["items"][0]["quantity"]["selected"]["measure"] |= {"value": value, "unit": unit}
    with pytest.raises(Declined) as refusal:
        buyer.ask(deal, "select", {"order": draft})
    assert refusal.value.code in expected


def test_unknown_order_is_refused(buyer, deal):
    deal.order_id = "BK-NOSUCH01"
    for ask in (buyer.status, buyer.track, buyer.cancel, buyer.support):
        with pytest.raises(Declined) as refusal:
            ask(deal)
        assert refusal.value.code in {"30010", "50004"}


def test_order_of_another_app_does_not_exist_for_a_stranger(selling_portal, bought):
    with ForeignBuyer("app.neugier.example") as stranger:
        selling_portal.introduce(stranger)
        theirs = stranger.deal(bought.bpp, bought.transaction_id, bought.found)
        theirs.order_id = bought.order_id
        with pytest.raises(Declined) as refusal:
            stranger.status(theirs)
        assert refusal.value.code == "30010"


def test_start_before_confirm_is_refused(buyer, deal):
    buyer.select(deal)
    with pytest.raises(Declined) as refusal:
        buyer.start(deal, timeout=20)
    assert refusal.value.code in {"30010", "40001"}


def test_cancel_before_start_ends_the_order_and_frees_the_connector(buyer, selling_portal, deal):
    confirmed(buyer, deal)
    reasons = {reason["id"] for reason in buyer.cancellation_reasons(deal)}
    assert "2" in reasons
    assert buyer.cancel(deal)["status"] == "CANCELLED"
    assert buyer.status(deal)["status"] == "CANCELLED"
    again = buyer.deal(deal.bpp, new_id(), deal.found)
    confirmed(buyer, again)
    buyer.cancel(again)


def test_cancel_while_charging_is_refused(buyer, deal):
    confirmed(buyer, deal)
    buyer.start(deal)
    with pytest.raises(Declined) as refusal:
        buyer.cancel(deal)
    assert refusal.value.code == "50001"
    buyer.end(deal)
    check_bill(deal)


@pytest.mark.parametrize("how", sorted(proxies.FORGERIES.keys() - {"another operator"}))
def test_forged_letter_is_refused_with_a_challenge(buyer, deal, how):
    good = buyer.letter("select", deal.bpp, deal.transaction_id, {"order": buyer.draft(deal)})
    reply = post(proxies.FORGERIES[how](good, buyer.keys))
    assert reply.status == 401
    assert not reply.acked
    assert "Signature realm=" in reply.headers["WWW-Authenticate"]


def test_foreign_app_cannot_speak_as_our_own_driver_side(buyer, deal):
    good = buyer.letter("select", deal.bpp, deal.transaction_id, {"order": buyer.draft(deal)})
    assert post(proxies.claiming_to_be(good, buyer.keys, BAP_ID)).status == 401


def test_malformed_and_unfitting_letters_are_refused(buyer, deal):
    good = buyer.letter("select", deal.bpp, deal.transaction_id, {"order": buyer.draft(deal)})
    assert post(proxies.truncated(good, buyer.keys)).status == 400
    assert post(proxies.with_context(good, buyer.keys, action="confirm")).status == 400
    assert post(proxies.with_context(good, buyer.keys, transaction_id="7")).status == 400


def test_letter_beyond_its_time_to_live_is_not_worked(buyer, deal):
    good = buyer.letter("select", deal.bpp, deal.transaction_id, {"order": buyer.draft(deal)})
    late = proxies.stale(good, buyer.keys)
    if post(late).acked:
        with pytest.raises(Declined) as refusal:
            buyer.answer_to(late)
        assert refusal.value.code == "30000"


def test_letter_of_an_unknown_app_is_refused(deal):
    with ForeignBuyer("app.unbekannt.example") as unknown:
        letter = unknown.letter("select", deal.bpp, new_id(), {"order": unknown.draft(deal)})
        reply = post(letter)
    assert reply.status in (401, 404)
    assert not reply.acked
