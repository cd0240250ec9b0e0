"""The operator's live stream: who listens, what is taken from it, and what is not."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
import time_machine

from apps.lib import clock
from apps.orders import listener, services
from apps.orders.models import Order, Progress
from apps.orders.stream import read_figures
from tests.orders.operator_stream import OperatorStream
from tests.orders.stage import STARTED, Stage
from tests.orders.test_stream import SAID


def charging(stage: Stage, url: str = "https://grid.example/track/t/") -> Order:
    stage.until("CHARGING")
    stage.tell("on_track", {"tracking": {"id": "t-1", "url": url, "status": "active"}})
    return stage.fresh()


def figures(stage: Stage, seconds: int = 10, **said) -> dict:
    """What the stream says `seconds` after now."""
    at = clock.utc_text(clock.now() + timedelta(seconds=seconds))
    return SAID | {"order_id": stage.number, "last_updated": at, "told_at": at} | said


def take(stage: Stage, **said) -> bool:
    told = read_figures(json.dumps(figures(stage, **said)))
    return services.record_streamed(
        stage.order.pk, told=told, received_at=clock.now() + timedelta(seconds=11)
    )


# --- What is taken ----------------------------------------------------------------------------------------


def test_a_reading_of_the_stream_is_the_newest(stage):
    charging(stage)
    assert take(stage)
    progress = Progress.objects.get(order=stage.order)
    assert (progress.energy_kwh, progress.power_kw, progress.cost_amount) == (
        Decimal("7.420"),
        Decimal("42.100"),
        Decimal("173.780"),
    )
    assert stage.order.points.filter(energy_kwh=Decimal("7.420")).count() == 1


def test_a_reading_told_twice_is_one_point(stage):
    charging(stage)
    said = figures(stage)
    for _time in range(3):
        take(stage, last_updated=said["last_updated"], told_at=said["told_at"])
    assert stage.order.points.filter(energy_kwh=Decimal("7.420")).count() == 1


def test_an_older_word_of_the_stream_changes_no_figure(stage):
    charging(stage)
    take(stage)
    take(stage, seconds=5, kwh="5.00")
    assert Progress.objects.get(order=stage.order).energy_kwh == Decimal("7.420")


@pytest.mark.parametrize(
    "said", [{"status": "COMPLETED"}, {"status": "ACTIVE", "connector_status": "Faulted"}]
)
def test_nothing_unsigned_moves_a_state(stage, said):
    charging(stage)
    if told := read_figures(json.dumps(figures(stage, **said))):
        services.record_streamed(stage.order.pk, told=told, received_at=clock.now())
    assert stage.fresh().state == "CHARGING"
    assert stage.order.billed_amount is None


def test_figures_of_another_order_are_not_taken(stage):
    charging(stage)
    take(stage, order_id="GR-another")
    assert Progress.objects.get(order=stage.order).energy_kwh == Decimal("0.100")


def test_a_cost_in_another_currency_is_not_shown_as_ours(stage):
    charging(stage)
    before = Progress.objects.get(order=stage.order).cost_amount
    take(stage, currency="USD")
    assert Progress.objects.get(order=stage.order).cost_amount == before


def test_after_the_bill_nobody_needs_to_listen(stage):
    charging(stage)
    stage.final_bill()
    assert take(stage) is False
    assert stage.fresh().listen_at is None


# --- Who listens ------------------------------------------------------------------------------------------


def test_a_running_charge_is_leased_to_one_listener(stage):
    charging(stage)
    assert [order.pk for order in services.claim_streams()] == [stage.order.pk]
    assert services.claim_streams() == []


def test_the_lease_of_a_dead_listener_runs_out(stage):
    charging(stage)
    services.claim_streams()
    Order.objects.update(listen_at=clock.now() - timedelta(seconds=1))
    assert len(services.claim_streams()) == 1


def test_before_energy_flows_there_is_nothing_to_listen_to(stage):
    stage.until("CONFIRMED")
    stage.tell("on_track", {"tracking": {"url": "https://grid.example/t/", "status": "inactive"}})
    assert stage.fresh().listen_at is None
    assert services.claim_streams() == []


def test_a_link_that_is_no_web_page_is_not_listened_to(stage):
    charging(stage, "file:///etc/passwd")
    assert (stage.order.tracking_url, stage.order.listen_at) == ("", None)


# --- Listening, over a real socket ------------------------------------------------------------------------


@pytest.fixture
def operator() -> Iterator[OperatorStream]:
    with OperatorStream().open() as stream:
        yield stream


@pytest.fixture
def ears(monkeypatch) -> listener.Listener:
    """A listener of this test, quick to try again."""
    monkeypatch.setattr(listener, "AGAIN_AFTER", timedelta(seconds=0.2))
    return listener.Listener()


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def shown_kwh(stage: Stage) -> Decimal:
    return Progress.objects.get(order=stage.order).energy_kwh


@pytest.mark.django_db(transaction=True)
def test_what_the_operator_streams_is_shown(stage, operator, ears):
    charging(stage, operator.url)
    for order in services.claim_streams():
        ears.listen(order)
    assert operator.came.wait(10)
    operator.say_raw("no JSON at all")
    operator.say(**figures(stage, seconds=1))
    until(lambda: shown_kwh(stage) == Decimal("7.420"))
    operator.say(**figures(stage, seconds=2, kwh="8.00"))
    until(lambda: shown_kwh(stage) == Decimal("8.000"))
    operator.hang_up()


@pytest.mark.django_db(transaction=True)
def test_a_stream_that_broke_off_is_taken_up_again(stage, operator, ears):
    charging(stage, operator.url)
    (order,) = services.claim_streams()
    ears.listen(order)
    assert operator.came.wait(10)
    operator.hang_up()
    until(lambda: bool(found := services.claim_streams()) and (ears.listen(found[0]) or True))
    assert operator.came.wait(10)
    assert operator.asked == 2
    operator.hang_up()


@pytest.mark.django_db(transaction=True)
def test_an_operator_without_a_stream_is_not_asked_again(stage, operator, ears):
    operator.has_stream = False
    charging(stage, operator.url)
    (order,) = services.claim_streams()
    ears.listen(order)
    until(lambda: stage.fresh().listen_at is None)
    assert (operator.asked, services.claim_streams()) == (1, [])


# --- What there is without a stream -----------------------------------------------------------------------


@pytest.fixture
def only_json(operator, monkeypatch) -> OperatorStream:
    monkeypatch.setattr(listener, "LOOK_AGAIN_AFTER", timedelta(seconds=0.2))
    operator.has_stream = False
    return operator


def hear(stage: Stage, operator: OperatorStream, ears: listener.Listener) -> Callable[[], bool]:
    """Take up what is due, as the duty would."""

    def take_up() -> bool:
        for order in services.claim_streams():
            ears.listen(order)
        return True

    take_up()
    return take_up


@pytest.mark.django_db(transaction=True)
def test_where_there_is_only_json_it_is_asked_again_and_again(stage, only_json, ears):
    charging(stage, only_json.url)
    only_json.figures = figures(stage, seconds=1)
    take_up = hear(stage, only_json, ears)
    until(lambda: shown_kwh(stage) == Decimal("7.420"))
    only_json.figures = figures(stage, seconds=2, kwh="8.00")
    until(lambda: take_up() and shown_kwh(stage) == Decimal("8.000"))


@pytest.mark.django_db(transaction=True)
def test_json_of_a_charge_that_is_over_ends_nothing(stage, only_json, ears):
    """Nobody signed it; the operator's signed word is waited for, and the figures stay."""
    charging(stage, only_json.url)
    only_json.figures = figures(stage, status="COMPLETED")
    take_up = hear(stage, only_json, ears)
    until(lambda: take_up() and only_json.asked >= 2)
    assert (stage.fresh().state, shown_kwh(stage)) == ("CHARGING", Decimal("0.100"))


