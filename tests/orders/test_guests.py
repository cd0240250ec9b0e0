"""A guest's order: by e-mail and phone only, opened again by the link in the mail, kept in an account later."""

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import hand_over_guest, make_guest
from apps.lib import clock
from apps.orders import guests, mails
from apps.orders.models import Order
from apps.payments.models import Payment
from tests.orders.stage import Stage


@pytest.fixture
def guest(db) -> User:
    return make_guest(email="guest@example.org", language="en")


@pytest.fixture
def stage(guest) -> Stage:
    return Stage(guest)


def ask_for_terms(stage: Stage, **billing):
    address = reverse("orders:terms", args=[stage.order.code])
    return stage.client().post(address, {"phone": "+919845012345", **billing})


def test_a_guest_needs_no_name(stage):
    stage.until("QUOTED")
    assert ask_for_terms(stage).status_code == 302
    assert stage.fresh().billing == {"name": "Guest", "phone": "+919845012345", "email": "guest@example.org"}


def test_a_guest_who_says_a_name_is_called_by_it(stage):
    stage.until("QUOTED")
    ask_for_terms(stage, name="Bala")
    assert stage.fresh().billing["name"] == "Bala"


def test_a_guest_needs_a_phone(stage):
    stage.until("QUOTED")
    assert ask_for_terms(stage, phone="").status_code == 422


def test_somebody_with_an_account_still_says_a_name(driver):
    stage = Stage(driver)
    stage.until("QUOTED")
    assert ask_for_terms(stage).status_code == 422


def test_before_the_operator_promised_anything_no_mail_goes_out(stage, mailoutbox):
    stage.until("PAYING")
    assert guests.send_links() == 0
    assert mailoutbox == []


def test_the_mail_opens_the_order_on_another_device(stage, client, mailoutbox):
    stage.until("CONFIRMED")
    assert guests.send_links() == 1
    (mail,) = mailoutbox
    link = re.search(r"https?://[^/]+(/guest/\S+)", mail.body).group(1)
    assert mail.to == ["guest@example.org"]
    assert client.get(link)["Location"] == stage.order.get_absolute_url()
    assert client.get(stage.order.get_absolute_url()).status_code == 200


def test_the_mail_goes_out_once(stage, mailoutbox):
    stage.until("CONFIRMED")
    assert [guests.send_links() for _ in range(3)] == [1, 0, 0]


def test_a_mail_server_that_fails_is_tried_again(stage, mailoutbox, monkeypatch):
    stage.until("CONFIRMED")
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", _hang_up)
        assert guests.send_links() == 0
    assert guests.send_links() == 1


def _hang_up(self, *args, **kwargs):
    raise SMTPServerDisconnected


def test_people_with_an_account_get_no_such_mail(driver, mailoutbox):
    Stage(driver).until("CONFIRMED")
    assert guests.send_links() == 0


def test_the_mail_is_in_the_language_of_the_guest(stage, mailoutbox):
    User.objects.filter(pk=stage.driver.pk).update(language="hi")
    stage.until("CONFIRMED")
    guests.send_links()
    assert "नमस्ते" in mailoutbox[0].body


def test_another_guest_sees_nothing_of_it(stage, client):
    stage.until("CONFIRMED")
    client.force_login(make_guest(email="guest@example.org", language="en"))
    assert client.get(stage.order.get_absolute_url()).status_code == 404


def test_an_account_takes_over_order_and_payment(stage, driver, client):
    stage.until("CONFIRMED")
    hand_over_guest(guest=stage.driver, to=driver)
    hand_over_guest(guest=stage.driver, to=driver)
    assert Order.objects.get().driver == driver
    assert Payment.objects.get().payer == driver
    client.force_login(driver)
    assert client.get(stage.order.get_absolute_url()).status_code == 200


def test_two_reserved_times_do_not_come_into_one_account(stage, driver):
    stage.until("CONFIRMED")
    Stage(driver).until("CONFIRMED")
    begins_at = clock.now() + timedelta(hours=2)
    Order.objects.update(slot_starts_at=begins_at, slot_ends_at=begins_at + timedelta(hours=1))
    with pytest.raises(guests.HasATimeReserved):
        hand_over_guest(guest=stage.driver, to=driver)
    assert stage.fresh().driver == stage.driver
    stage.driver.refresh_from_db()
    assert stage.driver.is_active


def test_the_reminder_of_a_guest_opens_the_order(stage, mailoutbox):
    stage.until("CONFIRMED")
    begins_at = clock.now() + timedelta(hours=2)
    Order.objects.update(slot_starts_at=begins_at, slot_ends_at=begins_at + timedelta(hours=1))
    mails.send_reminder(stage.fresh())
    assert mailoutbox[0].to == ["guest@example.org"]
    assert "/guest/" in mailoutbox[0].body


def test_a_charge_goes_on_while_it_is_taken_over(stage, driver):
    stage.until("CHARGING")
    hand_over_guest(guest=stage.driver, to=driver)
    stage.final_bill()
    assert stage.settle().state == Payment.State.CAPTURED
    assert stage.fresh().state == "SETTLED"


def test_the_list_of_a_guest_says_how_to_keep_it(stage):
    stage.until("CONFIRMED")
    page = stage.client().get(reverse("orders:history")).content.decode()
    assert "Make an account and keep them" in page
    assert "guest.invalid" not in page
