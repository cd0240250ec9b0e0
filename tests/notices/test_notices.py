"""What drivers are told of their charges: once each, in their language, and only if they want."""

import threading
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection

from apps.accounts.models import User
from apps.lib import clock
from apps.notices import mails, services, switches
from apps.notices.models import Channel, Happening, Notice
from apps.orders.models import Order, Progress

H, C, S = Happening, Channel, Notice.State


def switch(person: User, *happenings: str, on: bool = True) -> None:
    switches.choose(person, {(happening, C.MAIL): on for happening in happenings})


@pytest.fixture
def all_on(driver) -> None:
    switch(driver, *H.values)


def happened(channel: str = C.PAGE) -> list[str]:
    return [row.happening for row in Notice.objects.filter(channel=channel).order_by("pk")]


def send() -> list[str]:
    """Until nothing is due; the subjects."""
    while services.send_due():
        pass
    return [letter.subject for letter in mail.outbox]


class Broken:
    """A mail server that is away."""

    def __init__(self, monkeypatch) -> None:
        self.is_away, real = True, mails.send

        def send(notice: Notice) -> None:
            if self.is_away:
                raise SMTPServerDisconnected("gone fishing")
            real(notice)

        monkeypatch.setattr(mails, "send", send)


@pytest.fixture
def server(monkeypatch) -> Broken:
    return Broken(monkeypatch)


# --- What is noted ----------------------------------------------------------------------------------------


def test_a_charge_is_told_from_its_start_to_its_receipt(stage, all_on):
    stage.until("CHARGING")
    stage.progress(60, word="Offline")
    stage.progress(90)
    stage.final_bill()
    stage.settle()
    assert happened() == [H.STARTED, H.INTERRUPTED, H.FINISHED, H.RECEIPT]
    assert send() == [
        "Charging at Cubbon Park Plaza",
        "Interrupted at Cubbon Park Plaza",
        "Finished at Cubbon Park Plaza",
        "Receipt: Cubbon Park Plaza",
    ]


def test_what_happens_again_is_told_once(stage, all_on):
    stage.until("CHARGING")
    for second in range(60, 120, 10):
        stage.progress(second, word="Offline" if second % 20 else "Charging")
    assert happened() == [H.STARTED, H.INTERRUPTED]
    send()
    assert len(send()) == 2


def test_messages_that_come_twice_tell_once(stage, all_on):
    stage.until("CHARGING")
    stage.final_bill()
    for action, said, error, more in list(stage.said):
        stage.tell(action, said, error=error, **more)
    assert len(happened(C.MAIL)) == len(set(happened(C.MAIL)))


def test_a_charge_that_never_began_is_no_news(stage, all_on):
    stage.until("CONFIRMED")
    stage.cancelled()
    assert happened() == []


