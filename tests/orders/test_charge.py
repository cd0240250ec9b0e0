"""Start, progress, stop, bill."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.lib import clock
from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.models import Order, Progress
from apps.orders.states import State
from apps.payments.models import Payment
from tests.orders.stage import STARTED, bill, quote


def test_start_is_asked_once_however_often_it_is_pressed(stage):
    stage.until("CONFIRMED")
    stale = Order.objects.get(pk=stage.order.pk)
    for order in (stage.order, stale, stage.fresh()):
        services.request_start(order)
    (said,) = stage.sent("update")
    assert said["message"]["update_target"] == "order.fulfillments[0].state"
    assert said["message"]["order"]["fulfillments"][0]["state"]["descriptor"]["code"] == "start-charging"


def test_start_before_the_confirmation_is_refused(stage):
    stage.until("CONFIRM_REQUESTED")
    with pytest.raises(Refused):
        services.request_start(stage.order)


def test_a_start_that_failed_says_why_and_may_be_tried_again(stage):
    stage.until("STARTING")
    stage.tell("on_update", error={"code": "40006", "message": "no cable"})
    assert (stage.order.state, stage.order.failure_code, stage.order.failure_message) == (
        State.CONFIRMED,
        "40006",
        "no cable",
    )
    services.request_start(stage.order)
    assert stage.fresh().failure_code == ""


def test_an_error_to_an_older_start_does_not_stop_the_new_one(stage):
    stage.until("STARTING")
    first = stage.order.asked_message_id
    stage.tell("on_update", error={"code": "40006"})
    services.request_start(stage.order)
    stage.fresh()
    stage.tell("on_update", error={"code": "40006"}, message_id=first)
    assert stage.order.state == State.STARTING


def test_a_start_that_comes_after_we_gave_up_is_adopted(stage):
    stage.until("STARTING")
    assert stage.overdue().state == State.CONFIRMED
    stage.progress()
    assert stage.order.state == State.CHARGING


def test_readings_reach_the_page_and_the_curve(stage):
    stage.until("CHARGING")
    stage.progress(65, "1.1", "42.1", "35.10", word="SuspendedEV")
    progress = Progress.objects.get()
    assert (progress.energy_kwh, progress.power_kw, progress.cost_amount, progress.word) == (
        Decimal("1.100"),
        Decimal("42.100"),
        Decimal("35.100"),
        "SuspendedEV",
    )
    assert stage.order.points.count() == 2


def test_an_older_reading_adds_its_point_and_changes_nothing_else(stage):
    stage.until("CHARGING")
    stage.progress(120, "2.0")
    stage.progress(60, "1.0")
    assert Progress.objects.get().energy_kwh == Decimal("2.000")
    assert [point.energy_kwh for point in stage.order.points.all()] == [
        Decimal("0.1"),
        Decimal(1),
        Decimal(2),
    ]


def test_a_clock_that_runs_ahead_does_not_shut_out_the_rest(stage):
    stage.until("CHARGING")
    far = clock.now() + timedelta(days=9000)
    stage.tell_state("charging-started", at=far, tags={"energy_delivered": "1kWh"})
    stage.tell_state("charging-started", at=clock.now(), tags={"energy_delivered": "2kWh"})
    assert Progress.objects.get().energy_kwh == 2


@pytest.mark.parametrize(
    "tags", [{"energy_delivered": "-4kWh"}, {"energy_delivered": "lots"}, {"power": "NaN"}]
)
def test_nonsense_is_no_reading(stage, tags):
    stage.until("CHARGING")
    stage.tell_state("charging-started", at=clock.now(), tags=tags)
    assert Progress.objects.get().energy_kwh == Decimal("0.1")


@pytest.mark.parametrize(
    "said", [{"code": "CONNECTION-INTERRUPTED"}, {"code": "charging-started", "word": "Offline"}]
)
def test_a_lost_link_interrupts_and_the_next_reading_goes_on(stage, said):
    stage.until("CHARGING")
    deadline_at = stage.order.deadline_at
    stage.tell_state(**said, at=STARTED + timedelta(seconds=30))
    assert stage.order.state == State.INTERRUPTED
    stage.progress(90)
    assert (stage.order.state, stage.order.deadline_at) == (State.CHARGING, deadline_at)


def test_an_unknown_state_changes_nothing(stage):
    stage.until("CHARGING")
    stage.tell_state("warp-drive")
    assert stage.order.state == State.CHARGING


def test_stop_is_asked_once_and_remembers_the_energy(stage):
    stage.until("CHARGING")
    stale = Order.objects.get(pk=stage.order.pk)
    for order in (stage.order, stale, stage.fresh()):
        services.request_stop(order)
    assert len(stage.sent("update")) == 2  # the start, and one stop
    assert stage.fresh().stop_asked_kwh == Decimal("0.100")


def test_silence_after_stop_repeats_it_once_and_then_asks(stage):
    stage.until("STOPPING")
    for _ in range(3):
        stage.silence()
    assert len(stage.sent("update")) == 3
    assert len(stage.sent("status")) == 2


def test_a_refused_stop_gives_the_button_back(stage):
    stage.until("STOPPING")
    stage.tell("on_update", error={"code": "50002", "message": "busy"})
    assert (stage.order.state, stage.order.failure_message) == (State.CHARGING, "busy")
    services.request_stop(stage.order)
    assert stage.fresh().state == State.STOPPING


def test_readings_while_stopping_do_not_bring_the_charge_back(stage):
    stage.until("STOPPING")
    stage.progress(120, "2.0")
    assert stage.order.state == State.STOPPING
    assert Progress.objects.get().energy_kwh == 2


def test_nothing_to_stop_is_refused(stage):
    stage.until("CONFIRMED")
    with pytest.raises(Refused):
        services.request_stop(stage.order)


def test_a_charge_that_ended_by_itself_is_billed(stage):
    stage.until("CHARGING")
    stage.final_bill(message_id=uuid4())
    assert (stage.order.state, stage.order.billed_amount) == (State.ENDED, Decimal("361.08"))
    assert (stage.order.meter_start, stage.order.meter_stop) == ("182004", "198004")


def test_an_end_without_a_bill_waits_for_the_bill(stage):
    stage.until("CHARGING")
    stage.tell_state("charging-ended")
    assert stage.order.state == State.STOPPING
    stage.final_bill()
    assert stage.order.state == State.ENDED


def test_the_bill_may_overtake_the_word_that_energy_flows(stage):
    stage.until("STARTING")
    stage.final_bill()
    stage.progress(60)
    assert stage.order.state == State.ENDED
    assert stage.settle().captured_amount == Decimal("361.08")


def test_a_zero_bill_releases_everything(stage):
    stage.until("STOPPING")
    stage.final_bill(quote=quote("0.00", []), kwh="0")
    assert stage.settle().state == Payment.State.VOIDED
    assert stage.order.state == State.SETTLED


def test_a_bill_above_the_authorisation_takes_no_more_than_was_agreed(stage):
    stage.until("STOPPING")
    stage.final_bill(quote=bill("900.00", "823.40", "10.00", "66.60"))
    assert stage.order.billed_amount == Decimal("436.60")
    assert "bill-above-authorisation" in stage.order.warnings
    assert stage.settle().captured_amount == Decimal("436.60")


def test_a_negative_bill_takes_nothing(stage):
    stage.until("STOPPING")
    stage.final_bill(quote=quote("-32.00", []))
    assert stage.settle().state == Payment.State.VOIDED


def test_a_bill_in_lines_that_do_not_add_up_is_marked(stage):
    stage.until("STOPPING")
    stage.final_bill(quote=bill("361.08", "200.00", "10.00", "55.08"))
    assert "bill-lines-do-not-add-up" in stage.order.warnings


def test_another_bill_later_is_kept_in_the_history_and_changes_nothing(stage):
    stage.until("SETTLED")
    stage.final_bill(quote=bill("400.00", "334.92", "10.00", "55.08"))
    stage.final_bill(quote=bill("400.00", "334.92", "10.00", "55.08"))
    assert stage.order.billed_amount == Decimal("361.08")
    assert sum("another bill" in event.why for event in stage.order.events.all()) == 1


def test_no_bill_in_two_hours_ends_in_the_drivers_favour(stage):
    stage.until("STOPPING")
    assert stage.overdue().state == State.FAILED
    assert stage.settle().state == Payment.State.VOIDED


def test_a_charge_of_a_day_is_stopped(stage):
    stage.until("CHARGING")
    assert stage.overdue().state == State.STOPPING


def test_news_of_another_number_are_not_ours(stage):
    stage.until("CHARGING")
    stage.tell("on_update", {"id": "someone-else", "status": "COMPLETE", "quote": quote("1.00", [])})
    assert stage.order.state == State.CHARGING


def test_while_readings_come_nothing_is_asked_and_silence_is(stage):
    stage.until("CHARGING")
    Progress.objects.update(received_at=clock.now())
    stage.silence()
    assert stage.sent("status") == []
    Progress.objects.update(received_at=clock.now() - timedelta(minutes=5))
    stage.silence()
    assert len(stage.sent("status")) == 1
    assert stage.order.poll_at > clock.now() + timedelta(seconds=100)  # twice the first pause
