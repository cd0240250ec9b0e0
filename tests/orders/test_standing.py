"""AT-F6 on the driver's side: what is held, what the page says while the car stands, and when the receipt comes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.lib import clock
from apps.notices import switches
from apps.notices.models import Channel, Happening, Notice
from apps.orders import panel, services
from apps.orders.models import Order
from apps.payments.models import Refund
from tests.orders.stage import STARTED, Stage, lines, quote, terms

ENDED = STARTED + timedelta(minutes=20)


def group(code: str, **said: str) -> dict[str, Any]:
    tags = [{"descriptor": {"code": name.replace("_", "-")}, "value": value} for name, value in said.items()]
    return {"descriptor": {"code": code}, "list": tags}


def idle_terms(**said: str) -> dict[str, Any]:
    told = {
        "price_per_minute": "2.36",
        "currency": "INR",
        "grace": "PT10M",
        "cap": "118.00",
        "when": "always",
    }
    return group("idle-terms", **{**told, **said})


def confirmed(stage: Stage, **said: str) -> Order:
    stage.until("TERMS_REQUESTED")
    item = {"id": "plug-1", "tags": [idle_terms(**said)]}
    stage.tell("on_init", {"quote": quote(ttl="PT15M"), "items": [item], **terms()})
    stage.pay()
    stage.tell("on_confirm", {"id": stage.number, "status": "ACTIVE"})
    services.request_start(stage.order)
    stage.progress(5, "16.0", "40.0", "361.08")
    return stage.order


def stands(stage: Stage, *, minutes: int = 20, cost: str = "361.08", **said: str) -> None:
    at = STARTED + timedelta(minutes=minutes)
    told = {"since": clock.utc_text(ENDED), "state": "announced", "bill": "open", **said}
    fulfillment = {
        "id": "cp-07",
        "state": {
            "descriptor": {"code": "charging-ended", "long_desc": '{"status": "Finishing"}'},
            "updated_at": clock.utc_text(at),
        },
        "tags": [group("charging-details", energy_delivered="16.0kWh"), group("idle-time", **told)],
    }
    order = {"id": stage.number, "status": "ACTIVE", "quote": quote(cost, []), "fulfillments": [fulfillment]}
    stage.tell("on_status", order)


def page(stage: Stage) -> str:
    return stage.client().get(stage.order.get_absolute_url()).content.decode()


# --- What is held -----------------------------------------------------------------------------------------


def test_the_quote_and_the_cap_are_held_and_the_terms_say_why(stage):
    stage.until("TERMS_REQUESTED")
    item = {"id": "plug-1", "tags": [idle_terms()]}
    stage.tell("on_init", {"quote": quote(ttl="PT15M"), "items": [item], **terms()})
    shown = page(stage)
    assert "We hold ₹554.60" in shown and "at most ₹118.00" in shown and "10 minutes are free" in shown
    assert stage.pay().amount == Decimal("554.60")
    (sent,) = stage.sent("confirm")
    assert sent["message"]["order"]["payments"][0]["params"]["amount"] == "554.60"


def test_without_a_cap_only_the_quote_is_held(stage):
    stage.until("TERMS_REQUESTED")
    uncapped = group("idle-terms", price_per_minute="2.36", grace="PT10M")
    stage.tell("on_init", {"quote": quote(), "items": [{"id": "plug-1", "tags": [uncapped]}], **terms()})
    assert "out of what is left of the quote" in page(stage)
    assert stage.pay().amount == Decimal("436.60")


@pytest.mark.parametrize("cap", ["-5", "NaN", "1e12", "much", ""])
def test_a_cap_that_makes_no_sense_is_none(stage, cap):
    assert confirmed(stage, cap=cap).held_amount == Decimal("436.60")


def test_parts_of_a_coin_are_not_held(stage):
    assert confirmed(stage, cap="118.005").held_amount == Decimal("554.61")
    assert stage.payment().amount == Decimal("554.61")


def test_a_cap_in_other_money_than_the_quote_is_none(stage):
    order = confirmed(stage, currency="USD")
    assert ("idle" in order.terms, order.held_amount) == (False, order.quote_amount)


def test_an_operator_that_says_nothing_of_standing_is_held_to_its_quote(stage):
    order = stage.until("CONFIRMED")
    assert ("idle" in order.terms, order.held_amount) == (False, order.quote_amount)


# --- While the car stands -----------------------------------------------------------------------------------


def test_charged_and_still_plugged_in_waits_for_the_final_bill(stage):
    confirmed(stage)
    stands(stage)
    assert (stage.order.state, stage.order.billed_amount) == ("STANDING", None)
    assert stage.payment().state == "AUTHORISED"


def test_the_page_counts_down_to_when_it_costs_money_and_then_says_what(stage):
    confirmed(stage)
    in_nine = clock.now() + timedelta(minutes=9, seconds=30)
    stands(stage, free_until=clock.utc_text(in_nine), state="running")
    shown = page(stage)
    assert "Standing on is free for another" in shown and "data-countdown>9:" in shown
    assert "Beyond the free time each minute costs ₹2.36, at most ₹118.00 in all." in shown
    stands(stage, minutes=40, free_until=clock.utc_text(clock.now() - timedelta(minutes=1)), cost="370.52")
    shown = page(stage)
    assert "Standing on costs money now" in shown and "₹370.52" in shown


def test_a_page_that_polls_sees_when_the_free_time_is_over(stage, time_machine):
    confirmed(stage)
    stands(stage, free_until=clock.utc_text(clock.now() + timedelta(minutes=1)))
    seen = panel.version(stage.order)
    time_machine.move_to(clock.now() + timedelta(minutes=2))
    assert panel.version(stage.order) != seen


def test_until_the_operator_says_when_the_grace_counts_from_what_we_took_in(stage):
    confirmed(stage)
    stands(stage)
    free_until = clock.read_instant(stage.order.idle["free_until"])
    assert timedelta(minutes=9) < free_until - clock.now() <= timedelta(minutes=10)


@pytest.mark.parametrize(
    ("state", "words"),
    [("waived", "The plug would not let your car go."), ("not-busy", "Another such plug is free.")],
)
def test_what_costs_nothing_is_said_to_cost_nothing(stage, state, words):
    confirmed(stage)
    stands(stage, state=state)
    assert words in page(stage)


def test_it_is_said_inside_the_transaction_too(stage):
    """A full car whose charger has not ended the charge: it can still be stopped."""
    confirmed(stage)
    tags = [
        group("charging-details", power="0kW"),
        group("idle-time", since=clock.utc_text(ENDED), bill="open"),
    ]
    state = {"descriptor": {"code": "charging-started"}, "updated_at": clock.utc_text(ENDED)}
    said = {
        "id": stage.number,
        "status": "ACTIVE",
        "fulfillments": [{"id": "cp-07", "state": state, "tags": tags}],
    }
    stage.tell("on_status", said)
    assert stage.order.state == "CHARGING"
    assert "Standing on is free for another" in page(stage)


def test_the_final_bill_ends_it_and_what_was_not_used_is_released(stage):
    confirmed(stage)
    stands(stage)
    told = quote("371.08", [*lines("296.00", "10.00", "55.08"), *quote_of("idle-fee", "10.00")])
    stage.final_bill("371.08", quote=told)
    payment = stage.settle()
    assert (stage.order.state, payment.captured_amount) == ("SETTLED", Decimal("371.08"))
    assert payment.released_amount == Decimal("554.60") - Decimal("371.08")


def test_a_bill_above_the_quote_is_paid_up_to_what_is_held(stage):
    confirmed(stage)
    stands(stage)
    stage.final_bill("600.00", quote=quote("600.00", []))
    assert stage.order.billed_amount == Decimal("554.60")
    assert "bill-above-authorisation" in stage.order.warnings


def test_news_of_the_charge_that_come_late_do_not_wake_it_up_again(stage):
    confirmed(stage)
    stands(stage)
    stage.progress(60, "15.0", "40.0", "340.00")
    assert stage.order.state == "STANDING"


def test_stop_pressed_while_it_stands_changes_nothing(stage):
    confirmed(stage)
    stands(stage)
    services.request_stop(stage.order)
    assert (stage.order.state, stage.sent("update")[1:]) == ("STANDING", [])


def test_a_stop_is_proved_by_it(stage):
    confirmed(stage)
    services.request_stop(stage.order)
    stands(stage)
    assert stage.order.state == "STANDING"


def test_an_operator_that_tells_nothing_of_standing_is_final_when_it_says_that_it_ended(stage):
    stage.until("CHARGING")
    stage.final_bill(action="on_status")
    assert stage.order.state == "ENDED"


def test_without_any_bill_everything_is_released(stage):
    confirmed(stage)
    stands(stage)
    assert stage.overdue().failure_code == "no-bill"
    assert stage.settle().state == "VOIDED"


# --- The notice -----------------------------------------------------------------------------------------------


def noted() -> list[str]:
    told = Notice.objects.filter(happening=Happening.IDLE_STARTED)
    return sorted(told.values_list("channel", flat=True))


def test_the_driver_is_told_once_in_the_same_transaction(stage):
    confirmed(stage)
    stands(stage)
    stands(stage, minutes=25, free_until=clock.utc_text(clock.now()))
    assert noted() == [Channel.MAIL, Channel.PAGE]


def test_a_guest_is_told_too_because_it_costs_money(stage, driver):
    confirmed(stage)
    driver.is_guest, driver.contact_email = True, "guest@example.org"
    driver.save()
    stands(stage)
    assert noted() == [Channel.MAIL, Channel.PAGE]


# --- An idle fee nobody was told of in time ------------------------------------------------------------------


def fee_charged(stage: Stage, *, fee: str = "59.00", capped: str = "-9.00") -> None:
    """70.80 for standing, with tax; half an hour later the car has gone."""
    parts = lines("296.00", "10.00", "64.08")
    parts += [*quote_of("idle-fee", fee), *quote_of("idle-fee-discount", capped)]
    stage.final_bill("420.08", quote=quote("420.08", parts))
    stage.settle()
    services.check_money()


def back() -> list[tuple]:
    return list(Refund.objects.values_list("amount", "cause", "source", "state"))


@pytest.mark.parametrize(
    ("mail_went", "goes_back"),
    [
        (None, True),  # the mail server is down
        (timedelta(minutes=20), True),  # it came back when the free time was long over
        (timedelta(minutes=9), False),  # within the ten free minutes
    ],
)
def test_an_idle_fee_that_our_mail_told_too_late_goes_back_once(stage, time_machine, mail_went, goes_back):
    confirmed(stage)
    time_machine.move_to(clock.now(), tick=False)
    stands(stage)
    began = clock.now()
    if mail_went:
        Notice.objects.filter(channel=Channel.MAIL).update(state="TOLD", told_at=began + mail_went)
    time_machine.move_to(began + timedelta(minutes=30), tick=False)
    fee_charged(stage)
    expected = [(Decimal("59.00"), "SERVICE_ISSUE", "RULE", "APPROVED")] if goes_back else []
    assert back() == expected
    Order.objects.update(money_check_at=clock.now())
    services.check_money()
    assert back() == expected


def test_who_wants_no_mail_was_told_on_the_page(stage, time_machine, driver):
    switches.no_more_mail(driver)
    confirmed(stage)
    stands(stage)
    time_machine.move_to(clock.now() + timedelta(minutes=30))
    fee_charged(stage)
    assert (noted(), back()) == ([Channel.PAGE], [])


def test_what_the_operator_gave_up_of_the_fee_is_not_given_back_again(stage, time_machine):
    confirmed(stage)
    stands(stage)
    time_machine.move_to(clock.now() + timedelta(minutes=30))
    Order.objects.update(corrected_amount=Decimal("400.08"))
    fee_charged(stage)
    assert sorted(amount for amount, *_rest in back()) == [Decimal("20.00"), Decimal("39.00")]


def quote_of(title: str, amount: str) -> list[dict]:
    return [{"title": title, "price": {"value": amount, "currency": "INR"}}]
