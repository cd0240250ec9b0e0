"""How a charge went, as the operator tells it, and what the driver sees of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.lib import clock
from apps.orders import selectors, services
from apps.orders.models import Order
from apps.orders.services.story import MOST_MARKS
from tests.orders.stage import STARTED


def at(seconds: float) -> str:
    return clock.utc_text(STARTED + timedelta(seconds=seconds))


def line(stage: str, by: str, when: str, detail: str = "") -> dict:
    descriptor = {"code": stage, "name": by} | ({"short_desc": detail} if detail else {})
    return {"descriptor": descriptor, "value": when}


def groups(*lines: dict, **facts: str) -> list[dict]:
    told = [{"descriptor": {"code": "session-ledger"}, "list": list(lines)}]
    listed = [
        {"descriptor": {"code": code.replace("_", "-")}, "value": value} for code, value in facts.items()
    ]
    return [*told, {"descriptor": {"code": "session-facts"}, "list": listed}]


def say(stage, code: str, *lines: dict, when: float = 60, word: str = "Charging", **facts: str) -> None:
    """An on_status with the two groups, signed and all."""
    fulfillment = {
        "id": "cp-07",
        "state": {
            "descriptor": {"code": code, "long_desc": f'{{"status": "{word}"}}'},
            "updated_at": at(when),
        },
        "tags": groups(*lines, **facts),
    }
    stage.tell("on_status", {"id": stage.number, "status": "ACTIVE", "fulfillments": [fulfillment]})


def page(stage) -> str:
    return stage.client().get(reverse("orders:order", args=[stage.order.code])).content.decode()


def story(stage) -> list[tuple[str, str]]:
    return list(stage.order.marks.values_list("stage", "by"))


PAUSED = (line("charging", "station", at(0)), line("paused-by-car", "car", at(40)))


def test_the_story_is_kept_once_however_often_it_is_told(stage):
    stage.until("CHARGING")
    stage.order.marks.all().delete()
    for _time in range(3):
        say(stage, "charging-started", *PAUSED)
    assert story(stage) == [("charging", "station"), ("paused-by-car", "car")]


def test_a_line_told_late_takes_its_place_by_its_own_time(stage):
    stage.until("CHARGING")
    stage.order.marks.all().delete()
    say(stage, "charging-started", line("charging", "station", at(50)), when=60)
    say(stage, "charging-started", line("site-offline", "station", at(20)), when=30)
    assert story(stage) == [("site-offline", "station"), ("charging", "station")]


@pytest.mark.parametrize(
    "strange",
    [
        line("warp-drive", "station", at(1)),
        line("charging", "station", "yesterday"),
        line("charging", "station", "2222-01-01T00:00:00Z"),
        {"descriptor": {"code": "charging"}},
        {"value": "x"},
    ],
)
def test_a_line_that_cannot_be_is_left_out(stage, strange):
    stage.until("CHARGING")
    before = story(stage)
    say(stage, "charging-started", strange, word="")
    assert story(stage) == before


def test_an_unknown_party_is_nobody(stage):
    stage.until("CHARGING")
    say(stage, "charging-started", line("fault", "aliens", at(70)))
    assert story(stage)[-1] == ("fault", "")


def test_an_operator_without_end_fills_no_table(stage):
    stage.until("CHARGING")
    for batch in range(6):
        lines = [line("charging", "station", at(batch + number / 1000)) for number in range(60)]
        say(stage, "charging-started", *lines, when=60 + batch)
    assert stage.order.marks.count() == MOST_MARKS


def test_of_an_operator_that_keeps_no_ledger_its_words_are_the_story(stage):
    stage.until("CHARGING")
    for seconds, word in ((60, "SuspendedEV"), (65, "SuspendedEV"), (70, "SuspendedEVSE"), (75, "Charging")):
        stage.progress(seconds, "1.0", word=word)
    assert story(stage) == [
        ("paused-by-car", "car"),
        ("paused-by-station", "station"),
        ("charging", "station"),
    ]


# --- On the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "headline"),
    [
        ("SuspendedEV", "Paused by the car"),
        ("SuspendedEVSE", "Paused by the station"),
        ("Faulted", "The charger reports a fault"),
        ("Offline", "Paused – the site is offline"),
    ],
)
def test_a_pause_says_whose_it_is_in_the_head_and_in_a_banner(stage, word, headline):
    stage.until("CHARGING")
    say(stage, "charging-started", word=word)
    shown = page(stage)
    assert f"data-announce>{headline}" in shown
    assert f"<strong>{headline}" in shown
    assert "pay only for energy delivered" in shown
    assert "is-flowing" not in shown


def test_chips_say_what_happened_when_and_for_how_long(stage):
    stage.until("CHARGING")
    stage.order.marks.all().delete()
    say(stage, "charging-started", *PAUSED, line("charging", "station", at(280)), when=300)
    response = stage.client().get(reverse("orders:order", args=[stage.order.code]))
    chips = response.context["chips"]
    assert [str(chip["words"]) for chip in chips] == ["Charging", "Paused by the car", "Charging"]
    assert chips[1]["lasted"] == timedelta(minutes=4)
    paused = [int((STARTED + timedelta(seconds=s)).timestamp()) for s in (40, 280)]
    assert f"[{paused[0]}, {paused[1]}]" in response.context["curve"]  # shaded


def test_chips_begin_with_the_last_try(stage):
    stage.until("CHARGING")
    stage.order.marks.all().delete()
    tries = [line("start-asked", "driver", at(0)), line("plugged-in", "driver", at(1))]
    say(stage, "charging-started", *tries, line("start-asked", "driver", at(30)), *PAUSED[1:])
    chips = stage.client().get(reverse("orders:order", args=[stage.order.code])).context["chips"]
    assert [str(chip["words"]) for chip in chips] == ["Paused by the car"]


def test_a_new_line_of_the_story_reaches_the_open_page_whole(stage, django_capture_on_commit_callbacks):
    stage.until("CHARGING")
    before = selectors.live_panel(stage.driver, str(stage.order.code))
    say(stage, "charging-started", *PAUSED, word="SuspendedEV")
    after = selectors.live_panel(stage.driver, str(stage.order.code))
    assert "Paused by the car" in after and "Paused by the car" not in before


def test_a_session_that_is_being_closed_says_so_and_until_when(stage):
    """AT-A1."""
    stage.until("CHARGING")
    closes_by = clock.utc_text(clock.now() + timedelta(minutes=30))
    say(stage, "charging-started", word="Finishing", closes_by=closes_by)
    shown = page(stage)
    assert "data-announce>We are closing your session" in shown
    assert "Nothing more is billed" in shown
    assert "stop-dialog" in shown and f"/orders/{stage.order.code}/stop/" in shown  # law 9


def test_a_late_start_may_be_stopped_for_nothing_and_says_so(stage):
    """AT-B2."""
    stage.until("CHARGING")
    say(stage, "charging-started", free_until=clock.utc_text(clock.now() + timedelta(seconds=50)))
    assert "This charge began late" in page(stage)
    Order.objects.update(free_until=clock.now() - timedelta(seconds=1))
    assert "This charge began late" not in page(stage)


def test_a_bill_on_an_estimate_is_called_one(stage):
    """AT-D4."""
    stage.until("STOPPING")
    say(stage, "charging-started", meter_estimated="true", when=90)
    stage.final_bill()
    assert "The end is an estimate" in page(stage)
    stage.until("SETTLED")
    assert "The end is an estimate" not in page(stage)


# --- Starting ----------------------------------------------------------------------------------------


def wait_for_plug(stage, *lines: dict, seconds: int = 45) -> None:
    until = clock.utc_text(clock.now() + timedelta(seconds=seconds))
    fulfillment = {"id": "cp-07", "state": {"descriptor": {"code": "payment-completed"}}}
    fulfillment["tags"] = groups(*lines, plug_in_by=until)
    said = {"id": stage.number, "status": "ACTIVE", "updated_at": clock.utc_text(clock.now())}
    stage.tell("on_status", said | {"fulfillments": [fulfillment]}, message_id=uuid4())


def now_line(stage_word: str, by: str, detail: str = "") -> dict:
    return line(stage_word, by, clock.utc_text(clock.now()), detail)


def test_the_countdown_is_the_chargers_own_and_we_give_up_with_it(stage):
    """AT-B1."""
    stage.until("STARTING")
    wait_for_plug(stage, now_line("start-accepted", "station"), seconds=300)
    left = stage.order.deadline_at - stage.order.plug_in_by
    assert left == timedelta(seconds=30)
    assert "The charger waits for the cable" in page(stage)


@pytest.mark.parametrize("seconds", [-10, 3600])
def test_a_countdown_that_makes_no_sense_moves_no_deadline(stage, seconds):
    stage.until("STARTING")
    deadline_at = stage.order.deadline_at
    wait_for_plug(stage, seconds=seconds)
    assert stage.order.deadline_at == deadline_at


def test_steps_of_starting_show_only_what_is_proved(stage):
    stage.until("STARTING")
    wait_for_plug(stage, now_line("start-asked", "driver"), now_line("start-accepted", "station"))
    response = stage.client().get(reverse("orders:order", args=[stage.order.code]))
    assert [step["is_done"] for step in response.context["start_steps"]] == [True, True, False, False]


def test_a_car_at_another_plug_is_shown_which_plug_is_ours(stage):
    """AT-H4."""
    stage.until("STARTING")
    wait_for_plug(stage, now_line("start-accepted", "station"), now_line("other-plug", "driver", "B"))
    shown = page(stage)
    assert "Did you plug into B?" in shown
    assert "You ordered plug A" in shown
    assert "Yes, charge at B" not in shown  # its operator has not told by what name to ask for it
    wait_for_plug(stage, now_line("plugged-in", "driver"))
    assert "Did you plug into B?" not in page(stage)


def test_a_letter_of_the_operators_is_only_text(stage):
    stage.until("STARTING")
    wait_for_plug(stage, now_line("other-plug", "driver", "<b>B"))
    assert "<b>B" not in page(stage)


def test_a_failed_start_is_one_tap_from_the_next_and_takes_no_money(stage):
    """AT-B1, AT-C4."""
    stage.until("STARTING")
    held = stage.payment()
    stage.tell("on_update", error={"code": "40006", "message": "No car was plugged in."})
    shown = page(stage)
    assert "Try again" in shown and "needs no new payment" in shown
    assert stage.client().post(reverse("orders:start", args=[stage.order.code])).status_code == 302
    assert stage.fresh().state == "STARTING"
    assert stage.order.plug_in_by is None
    assert (stage.payment().pk, stage.payment().state) == (held.pk, held.state)


def test_a_cancellation_that_failed_is_no_failed_start(stage):
    stage.until("CONFIRMED")
    services.request_cancel(stage.order)
    stage.fresh()
    stage.tell("on_cancel", error={"code": "50001", "message": "no"})
    assert stage.order.state == "CONFIRMED"
    assert "Try again" not in page(stage)


# --- Stopping ----------------------------------------------------------------------------------------


def test_each_proved_step_of_the_stop_has_its_seconds(stage):
    """AT-A2."""
    stage.until("STOPPING")
    pressed = clock.now() - timedelta(seconds=20)
    Order.objects.update(stop_asked_at=pressed)

    def after(seconds: int) -> str:
        return clock.utc_text(pressed + timedelta(seconds=seconds))

    lines = [line("stop-asked", "driver", after(1)), line("stop-accepted", "station", after(3))]
    stage.fresh()
    say(stage, "charging-started", *lines, when=90)
    steps = stage.client().get(reverse("orders:order", args=[stage.order.code])).context["stop_steps"]
    assert [(step["is_done"], step["seconds"]) for step in steps] == [
        (True, 0),
        (True, 1),
        (True, 3),
        (False, None),
        (False, None),
        (False, None),
    ]
    say(stage, "charging-started", *lines, line("meter-awaited", "station", after(8)), when=95)
    shown = page(stage)
    assert "after 3 s<" in shown and "after 8 s<" in shown


# --- A code for the charger ----------------------------------------------------------------------------


def told_key(stage, key: dict | None, action: str = "on_status") -> None:
    stop = {"type": "start"} | ({"authorization": key} if key is not None else {})
    said = {"id": stage.number, "status": "ACTIVE", "updated_at": clock.utc_text(clock.now())}
    state = {"descriptor": {"code": "payment-completed"}}
    stage.tell(
        action,
        said | {"fulfillments": [{"id": "cp-07", "state": state, "stops": [stop]}]},
        message_id=uuid4(),
    )


def test_a_code_is_shown_large_in_groups_with_the_time_it_lives(stage):
    stage.until("CONFIRMED")
    until = clock.utc_text(clock.now() + timedelta(minutes=10))
    told_key(stage, {"type": "OTP", "token": "48210937", "valid_to": until})
    shown = page(stage)
    assert "I have plugged in" in shown and "then press Start" not in shown
    assert "Your code for the charger" in shown and "4821 0937" in shown and "Still good for" in shown
    told_key(stage, None)  # not every message repeats it
    assert "4821 0937" in page(stage)


def test_the_code_goes_back_with_the_start(stage):
    stage.until("CONFIRMED")
    told_key(stage, {"type": "OTP", "token": "4471"})
    stage.client().post(reverse("orders:start", args=[stage.order.code]))
    (said,) = stage.sent("update")
    assert said["message"]["order"]["fulfillments"][0]["stops"][0]["authorization"] == {
        "type": "OTP",
        "token": "4471",
    }
    assert "4471" in page(stage)


@pytest.mark.parametrize("status", ["CLAIMED", "expired"])
def test_a_code_that_was_used_is_not_taken(stage, status):
    stage.until("CONFIRMED")
    told_key(stage, {"type": "OTP", "token": "4471", "status": status})
    assert stage.fresh().start_code == ""


def test_a_code_that_comes_later_is_announced(stage):
    stage.until("CONFIRMED")
    told_key(stage, {"type": "OTP"})
    assert "sends it to you; enter it at the charger" in page(stage)


def test_where_the_plug_is_scanned_the_page_says_so(stage):
    stage.until("CONFIRMED")
    told_key(stage, {"type": "QR"})
    assert "scan the QR code on the plug" in page(stage)
    assert "Your code for the charger" not in page(stage)


def test_a_code_of_the_operators_is_only_text_and_never_endless(stage):
    stage.until("CONFIRMED")
    told_key(stage, {"type": "OTP", "token": "<b>47"})
    assert "<b>47" not in page(stage) and "&lt;b&gt;47" in page(stage)
    told_key(stage, {"type": "OTP", "token": "4" * 500})
    assert stage.fresh().start_code == ""
