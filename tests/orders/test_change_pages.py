"""The pages of a change: asked, priced, accepted, declined, and what is said when it comes to nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from apps.lib import clock
from apps.orders import services
from apps.orders.models import Change, Order
from apps.orders.wish import Wish
from tests.orders.stage import Stage, lines, make_offer, quote

MORE = Wish(energy_kwh=Decimal(30))


def answer(stage: Stage, total: str = "666.70", status: str = "OFFERED", kwh: str = "30", **more) -> Change:
    """The operator answers the newest change with a price."""
    change = stage.order.changes.first()
    row = {"id": "AM-1", "collected_by": "BAP", "status": "NOT-PAID"}
    row["params"] = {"amount": str(Decimal(total) - stage.order.quote_amount), "currency": "INR"}
    tags = [("id", "AM-1"), ("status", status)]
    said = {
        "id": stage.number,
        "status": "ACTIVE",
        "items": [{"id": "plug-1", "quantity": {"selected": {"measure": {"value": kwh, "unit": "kWh"}}}}],
        "quote": quote(total, lines("555.00", "10.00", "101.70"), ttl="PT5M"),
        "payments": [row],
        "tags": [
            {
                "descriptor": {"code": "order-change"},
                "list": [{"descriptor": {"code": code}, "value": value} for code, value in tags],
            }
        ],
    }
    stage.tell("on_update", {**said, **more}, message_id=change.message_id)
    change.refresh_from_db()
    return change


def in_force(stage: Stage) -> None:
    change = stage.order.changes.first()
    said = [("id", change.payment_id), ("status", "ACCEPTED")]
    tags = [{"descriptor": {"code": code}, "value": value} for code, value in said]
    group = {"descriptor": {"code": "order-change"}, "list": tags}
    order = {"tags": [group], "quote": quote("12.98", [])}
    stage.tell_state("charging-started", "on_update", order=order, message_id=change.message_id)


def page_of(stage: Stage) -> str:
    response = stage.client().get(stage.order.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def press(stage: Stage, word: str, change: Change, **more: str):
    address = reverse("orders:answer_change", args=[stage.order.code, change.code])
    return stage.client().post(address, {"answer": word, **more})


def address(name: str, stage: Stage) -> str:
    return reverse(f"orders:{name}", args=[stage.order.code])


def test_the_page_asks_with_the_control_of_the_quote_and_what_is_ordered_now(stage):
    stage.until("CHARGING")
    page = stage.client().get(address("change", stage)).content.decode()
    assert 'value="20' in page
    assert "This is what you have ordered" in page
    told = stage.client().get(address("change_estimate", stage), {"by": "energy", "energy_kwh": "30"})
    assert "₹218.90 more than now" not in told.content.decode()
    assert "more than now" in told.content.decode()


def test_one_tap_asks_for_more_and_the_price_is_shown_before_it_counts(stage):
    stage.until("CHARGING")
    stage.client().post(address("extend", stage))
    (sent,) = [one for one in stage.sent("update") if one["message"]["update_target"] == "order.items"]
    item = sent["message"]["order"]["items"][0]
    assert item["quantity"]["selected"]["measure"] == {"type": "CONSTANT", "value": "30", "unit": "kWh"}
    assert "Asking SparkDock what that would cost" in page_of(stage)
    change = answer(stage)
    page = page_of(stage)
    assert "30 kWh: the new price" in page
    assert "At most ₹230.10 more than now" in page
    assert "<del>" in page
    assert "Your bank will hold ₹666.70 instead of ₹436.60" in page
    assert stage.order.quote_amount == Decimal("436.60")
    press(stage, "accept", change)
    stage.settle()
    (paid,) = [one for one in stage.sent("update") if one["message"]["update_target"] == "order.payments"]
    row = paid["message"]["order"]["payments"][0]
    assert (row["id"], row["status"], row["params"]["amount"]) == ("AM-1", "PAID", "230.10")
    in_force(stage)
    stage.fresh()
    assert (stage.order.energy_kwh, stage.order.quote_amount) == (30, Decimal("666.70"))
    assert "You ordered 30 kWh now, for ₹666.70 at most." in page_of(stage)
    press(stage, "seen", change)
    assert "You ordered 30 kWh now" not in page_of(stage)


def test_nobody_is_asked_twice_by_a_double_press(stage):
    stage.until("CHARGING")
    for _press in range(2):
        stage.client().post(address("extend", stage))
    assert Change.objects.count() == 1
    change = answer(stage)
    for _press in range(2):
        press(stage, "accept", change)
    stage.settle()
    stage.settle()
    assert [m["message"]["update_target"] for m in stage.sent("update")].count("order.payments") == 1


@pytest.mark.parametrize("is_declined", [True, False])
def test_an_offer_told_again_or_too_late_is_no_news_of_the_charge(stage, is_declined):
    stage.until("CHARGING")
    change = services.ask_for_change(stage.order, wish=MORE)
    if is_declined:
        services.decline_change(change)
    flows = [{"id": "cp-07", "state": {"descriptor": {"code": "charging-started"}}}]
    for _time in range(2):
        answer(stage, fulfillments=flows)
    assert stage.fresh().progress.cost_amount == Decimal("12.98")
    assert Change.objects.get().state == ("DECLINED" if is_declined else "OFFERED")


def test_kept_as_it_is(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=MORE)
    change = answer(stage)
    press(stage, "decline", change)
    change.refresh_from_db()
    assert change.state == "DECLINED"
    assert "30 kWh: the new price" not in page_of(stage)
    assert press(stage, "accept", change).status_code == 409


def test_a_bank_that_cannot_hold_more_is_a_plain_word_and_no_button(stage, monkeypatch):
    monkeypatch.setattr("apps.payments.providers.sandbox.CAN_RAISE", False)
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=MORE)
    change = answer(stage)
    page = page_of(stage)
    assert "₹436.60 are held for this charge, and your bank cannot hold more now." in page
    assert "Change it</button>" not in page
    assert press(stage, "accept", change).status_code == 409
    change.refresh_from_db()
    assert change.state == "OFFERED"


def test_a_quote_that_does_not_add_up_needs_its_own_tick(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=Wish(energy_kwh=Decimal(15)))
    change = answer(stage, "300.00", kwh="15")
    assert "do not add up" in page_of(stage)
    assert press(stage, "accept", change).status_code == 409
    press(stage, "accept", change, accepts_warnings="on")
    change.refresh_from_db()
    assert change.state == "ACCEPTED"


def test_a_price_in_another_currency_is_no_offer(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=MORE)
    foreign = {"price": {"value": "9.99", "currency": "USD"}, "breakup": []}
    change = answer(stage, quote=foreign)
    assert (change.state, change.failure_code) == ("REFUSED", "other-currency")


def test_the_operators_no_is_told_and_the_charge_goes_on(stage):
    stage.until("CHARGING")
    change = services.ask_for_change(stage.order, wish=MORE)
    error = {"code": "40000", "message": "The plug is reserved from 14:00 on."}
    stage.tell("on_update", error=error, message_id=change.message_id)
    page = page_of(stage)
    assert "Not changed" in page
    assert "The plug is reserved from 14:00 on." in page
    assert stage.order.state == "CHARGING"


@pytest.mark.parametrize("state", ["QUOTED", "STOPPING", "SETTLED"])
def test_what_is_not_running_is_not_changed(stage, state):
    stage.until(state)
    assert stage.client().post(address("extend", stage)).status_code == 409
    assert not Change.objects.exists()


def test_a_strangers_order_is_nobodys_to_change(stage, stranger, client):
    stage.until("CHARGING")
    change = services.ask_for_change(stage.order, wish=MORE)
    client.force_login(stranger)
    for name in ("extend", "my_plug", "not_my_car"):
        assert client.post(address(name, stage)).status_code == 404
    assert client.get(address("change", stage)).status_code == 404
    there = reverse("orders:answer_change", args=[stage.order.code, change.code])
    assert client.post(there, {"answer": "decline"}).status_code == 404


def test_a_change_of_another_order_is_not_found(stage, driver):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=MORE)
    change = answer(stage)
    other = Stage(driver)
    other.until("CHARGING")
    there = reverse("orders:answer_change", args=[other.order.code, change.code])
    assert other.client().post(there, {"answer": "accept"}).status_code == 404


@pytest.mark.parametrize(
    ("state", "code"), [("ASKED", "no-answer"), ("ACCEPTED", "no-answer"), ("OFFERED", "")]
)
def test_every_waiting_state_ends_in_time_and_the_order_is_as_it_was(stage, state, code):
    stage.until("CHARGING")
    change = services.ask_for_change(stage.order, wish=Wish(energy_kwh=Decimal(10)))
    if state != "ASKED":
        change = answer(stage, "230.10", kwh="10", quote=quote("230.10", []))
    if state == "ACCEPTED":
        services.accept_change(change)
    Change.objects.update(deadline_at=clock.now() - timedelta(seconds=1))
    assert services.move_overdue_changes() == 1
    change.refresh_from_db()
    assert (change.state, change.failure_code) == ("LAPSED", code)
    assert stage.fresh().energy_kwh == 20
    assert len(stage.sent("status")) == (1 if state == "ACCEPTED" else 0)


def test_an_operator_that_changes_at_once_is_asked_to_put_it_back(stage):
    """One that knows nothing of our offers: its answer has no word that it waits."""
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=MORE)
    change = answer(stage, tags=[])
    assert not change.is_firm
    services.decline_change(change)
    amounts = [
        one["message"]["order"]["items"][0]["quantity"]["selected"]["measure"]["value"]
        for one in stage.sent("update")
        if one["message"]["update_target"] == "order.items"
    ]
    assert amounts == ["30", "20"]


def test_a_foreign_operator_that_wants_nothing_more_is_believed(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=Wish(energy_kwh=Decimal(10)))
    change = answer(stage, "230.10", kwh="10", quote=quote("230.10", []), tags=[], payments=[])
    services.accept_change(change)
    assert stage.fresh().energy_kwh == 10


def test_the_answer_to_a_stop_is_not_the_answer_to_a_change(stage):
    stage.until("CHARGING")
    services.ask_for_change(stage.order, wish=MORE)
    services.request_stop(stage.order)
    stage.final_bill()
    assert stage.order.state == "ENDED"
    assert Change.objects.get().state == "ASKED"
    Change.objects.update(deadline_at=clock.now())
    services.move_overdue_changes()
    assert Change.objects.get().state == "LAPSED"


# --- Plugs ---------------------------------------------------------------------------------------------------


def test_other_plugs_of_the_station_are_offered_before_the_start_only(stage):
    stage.until("CONFIRMED")
    beside = make_offer(item_id="plug-2", fulfillment_id="cp-08", letter="B", energy_rate=Decimal(20))
    page = stage.client().get(address("change", stage)).content.decode()
    assert "Take B" in page
    there = reverse("orders:other_plug", args=[stage.order.code, beside.code])
    stage.client().post(there)
    sent = stage.sent("update")[-1]["message"]
    assert sent["update_target"] == "order.items,order.fulfillments"
    assert (sent["order"]["items"][0]["id"], sent["order"]["fulfillments"][0]["id"]) == ("plug-2", "cp-08")
    change = answer(stage, "483.80", kwh="20", quote=quote("483.80", []))
    assert "At plug B it costs another price" in page_of(stage)
    assert change.state == "OFFERED"


def test_while_energy_flows_no_plug_is_offered(stage):
    stage.until("CHARGING")
    beside = make_offer(item_id="plug-2", fulfillment_id="cp-08", letter="B")
    assert "Take B" not in stage.client().get(address("change", stage)).content.decode()
    there = reverse("orders:other_plug", args=[stage.order.code, beside.code])
    assert stage.client().post(there).status_code == 409


def told_of_b(stage: Stage) -> None:
    seen = {"item-id": "plug-2", "fulfillment-id": "cp-08", "letter": "B"}
    now = clock.utc_text(clock.now())
    ledger = [{"descriptor": {"code": "other-plug", "name": "driver", "short_desc": "B"}, "value": now}]
    named = [{"descriptor": {"code": code}, "value": value} for code, value in seen.items()]
    groups = [
        {"descriptor": {"code": "session-ledger"}, "list": ledger},
        {"descriptor": {"code": "other-plug"}, "list": named},
    ]
    fulfillment = {"id": "cp-07", "state": {"descriptor": {"code": "payment-completed"}}, "tags": groups}
    stage.tell("on_status", {"id": stage.number, "status": "ACTIVE", "fulfillments": [fulfillment]})


def test_did_you_plug_into_b_yes(stage):
    """AT-H4, also where no search has ever found plug B."""
    stage.until("STARTING")
    told_of_b(stage)
    page = page_of(stage)
    assert "Did you plug into B?" in page
    assert "Yes, charge at B" in page
    stage.client().post(address("my_plug", stage))
    sent = stage.sent("update")[-1]["message"]["order"]
    assert sent["items"][0]["id"] == "plug-2"
    answer(stage, "436.60", kwh="20", quote=quote("436.60"))
    stage.fresh()
    assert Change.objects.get().state == "ACCEPTED"  # it costs the same: nobody is asked again
    in_force(stage)
    assert (stage.fresh().item_id, stage.order.plug_letter) == ("plug-2", "B")


def test_nothing_is_moved_where_no_car_was_seen(stage):
    stage.until("STARTING")
    assert stage.client().post(address("my_plug", stage)).status_code == 409


def test_not_my_car_is_a_button_while_it_costs_nothing(stage):
    stage.until("CHARGING")
    assert "This is not my car" not in page_of(stage)
    Order.objects.update(not_my_car_until=clock.now() + timedelta(seconds=40))
    assert "This is not my car" in page_of(stage)
    stage.client().post(address("not_my_car", stage))
    fulfillment = stage.sent("update")[-1]["message"]["order"]["fulfillments"][0]
    assert fulfillment["state"]["descriptor"]["code"] == "end-charging"
    assert fulfillment["tags"][0]["list"][0] == {
        "descriptor": {"code": "end-reason"},
        "value": "not-my-car",
    }
    assert stage.fresh().state == "STOPPING"