@pytest.mark.django_db(transaction=True)
def test_after_the_bill_json_is_asked_for_no_more(stage, only_json, ears):
    charging(stage, only_json.url)
    only_json.figures = figures(stage)
    take_up = hear(stage, only_json, ears)
    until(lambda: only_json.asked >= 1)
    stage.final_bill()
    until(lambda: stage.fresh().listen_at is None)
    assert take_up() and services.claim_streams() == []


@pytest.mark.django_db(transaction=True)
def test_a_page_for_people_alone_is_left_to_them(stage, only_json, ears):
    only_json.page = b"<!doctype html><title>Your charge</title>"
    charging(stage, only_json.url)
    hear(stage, only_json, ears)
    until(lambda: stage.fresh().listen_at is None)
    assert (only_json.asked, services.claim_streams()) == (1, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_link_that_ran_out_is_asked_for_anew_but_not_all_the_time(
    stage, only_json, ears, monkeypatch, status
):
    monkeypatch.setattr(listener, "NEW_LINK_AFTER", timedelta(seconds=0.1))
    only_json.status = status
    charging(stage, only_json.url)
    asked = len(stage.sent("track"))
    take_up = hear(stage, only_json, ears)
    until(lambda: take_up() and only_json.asked >= 3)
    assert len(stage.sent("track")) == asked + 1
    only_json.status, only_json.figures = 200, figures(stage)
    until(lambda: take_up() and shown_kwh(stage) == Decimal("7.420"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_fault_that_passes_ends_nothing(stage, only_json, ears, status):
    only_json.status = status
    charging(stage, only_json.url)
    take_up = hear(stage, only_json, ears)
    until(lambda: only_json.asked >= 1)
    only_json.status, only_json.figures = 200, figures(stage)
    until(lambda: take_up() and shown_kwh(stage) == Decimal("7.420"))


def test_after_the_bill_no_link_is_asked_for(stage):
    charging(stage)
    stage.final_bill()
    asked = len(stage.sent("track"))
    assert services.renew_tracking(stage.order.pk) is False
    assert len(stage.sent("track")) == asked


def test_where_nothing_is_told_unasked_status_is_asked_at_an_even_pace(stage):
    """The last resort: an operator without stream, JSON or news of its own still shows figures every minute."""
    stage.until("CHARGING")
    began = clock.now()
    asked_at = []
    with time_machine.travel(began, tick=False) as now:
        for second in range(1, 601):
            now.move_to(began + timedelta(seconds=second))
            if services.ask_again():
                asked_at.append(second)
                seconds = (clock.now() - STARTED).total_seconds()
                stage.progress(int(seconds), f"{second / 100:.2f}", received_at=clock.now())
        pauses = [later - earlier for earlier, later in pairwise(asked_at)]
        assert shown_kwh(stage) > 4
    assert len(asked_at) >= 9 and max(pauses) <= 121 and pauses[-1] <= 61


@pytest.mark.django_db(transaction=True)
def test_a_stream_leads_nowhere_else(stage, operator, ears):
    with OperatorStream().open() as elsewhere:
        operator.moved_to = elsewhere.url.replace("http", "ws")
        charging(stage, operator.url)
        (order,) = services.claim_streams()
        ears.listen(order)
        until(lambda: stage.fresh().listen_at < clock.now() + timedelta(seconds=5))
        assert not elsewhere.listeners and elsewhere.asked == 0


@pytest.mark.django_db(transaction=True)
def test_when_the_charge_is_over_the_listener_leaves(stage, operator, ears):
    charging(stage, operator.url)
    (order,) = services.claim_streams()
    ears.listen(order)
    assert operator.came.wait(10)
    stage.final_bill()
    operator.say(**figures(stage))
    until(lambda: not operator.listeners)
    assert stage.fresh().listen_at is None


@pytest.fixture
def duty_ears() -> Iterator[None]:
    yield
    listener.the_listener.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_the_duty_takes_up_what_runs_and_keeps_its_lease(stage, operator, duty_ears, monkeypatch):
    monkeypatch.setattr(listener, "RENEW_SECONDS", 0)
    charging(stage, operator.url)
    assert listener.keep_listening() == 1
    assert operator.came.wait(10)
    nearly_over = clock.now() + timedelta(seconds=1)
    Order.objects.update(listen_at=nearly_over)
    assert listener.keep_listening() == 0
    assert stage.fresh().listen_at > nearly_over + timedelta(seconds=20)
    operator.hang_up()


def test_without_charges_no_thread_is_made(db):
    assert listener.keep_listening() == 0
    assert listener.the_listener.cache_info().currsize == 0