def test_noted_and_moved_are_one(stage, all_on, monkeypatch):
    """What was rolled back did not happen."""
    stage.until("STARTING")
    monkeypatch.setattr("apps.orders.services.charging.request_tracking", lambda order: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stage.progress(5)
    assert (stage.fresh().state, happened()) == ("STARTING", [])


@pytest.mark.parametrize("figures", [{"soc_percent": 80}, {"energy_kwh": 20}])
def test_nearly_full_is_told_once(stage, all_on, figures):
    stage.until("CHARGING")
    assert services.note_figures() == 0
    Progress.objects.update(**figures, power_kw=1)
    assert services.note_figures() >= 1
    assert services.note_figures() == 0
    assert H.NEARLY in happened()


def test_soon_done_is_told_while_energy_flows(stage, all_on):
    stage.until("CHARGING")
    Progress.objects.update(energy_kwh="16.6", power_kw=40)  # 3.4 kWh left: 5.1 minutes
    assert services.note_figures() == 0
    Progress.objects.update(energy_kwh="16.7", power_kw=0)
    assert services.note_figures() == 0
    Progress.objects.update(energy_kwh="16.7", power_kw=40)
    assert services.note_figures() == 1
    assert happened()[-1] == H.IDLE_SOON


@pytest.mark.parametrize("by", ["TIME", "MONEY"])
def test_who_ordered_no_energy_is_not_told_that_it_is_reached(stage, all_on, by):
    stage.until("CHARGING")
    Order.objects.update(ordered_by=by)
    Progress.objects.update(energy_kwh=20, power_kw=40)
    assert services.note_figures() == 0


def test_of_a_charge_that_is_over_no_figures_are_told(stage, all_on):
    stage.until("SETTLED")
    Progress.objects.update(soc_percent=99)
    assert services.note_figures() == 0


def test_looking_at_the_figures_of_many_charges_asks_once(stage, all_on, django_assert_num_queries):
    for _number in range(3):
        stage.until("CHARGING")
    with django_assert_num_queries(2):
        services.note_figures()


# --- Who is told, and how ---------------------------------------------------------------------------------


def test_mail_is_for_what_matters_unless_said_otherwise(stage):
    stage.until("CHARGING")
    stage.final_bill()
    stage.settle()
    assert happened(C.MAIL) == [H.FINISHED, H.RECEIPT]


def test_a_switch_that_is_off_sends_nothing(stage, driver):
    switch(driver, *H.values, on=False)
    stage.until("SETTLED")
    assert (send(), happened(C.MAIL)) == ([], [])
    assert happened() == [H.STARTED, H.FINISHED, H.RECEIPT]


def test_switched_off_before_it_was_sent_it_is_not_sent(stage, driver, all_on):
    stage.until("CHARGING")
    switch(driver, H.STARTED, on=False)
    assert send() == []
    assert Notice.objects.get(channel=C.MAIL).state == S.DROPPED


@pytest.mark.parametrize("facts", [{"is_guest": True}, {"is_active": False}])
def test_who_has_no_account_is_told_nothing(stage, driver, facts):
    User.objects.filter(pk=driver.pk).update(**facts)
    driver.refresh_from_db()
    stage.until("SETTLED")
    assert (send(), happened(C.MAIL)) == ([], [])


def test_it_is_told_in_the_language_of_its_person(stage, driver, all_on):
    User.objects.filter(pk=driver.pk).update(language="hi")
    stage.until("CHARGING")
    send()
    assert "नमस्ते" in mail.outbox[0].body


def test_a_mail_leads_to_the_charge_and_says_the_bill(stage):
    stage.until("SETTLED")
    send()
    receipt = mail.outbox[-1]
    assert receipt.to == ["asha@example.org"]
    assert "16.00 kWh, you pay ₹361.08" in receipt.body
    assert f"http://localhost:8000{stage.order.get_absolute_url()}" in receipt.body
    assert "₹361.08" in receipt.body.partition("Total")[2]


# --- Sending ----------------------------------------------------------------------------------------------


def test_a_mail_server_that_is_away_is_tried_again(stage, all_on, server):
    with time_machine.travel(clock.now(), tick=False) as now:
        stage.until("CHARGING")
        assert services.send_due() == 0
        (waiting,) = Notice.objects.filter(channel=C.MAIL)
        assert (waiting.state, waiting.tries, waiting.last_error) == (S.WAITING, 1, "gone fishing")
        server.is_away = False
        assert send() == []  # not yet
        now.shift(30)
        assert len(send()) == 1
        assert Notice.objects.get(channel=C.MAIL).last_error == ""


def test_a_mail_server_that_is_away_is_not_asked_for_every_mail(stage, all_on, server):
    stage.until("SETTLED")
    services.send_due()
    assert sorted(Notice.objects.filter(channel=C.MAIL).values_list("tries", flat=True)) == [0, 0, 1]


def test_a_mail_that_never_goes_is_given_up_and_the_person_and_the_admin_see_it(
    stage, driver, server, client, admin_client
):
    stage.until("SETTLED")
    with time_machine.travel(clock.now(), tick=False) as now:
        for _try in range(services.MOST_TRIES * 3):
            services.send_due()
            now.shift(32 * 60)
    assert set(Notice.objects.filter(channel=C.MAIL).values_list("state", flat=True)) == {S.GIVEN_UP}
    client.force_login(driver)
    assert "The mail could not be delivered" in client.get("/me/notices/").content.decode()
    assert "gone fishing" in admin_client.get("/admin/notices/notice/").content.decode()


def test_what_nobody_needs_any_more_is_not_poured_out(stage, all_on):
    stage.until("SETTLED")
    Notice.objects.update(happened_at=clock.now() - timedelta(hours=2))
    assert send() == ["Receipt: Cubbon Park Plaza"]


def test_a_sender_that_died_is_followed_by_another_with_the_same_letter(stage, all_on, monkeypatch):
    stage.until("CHARGING")
    sent: list[Any] = []
    monkeypatch.setattr(mails, "send", lambda notice: sent.append(mails.message_id(notice)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.send_due()
    assert services.move_overdue() == 0
    Notice.objects.filter(state=S.SENDING).update(act_at=clock.now())
    assert services.move_overdue() == 1
    monkeypatch.undo()
    send()
    assert [letter.extra_headers["Message-ID"] for letter in mail.outbox] == sent


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_sends(stage, all_on):
    stage.until("CHARGING")
    start = threading.Barrier(4)

    def work() -> None:
        start.wait(10)
        services.send_due()
        connection.close()

    workers = [threading.Thread(target=work) for _number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert len(mail.outbox) == 1


def test_old_notices_are_forgotten_and_their_orders_are_not(stage, all_on):
    stage.until("CHARGING")
    Notice.objects.update(happened_at=clock.now() - timedelta(days=366))
    assert services.forget_old() > 0
    assert Order.objects.exists() and not Notice.objects.exists()
