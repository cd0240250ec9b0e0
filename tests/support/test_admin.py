"""The desk in the admin: queues, one ticket in one column, and walls between the operators."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.urls import reverse

from apps.catalog.models import Staff
from apps.charging import concerns
from apps.charging.models import Concern, Session
from apps.orders import services as orders
from apps.payments import refunds
from apps.support import queues, services
from apps.support.models import CannedReply, Ticket
from apps.support.states import State
from tests.support.crowd import many_tickets

LIST = "admin:support_ticket_changelist"


def page_of(ticket: Ticket) -> str:
    return reverse("admin:support_ticket_change", args=[ticket.pk])


def do(client, ticket: Ticket, verb: str, **said):
    return client.post(reverse("admin:support_ticket_do", args=[ticket.pk, verb]), said, follow=True)


def codes(client, **query) -> list[str]:
    return [row.code for row in client.get(reverse(LIST), query).context["cl"].result_list]


def make_tickets(driver, stage, count: int) -> list[Ticket]:
    station = stage.order.offer.station
    return [
        Ticket.objects.get(
            pk=services.open_about_station(
                driver=None, station=station, plug=None, what="other", text="", press_key=uuid4()
            ).pk
        )
        for _number in range(count)
    ]


def statements(deed: Callable[[], object]) -> list[str]:
    """What `deed` asks the database, by this thread alone: one left over from another test may share its connection."""
    asked, me = [], threading.get_ident()

    def note(execute, sql, params, many, context):
        if threading.get_ident() == me:
            asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        deed()
    return asked


def shape(sql: str) -> str:
    """Without the values, however many of them an IN names, and the limit that a second page brings."""
    return re.sub(r" LIMIT \d+", "", re.sub(r"\(%s(, %s)*\)", "(…)", sql))


@pytest.fixture
def lata(agent, client):
    user = agent(1, name="Lata Menon")
    client.force_login(user)
    return user


# --- Who comes in -----------------------------------------------------------------------------------------


def test_a_driver_finds_no_desk(client, ticket):
    client.force_login(ticket.driver)
    assert client.get(page_of(ticket), follow=True).status_code == 403


def test_staff_who_is_neither_support_nor_operator_finds_no_desk(client, factory, ticket):
    client.force_login(factory.make_user(is_staff=True))
    assert client.get(reverse(LIST)).status_code == 403
    assert client.get(page_of(ticket)).status_code == 404


def test_an_operator_s_people_see_their_tickets_and_no_others(client, factory, app, ticket, operators_ticket):
    client.force_login(factory.make_staff(app.plug.evse.station.operator))
    assert codes(client) == [operators_ticket.code]
    assert client.get(page_of(operators_ticket)).status_code == 200
    assert client.get(page_of(ticket)).status_code == 404
    assert do(client, ticket, "note", text="x", press_key=uuid4()).status_code == 404
    client.force_login(factory.make_staff(factory.make_operator()))
    assert codes(client) == []
    assert client.get(page_of(operators_ticket)).status_code == 404


def test_a_viewer_is_shown_nothing_to_press(client, factory, app, operators_ticket):
    client.force_login(factory.make_staff(app.plug.evse.station.operator, Staff.Role.VIEWER))
    page = client.get(page_of(operators_ticket)).content.decode()
    assert "/do/" not in page
    assert do(client, operators_ticket, "note", text="x", press_key=uuid4()).status_code == 403
    assert not operators_ticket.messages.exists()


def test_nobody_adds_changes_or_deletes_a_row_by_hand(client, factory, ticket):
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert client.get(reverse("admin:support_ticket_add")).status_code == 403
    assert client.post(reverse("admin:support_ticket_delete", args=[ticket.pk])).status_code == 403
    client.post(page_of(ticket), {"state": "CLOSED"})
    ticket.refresh_from_db()
    assert ticket.state == State.OPEN


# --- Queues -----------------------------------------------------------------------------------------------


def test_the_driver_at_the_charger_stands_on_top(lata, client, ticket, stage):
    other = services.open_about_order(
        driver=stage.driver, order=stage.order, what="wrong-bill", text="", press_key=uuid4()
    )
    (normal,) = make_tickets(stage.driver, stage, 1)
    assert codes(client) == [ticket.code, other.code, normal.code]


def test_each_queue_holds_what_its_name_says(lata, client, ticket, stage, agent, say):
    waiting, solved, asked, mine = make_tickets(stage.driver, stage, 4)
    say(waiting, "Which plug?", by=agent(), then=State.WAITING_FOR_DRIVER)
    say(solved, "Done.", by=agent(), then=State.RESOLVED)
    services.ask_operator(asked, by=agent(), why="it must know")
    services.assign(mine, by=lata, to=lata)
    assert set(codes(client)) == {one.code for one in (ticket, waiting, asked, mine)}
    assert codes(client, queue="mine") == [mine.code]
    assert set(codes(client, queue="unassigned")) == {ticket.code, asked.code}
    assert codes(client, queue="driver") == [waiting.code]
    assert codes(client, queue="operator") == [asked.code]
    assert codes(client, queue="over") == [solved.code]
    assert codes(client, queue="breaching") == [ticket.code]  # fifteen minutes are less than an hour
    with time_machine.travel(ticket.opened_at + timedelta(hours=23, minutes=30), tick=False):
        client.force_login(lata)
        assert set(codes(client, queue="breaching")) == {ticket.code, asked.code, mine.code}


def test_the_queue_of_refunds_holds_the_deals_whose_money_waits_for_a_person(lata, client, ticket, stage):
    assert codes(client, queue="refunds") == []
    stage.final_bill()
    stage.settle()
    how = {"amount": Decimal(60), "reason_id": "R03", "words": "slow", "key": "press"}
    refund = orders.request_refund(stage.fresh(), **how)
    assert codes(client, queue="refunds") == [ticket.code]
    refunds.decline(refund, why="The meter says otherwise")
    assert codes(client, queue="refunds") == []


def test_a_ticket_is_found_by_number_order_person_and_station(lata, client, ticket):
    for words in (ticket.code, ticket.network_ref, ticket.driver.email, "Cubbon"):
        assert codes(client, q=words) == [ticket.code]
    assert codes(client, q="nothing of that") == []


@pytest.mark.parametrize("queue", queues.NAMES)
def test_the_list_asks_no_more_for_ten_thousand(lata, client, ticket, queue):
    """Statement by statement, so that a failure shows which one is new."""
    query = {"queue": queue}
    client.get(reverse(LIST), query)
    few = statements(lambda: client.get(reverse(LIST), query))
    many_tickets(10_000, people=[lata, None])
    many = statements(lambda: client.get(reverse(LIST), query))
    assert [shape(sql) for sql in many] == [shape(sql) for sql in few]
    assert len(few) <= 15


# --- One ticket -------------------------------------------------------------------------------------------


def test_the_whole_deal_stands_in_one_column(lata, client, ticket, stage):
    page = client.get(page_of(ticket)).content.decode()
    for words in (
        "It went dark.",  # the report
        "₹436.60",  # quote and money
        "Accepted terms",
        "10 %",
        "on_confirm",  # messages of the network
        stage.number,
        "The charge, as the app was told",
        "Held, not charged",
    ):
        assert words in page, words


def test_an_operator_s_ticket_is_proved_by_the_operator_wing(lata, client, app, placed, charger):
    app.update("start-charging")
    charger.begin(placed.start_token)
    app.ask("support", {"support": {"ref_id": placed.code}})
    page = client.get(page_of(Ticket.objects.get())).content.decode()
    for words in (placed.code, "SparkDock", "₹448.40", "CONFIRMED → IN_SESSION", charger.id, "on_support"):
        assert words in page, words


def links_of(client, ticket: Ticket) -> dict[str, str]:
    return {address: words for _name, address, words in client.get(page_of(ticket)).context["links"]}


def test_an_operator_s_people_are_led_to_order_charge_box_and_concern(
    client, factory, agent, app, placed, charger, operators_ticket
):
    app.update("start-charging")
    charger.begin(placed.start_token)
    session = Session.objects.get()
    concerns.raise_(session, Concern.Kind.NO_ENERGY, "none came")
    led = {
        reverse("admin:bookings_booking_change", args=[placed.pk]): placed.code,
        reverse("admin:charging_session_change", args=[session.pk]): session.code,
        reverse("admin:ocpp_chargepoint_change", args=[charger.id]): charger.id,
        reverse("admin:charging_concern_change", args=[Concern.objects.get().pk]): "No energy flowed",
    }
    operator = placed.evse.station.operator
    for person in (
        factory.make_staff(operator, Staff.Role.VIEWER),
        factory.make_user(is_staff=True, is_superuser=True),
    ):
        client.force_login(person)
        assert links_of(client, operators_ticket) == led
        assert {client.get(address).status_code for address in led} == {200}
        page = client.get(page_of(operators_ticket)).content.decode()
        assert all(f'href="{address}"' in page for address in led)
    client.force_login(agent(3))  # support sees the ticket, and not the rows of the operator's wing
    assert links_of(client, operators_ticket) == {}


def test_a_box_that_two_operators_name_is_shown_to_neither(
    client, factory, app, placed, charger, operators_ticket
):
    app.update("start-charging")
    charger.begin(placed.start_token)
    other = factory.make_priced_connector().evse
    other.charge_point_id = charger.id
    other.save(update_fields=["charge_point_id"])
    client.force_login(factory.make_staff(placed.evse.station.operator))
    assert reverse("admin:ocpp_chargepoint_change", args=[charger.id]) not in links_of(
        client, operators_ticket
    )


def test_a_driver_s_ticket_leads_to_our_own_order_and_not_to_one_that_is_called_the_same(
    lata, client, factory, ticket, placed
):
    Ticket.objects.filter(pk=ticket.pk).update(network_ref=placed.code)
    assert links_of(client, ticket) == {}
    client.force_login(factory.make_user(is_staff=True, is_superuser=True))
    assert links_of(client, ticket) == {}
    Ticket.objects.filter(pk=ticket.pk).update(transaction_id=placed.transaction_id)
    assert list(links_of(client, ticket).values()) == [placed.code]


def test_the_page_asks_no_more_for_a_long_story(
    lata, client, ticket, stage, agent, say, django_assert_num_queries
):
    client.get(page_of(ticket))
    with django_assert_num_queries(36, exact=False) as short:
        client.get(page_of(ticket))
    for number in range(12):
        say(ticket, f"Words {number}.", by=lata)
        say(ticket, f"Answer {number}.")
    for minute in range(8, 20):
        stage.progress(minute, "1.0", "40.0", "20.00")
    make_tickets(stage.driver, stage, 3)
    with django_assert_num_queries(len(short.captured_queries), exact=False):
        client.get(page_of(ticket))


def test_everything_is_done_by_the_services_and_audited(lata, client, ticket, stage):
    do(client, ticket, "assign", to=lata.pk)
    do(client, ticket, "note", text="He has called twice.", press_key=uuid4())
    do(client, ticket, "operator", why="it must know")
    do(client, ticket, "priority", priority=2, why="he has left")
    do(client, ticket, "reply", text="I am looking.", then="WAITING_FOR_DRIVER", press_key=uuid4())
    do(client, ticket, "escalate", why="I cannot see the meter")
    told = [(event.verb, event.by) for event in ticket.events.exclude(verb="opened")]
    verbs = ["taken", "noted", "asked-operator", "priority", "asked-driver", "escalated"]
    assert told == [(verb, lata) for verb in verbs]
    page = client.get(page_of(ticket)).content.decode()
    assert "I cannot see the meter" in page and "He has called twice." in page


def test_a_note_is_never_shown_to_the_driver(lata, client, ticket, stage, mailoutbox):
    do(client, ticket, "note", text="He has called twice.", press_key=uuid4())
    page = stage.client().get(ticket.get_absolute_url()).content.decode()
    while services.send_due():
        pass
    assert "called twice" not in page + "".join(mail.body for mail in mailoutbox)


def test_who_stands_too_low_may_note_but_not_reply(lata, client, ticket, agent):
    services.escalate(ticket, by=agent(2), why="hard")
    page = client.get(page_of(ticket)).content.decode()
    assert "/do/note/" in page and "/do/reply/" not in page
    assert do(client, ticket, "reply", text="x", then="RESOLVED", press_key=uuid4()).status_code == 403
    assert do(client, ticket, "note", text="x", press_key=uuid4()).status_code == 200


def test_a_reason_is_needed(lata, client, ticket):
    assert do(client, ticket, "escalate").status_code == 422
    assert do(client, ticket, "reply", text="", then="RESOLVED", press_key=uuid4()).status_code == 422
    assert do(client, ticket, "reply", text="x", then="CLOSED", press_key=uuid4()).status_code == 422
    assert do(client, ticket, "nonsense").status_code == 404
    assert client.get(reverse("admin:support_ticket_do", args=[ticket.pk, "escalate"])).status_code == 405
    ticket.refresh_from_db()
    assert ticket.state == State.OPEN


@pytest.mark.parametrize("language, begins", [("en", "Thank you for your report"), ("hi", "आपकी शिकायत")])
def test_a_canned_reply_comes_in_the_language_of_the_driver(lata, client, ticket, language, begins):
    ticket.driver.language = language
    ticket.driver.save(update_fields=["language"])
    reply = CannedReply.objects.get(name="Looking at it")
    page = client.get(page_of(ticket), {"canned": reply.pk}).content.decode()
    assert re.search(rf"<textarea[^>]*>\s*{begins}", page)
    assert f"{ticket.code}" in page.split(begins)[1][:200]
    assert client.get(page_of(ticket), {"canned": "x"}).status_code == 200


def test_only_officers_write_canned_replies(client, agent):
    for level, status in ((1, 403), (2, 403), (3, 200)):
        client.force_login(agent(level))
        assert client.get(reverse("admin:support_cannedreply_changelist")).status_code == 200
        assert client.get(reverse("admin:support_cannedreply_add")).status_code == status


def test_money_is_paid_back_from_the_ticket_by_the_rules_of_payments(lata, client, ticket, stage):
    assert "Pay back" not in client.get(page_of(ticket)).content.decode()  # held, not taken
    stage.final_bill()
    stage.settle()
    address = reverse("admin:payments_raise", args=[stage.payment().pk])
    assert address in client.get(page_of(ticket)).content.decode()
    assert client.get(address).status_code == 200


def test_scripts_in_texts_are_text(lata, client, ticket, say):
    say(ticket, "<script>alert(1)</script>")
    page = client.get(page_of(ticket)).content.decode()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


def test_earlier_tickets_of_the_driver_are_one_press_away(lata, client, ticket, stage):
    other = services.open_about_order(
        driver=stage.driver, order=stage.order, what="wrong-bill", text="", press_key=uuid4()
    )
    page = client.get(page_of(ticket)).content.decode()
    assert page_of(other) in page
