"""Whom to ask, and the operator's own live page."""

from datetime import timedelta

import pytest
import time_machine

from apps.lib import clock
from apps.lib.errors import Refused
from apps.orders import services
from apps.orders.selectors import order_for

CONTACT = {"phone": "+918000000001", "email": "care@grid.example", "url": "https://grid.example/help"}


def test_the_operator_is_asked_once_for_its_contact(stage):
    stage.until("CHARGING")
    for _press in range(2):
        services.request_support(stage.fresh())
    (said,) = stage.sent("support")
    assert said["message"] == {"support": {"ref_id": stage.number}}


def test_after_a_minute_of_silence_it_may_be_asked_again(stage):
    stage.until("CHARGING")
    services.request_support(stage.order)
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        services.request_support(stage.fresh())
    assert len(stage.sent("support")) == 2


def test_before_the_confirmation_there_is_nobody_to_ask(stage):
    stage.until("TERMS_OFFERED")
    with pytest.raises(Refused):
        services.request_support(stage.order)


def test_the_contact_stands_on_the_page_of_the_order(stage):
    stage.until("CHARGING")
    stage.tell("on_support", {"support": CONTACT | {"ref_id": stage.number}})
    page = stage.client().get(stage.order.get_absolute_url()).content.decode()
    assert "tel:+918000000001" in page and "mailto:care@grid.example" in page and CONTACT["url"] in page


def test_a_link_that_is_no_web_page_is_left_out(stage):
    stage.until("CHARGING")
    said = {"support": {"ref_id": stage.number, "url": "javascript:alert(1)", "email": "care@grid.example"}}
    stage.tell("on_support", said)
    assert stage.order.support_contact == {"email": "care@grid.example"}


def test_a_refusal_gives_the_button_back(stage):
    stage.until("CHARGING")
    services.request_support(stage.order)
    stage.tell("on_support", error={"code": "50004"})
    assert (stage.order.support_asked_at, stage.order.state) == (None, "CHARGING")


def test_a_stranger_may_not_ask_for_another(stage, stranger, client):
    stage.until("CHARGING")
    client.force_login(stranger)
    assert client.post(f"{stage.order.get_absolute_url()}help/").status_code == 404
    assert client.get(f"{stage.order.get_absolute_url()}help/").status_code == 405
    assert not stage.sent("support")


def test_the_live_page_of_the_operator_is_asked_for_when_energy_flows(stage):
    stage.until("CHARGING")
    stage.progress(120)
    (said,) = stage.sent("track")
    assert said["message"] == {"order_id": stage.number}
    url = "https://grid.example/live/4bq9"
    stage.tell("on_track", {"tracking": {"id": "trk-1", "url": url, "status": "active"}})
    assert order_for(stage.driver, stage.order.code).tracking_url == url
    assert url in stage.client().get(stage.order.get_absolute_url()).content.decode()
