"""Reporting a problem: from an order and from a station, with an account and without."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.urls import reverse

from apps.beckn.models import Message
from apps.discovery.models import OfferedStation
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.said import day_and_time
from apps.support import services
from apps.support.models import Notice, Ticket
from apps.support.states import PROMISES, Priority
from tests.orders.stage import make_offer


@pytest.fixture(autouse=True)
def _no_mistakes_yet():
    cache.clear()


def report(client, order, **more):
    said = {"what": "did-not-start", "text": "Nothing happens.", "press_key": str(uuid4()), **more}
    return client.post(reverse("support:report_order", args=[order.code]), said)


def report_station(client, station, **more):
    said = {"what": "plug-broken", "text": "The cable is cut.", "press_key": str(uuid4()), **more}
    return client.post(reverse("support:report_station", args=[station.code]), said)


def test_two_taps_give_a_number_and_the_promised_times(stage):
    stage.until("STARTING")
    client = stage.client()
    page = client.get(reverse("support:report_order", args=[stage.order.code])).content.decode()
    assert re.search(r'value="did-not-start"[^>]*checked', page)  # so that Send is the second tap
    answer = client.post(
        reverse("support:report_order", args=[stage.order.code]),
        {"what": "did-not-start", "press_key": str(uuid4())},
        follow=True,
    )
    ticket = Ticket.objects.get()
    page = answer.content.decode()
    assert ticket.code in page
    for promise in (ticket.reply_due_at, ticket.settle_due_at):
        assert day_and_time(promise, "Asia/Kolkata") in page
    assert (ticket.order, ticket.driver, ticket.side) == (stage.order, stage.driver, "DRIVER")


def test_the_driver_at_the_charger_comes_first_and_money_before_the_rest(stage):
    stage.until("CHARGING")
    at_charger = services.open_about_order(
        driver=stage.driver, order=stage.order, what="stopped-early", text="", press_key=uuid4()
    )
    money = services.open_about_order(
        driver=stage.driver, order=stage.order, what="wrong-bill", text="", press_key=uuid4()
    )
    for ticket, priority in ((at_charger, Priority.AT_CHARGER), (money, Priority.MONEY)):
        assert ticket.priority == priority
        assert ticket.reply_due_at == ticket.opened_at + PROMISES[priority].reply
        assert ticket.settle_due_at == ticket.opened_at + PROMISES[priority].settle


def test_how_it_stood_is_kept_with_the_report(stage):
    stage.until("CHARGING")
    report(stage.client(), stage.order)
    ticket = Ticket.objects.get()
    assert ticket.facts["state"] == "CHARGING"
    assert ticket.facts["energy_kwh"].startswith("0.1")


def test_a_double_click_opens_one_ticket(stage):
    stage.until("CHARGING")
    key = str(uuid4())
    first, second = (report(stage.client(), stage.order, press_key=key) for _press in range(2))
    assert first.url == second.url
    assert Ticket.objects.count() == 1
    assert len(stage.sent("support")) == 1


def test_the_operator_hears_of_it_by_the_number_of_the_order(stage):
    stage.until("CHARGING")
    report(stage.client(), stage.order)
    (said,) = stage.sent("support")
    assert said["message"] == {"support": {"ref_id": stage.number}}


def test_an_order_without_a_number_is_reported_to_our_desk_alone(stage):
    stage.until("TERMS_OFFERED")
    report(stage.client(), stage.order)
    assert Ticket.objects.count() == 1
    assert stage.sent("support") == []


def test_nobody_reports_the_order_of_another(stage, stranger, client):
    stage.until("CHARGING")
    client.force_login(stranger)
    assert report(client, stage.order).status_code == 404
    with pytest.raises(Refused):
        services.open_about_order(
            driver=stranger, order=stage.order, what="other", text="", press_key=uuid4()
        )
    assert not Ticket.objects.exists()


def test_a_guest_cannot_report_an_order(stage, client):
    stage.until("CHARGING")
    assert "login" in report(client, stage.order).url


def test_what_makes_no_sense_is_sent_back(stage):
    stage.until("CHARGING")
    client = stage.client()
    for wrong in ({"what": "nonsense"}, {"press_key": "1"}, {"text": "x" * 4001}):
        assert report(client, stage.order, **wrong).status_code == 422
    assert not Ticket.objects.exists()


def test_nobody_keeps_more_than_ten_open(stage):
    stage.until("CHARGING")
    for _number in range(10):
        report(stage.client(), stage.order)
    assert report(stage.client(), stage.order).status_code == 409
    assert Ticket.objects.count() == 10


# --- From a station, for guests too -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_guest_reports_a_station_and_gets_a_link(client, mailoutbox):
    offer = make_offer()
    page = client.get(offer.station.get_absolute_url()).content.decode()
    address = reverse("support:report_station", args=[offer.station.code])
    assert address in page
    answer = report_station(client, offer.station, plug=str(offer.code), email="guest@example.org")
    ticket = Ticket.objects.get()
    assert (ticket.driver, ticket.guest_email) == (None, "guest@example.org")
    assert ticket.plug.startswith("A") and ticket.station_name == "Cubbon Park Plaza"
    assert "." in answer.url.split("/")[-2]
    assert ticket.code in client.get(answer.url).content.decode()
    services.send_due()
    (mail,) = mailoutbox
    assert mail.to == ["guest@example.org"]
    assert answer.url in mail.body
    assert "The cable is cut" not in mail.body  # an address can be anybody's


@pytest.mark.django_db
def test_the_operator_of_a_station_hears_of_it_by_the_id_of_the_station(client):
    report_station(client, make_offer().station)
    ticket = Ticket.objects.get()
    from_us = ticket.transaction_id

    (said,) = Message.objects.filter(transaction_id=from_us, action="support")
    assert said.bpp_id == "grid.example" and b'"ref_id":"st-1"' in bytes(said.body)


@pytest.mark.django_db
def test_a_plug_of_another_station_is_refused(client):
    offer = make_offer()
    assert report_station(client, offer.station, plug=str(uuid4())).status_code == 422


@pytest.mark.django_db
def test_a_station_nobody_knows_is_not_reported(client):
    assert client.get(reverse("support:report_station", args=[uuid4()])).status_code == 404


@pytest.mark.django_db
def test_guests_of_one_address_report_five_times_in_ten_minutes(client):
    station = make_offer().station
    for _number in range(5):
        assert report_station(client, station).status_code == 302
    assert report_station(client, station).status_code == 429
    assert Ticket.objects.count() == 5


def test_a_driver_reports_a_station_under_their_name(driver, client):
    client.force_login(driver)
    report_station(client, make_offer().station)
    ticket = Ticket.objects.get()
    assert ticket.driver == driver and Notice.objects.get().to == driver.email
    assert ticket.opened_at > clock.now() - timedelta(minutes=1)


PHOTO = ["https://photos.example/1.jpg", "https://photos.example/1.jpg", None, None, "The posts"]


def test_a_ticket_of_an_order_carries_the_charging_point_and_the_photo(stage):
    """AT-H3."""
    offer = make_offer(evse_id="IN*SPD*E7*A")
    OfferedStation.objects.update(photos=[PHOTO])
    stage.ask(evse_id="IN*SPD*E7*A")
    report(stage.client(), stage.order)
    offer.station.delete()
    answer = stage.client().get(Ticket.objects.get().get_absolute_url())
    page = answer.content.decode()
    assert 'alt="The posts"' in page
    assert "IN*SPD*E7*A" in page
    assert "Plug A" in page
    assert "data: https:" in answer["Content-Security-Policy"]


def test_a_ticket_of_a_station_carries_them_too(client, db):
    offer = make_offer(evse_id="IN*SPD*E7*A")
    OfferedStation.objects.update(photos=[PHOTO])
    report_station(client, offer.station, plug=str(offer.code), email="x@example.org")
    page = client.get(Ticket.objects.get().get_absolute_url()).content.decode()
    assert 'alt="The posts"' in page
    assert "IN*SPD*E7*A" in page


def test_a_ticket_of_a_place_without_photos_shows_none(client, db):
    offer = make_offer()
    report_station(client, offer.station, email="x@example.org")
    assert "place__photo" not in client.get(Ticket.objects.get().get_absolute_url()).content.decode()
