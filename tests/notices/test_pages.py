"""The page of notices, its switches, and the "no" in a mail."""

import re

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.notices import services, switches, unsubscribing
from apps.notices.models import GROUPS, Channel, Happening

PAGE = "/me/notices/"
H, C = Happening, Channel
ALWAYS = [H.TICKET_OPENED, H.REFUND_PAID, H.REFUND_NO]


@pytest.fixture
def own(driver) -> Client:
    client = Client()
    client.force_login(driver)
    return client


@pytest.fixture
def link(stage) -> str:
    """Of the first mail, the one that says the charge is finished."""
    stage.until("SETTLED")
    services.send_due()
    return re.search(r"http://localhost:8000(/me/notices/off/\S+)", mail.outbox[0].body)[1]


def is_on(person: User, happening: str) -> bool:
    return switches.all_of(person)[happening, C.MAIL]


def test_the_page_says_what_happened_the_newest_first(own, stage):
    stage.until("SETTLED")
    text = own.get(PAGE).content.decode()
    assert text.index("Receipt: Cubbon Park Plaza") < text.index("Charging at Cubbon Park Plaza")
    assert "16.00 kWh, you pay ₹361.08." in text


def test_before_anything_happened_it_says_so(own):
    assert "Nothing yet" in own.get(PAGE).content.decode()


def test_nobody_sees_the_notices_of_another(client, stage, stranger):
    stage.until("SETTLED")
    assert client.get(PAGE).status_code == 302
    client.force_login(stranger)
    assert "Cubbon Park Plaza" not in client.get(PAGE).content.decode()


def test_a_guest_has_no_switches(client, driver):
    User.objects.filter(pk=driver.pk).update(is_guest=True)
    client.force_login(driver)
    assert client.get(PAGE).headers["Location"] == "/me/"


def test_the_page_asks_as_often_for_many_as_for_one(own, stage, django_assert_num_queries):
    stage.until("SETTLED")
    with django_assert_num_queries(6):
        own.get(PAGE)
    for _number in range(3):
        stage.until("SETTLED")
    with django_assert_num_queries(6):
        own.get(PAGE)


def test_the_boxes_show_and_keep_what_was_chosen(own, driver):
    page = own.get(PAGE).content.decode()
    assert 'id="id_receipt_mail"' in page and re.search(r'id="id_receipt_mail"[^>]* checked', page)
    assert not re.search(r'id="id_started_mail"[^>]* checked', page)
    own.post(PAGE, {"started_mail": "on"})
    assert is_on(driver, H.STARTED) and not is_on(driver, H.RECEIPT)
    assert re.search(r'id="id_started_mail"[^>]* checked', own.get(PAGE).content.decode())


def test_every_happening_has_its_place_among_the_switches():
    placed = [happening for _label, happenings in GROUPS for happening in happenings]
    assert sorted(placed) == sorted(H.values)


def test_switching_twice_is_one_row(own, driver):
    for _time in range(2):
        own.post(PAGE, {"started_mail": "on"})
    assert driver.notice_switches.count() == 2 * len(H.values)


# --- The "no" in a mail -----------------------------------------------------------------------------------


def test_opening_the_link_changes_nothing_and_pressing_does(client, link, driver):
    assert "No more of these" in client.get(link).content.decode()
    assert is_on(driver, H.FINISHED)
    assert "You get no more mails of this kind" in client.post(link).content.decode()
    assert not is_on(driver, H.FINISHED) and is_on(driver, H.RECEIPT)


def test_a_mail_program_may_press_it_without_our_page(link, driver):
    """RFC 8058."""
    letter = mail.outbox[0]
    assert letter.extra_headers["List-Unsubscribe"] == f"<http://localhost:8000{link}>"
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not is_on(driver, H.FINISHED)


def test_no_to_all_is_no_to_all(client, link, driver):
    client.post(link, {"all": "1"})
    assert {happening for happening in H.values if is_on(driver, happening)} == set(ALWAYS)


def test_what_is_always_mailed_cannot_be_switched_and_the_page_says_so(own, driver):
    page = own.get(PAGE).content.decode()
    assert "Some mails are always sent" in page and "id_refund_paid_mail" not in page
    own.post(PAGE, {})
    assert {happening for happening in H.values if is_on(driver, happening)} == set(ALWAYS)


def test_a_forged_no_says_nothing_for_anybody(client, link, driver, stranger):
    token = link.rstrip("/").rpartition("/")[2]
    said, _dot, signature = token.partition(".")
    for forged in (f"{stranger.pk}-FINISHED.{signature}", said, f"{said}.", f"{said}.x"):
        assert client.post(f"/me/notices/off/{forged}/").status_code == 404
    assert is_on(stranger, H.FINISHED) and is_on(driver, H.FINISHED)


def test_the_no_of_somebody_who_left_leads_nowhere(client, stranger):
    address = unsubscribing.path_for(stranger, H.FINISHED)
    stranger.delete()
    assert client.get(address).status_code == 404
