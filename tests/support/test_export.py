"""The evidence as a PDF: what the page shows, all messages and readings behind it, bounded, and who took it."""

import re
import tracemalloc
from datetime import timedelta
from decimal import Decimal
from html import unescape
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.beckn.models import Message
from apps.catalog.models import Staff
from apps.charging.models import MeterReading, Session
from apps.lib import clock
from apps.orders.models import ProgressPoint
from apps.support import pack, services
from apps.support.models import Ticket, TicketEvent
from tests.lib.test_paper import read, text_of
from tests.orders.test_papers import squeezed

Verb = TicketEvent.Verb


def address(ticket: Ticket) -> str:
    return reverse("admin:support_ticket_export", args=[ticket.pk])


@pytest.fixture
def lata(agent, client):
    user = agent(1, name="Lata Menon")
    client.force_login(user)
    return user


def export(client, ticket: Ticket) -> str:
    answer = client.post(address(ticket))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return text_of(answer.content)


def paper(ticket: Ticket, by) -> bytes:
    return pack.paper_of(Ticket.objects.select_related("order", "driver").get(pk=ticket.pk), by).pdf()


def add_readings(order, count: int) -> None:
    start = clock.now()
    ProgressPoint.objects.bulk_create(
        ProgressPoint(
            order=order,
            at=start + timedelta(seconds=5 * number),
            power_kw=Decimal(42),
            energy_kwh=Decimal(number) / 100,
        )
        for number in range(count)
    )


def add_messages(order, count: int) -> None:
    like = Message.objects.filter(transaction_id=order.transaction_id).first()
    Message.objects.bulk_create(
        Message(
            side=like.side,
            direction=like.direction,
            action="on_status",
            transaction_id=order.transaction_id,
            message_id=uuid4(),
            bap_id=like.bap_id,
            bap_uri=like.bap_uri,
            bpp_id=like.bpp_id,
            bpp_uri=like.bpp_uri,
            peer_id=like.peer_id,
            body=b"{}",
            digest=uuid4().hex,
            state=like.state,
            next_try_at=None,
            created_at=clock.now(),
        )
        for _number in range(count)
    )


def test_it_says_what_the_page_says(client, lata, ticket):
    page = client.get(reverse("admin:support_ticket_change", args=[ticket.pk])).content.decode()
    column = page[page.index('id="evidence-1"') : page.index("/evidence.pdf")]
    shown = [unescape(part).strip() for part in re.findall(r"<(?:dt|dd|h2)[^>]*>([^<]+)<", column)]
    printed = squeezed(export(client, ticket))
    assert len(shown) > 20
    assert [words for words in shown if squeezed(words).replace("→", "›") not in printed] == []


def test_it_has_the_words_of_both_sides_and_no_internal_note(client, lata, ticket, say):
    say(ticket, "We look into it", by=lata)
    services.add_note(ticket, by=lata, text="Driver seems rude", press_key=uuid4())
    text = export(client, ticket)
    assert "It went dark." in text
    assert "We look into it" in text
    assert "rude" not in text
    assert "Internal notes are not part" in text


def test_who_took_it_is_written_down(client, lata, ticket):
    export(client, ticket)
    event = ticket.events.get(verb=Verb.EXPORTED)
    assert (event.by, event.was, event.now) == (lata, ticket.state, ticket.state)
    assert "Lata Menon" in export(client, ticket)
    assert (
        "evidence exported"
        in client.get(reverse("admin:support_ticket_change", args=[ticket.pk])).content.decode()
    )


def test_looking_exports_nothing(client, lata, ticket):
    assert client.get(address(ticket)).status_code == 405
    assert not ticket.events.filter(verb=Verb.EXPORTED).exists()


def test_walls_stand_here_too(client, factory, app, ticket, operators_ticket):
    operator = app.plug.evse.station.operator
    client.force_login(factory.make_staff(operator, Staff.Role.VIEWER))
    assert client.post(address(ticket)).status_code == 404
    assert operators_ticket.code in export(client, operators_ticket)
    client.force_login(factory.make_staff(factory.make_operator()))
    assert client.post(address(operators_ticket)).status_code == 404
    client.force_login(ticket.driver)
    assert client.post(address(ticket)).status_code in (302, 403)
    assert list(TicketEvent.objects.filter(verb=Verb.EXPORTED).values_list("of", flat=True)) == [
        operators_ticket.pk
    ]


def test_an_operator_s_pack_has_the_readings_of_its_charger(client, agent, app, placed, charger):
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    app.news()
    session = Session.objects.get()
    now = clock.now()
    MeterReading.objects.bulk_create(
        MeterReading(
            session=session,
            at=now + timedelta(seconds=second),
            received_at=now,
            register_wh=1000 + second,
            power_w=7000,
        )
        for second in range(1, 100)
    )
    app.ask("support", {"support": {"ref_id": placed.code}})
    text = text_of(paper(Ticket.objects.get(side="OPERATOR"), agent(1)))
    assert "Annex: all readings" in text
    assert "1.099 kWh · 7.0 kW" in text
    assert number


def test_long_lists_stand_in_an_annex_in_full(ticket, agent):
    add_readings(ticket.order, 5000)
    add_messages(ticket.order, 300)
    pdf = paper(ticket, agent(1))
    pages = read(pdf).pages
    text = "\n".join(page.extract_text() for page in pages)
    assert len(re.findall(r"\d\d:\d\d:\d\d ·", text)) >= 5000
    assert len(set(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}", text))) >= 300
    assert len(pages) < 60
    assert "Annex: all messages" not in pages[0].extract_text()


def test_of_more_than_fits_every_nth_is_printed_and_it_says_so(ticket, agent, monkeypatch):
    monkeypatch.setattr(pack, "MOST_READINGS", 100)
    add_readings(ticket.order, 1000)
    text = text_of(paper(ticket, agent(1)))
    count = 1000 + 1  # the stage's own
    assert len(re.findall(r"\d\d:\d\d:\d\d ·", text)) <= 100
    assert f"Of {count} readings every 11th is printed." in " ".join(text.split())


def test_a_talk_without_end_is_cut_and_it_says_so(ticket, agent, say):
    for number in range(14):
        say(ticket, f"word{number} " + "x y " * 900)
    text = " ".join(text_of(paper(ticket, agent(1))).split())
    assert "word13" in text
    assert "word0 " not in text
    assert "are left out here" in text


def test_it_asks_as_often_for_many_as_for_few(ticket, agent):
    by = agent(1)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            paper(ticket, by)
        return len(asked)

    few = queries()
    add_readings(ticket.order, 2500)
    add_messages(ticket.order, 100)
    assert queries() == few


def test_the_readings_are_never_all_in_memory_as_rows(ticket, agent):
    """What Python holds while it fills the paper: words, not model rows."""
    add_readings(ticket.order, 5000)
    by, row = agent(1), Ticket.objects.select_related("order", "driver").get(pk=ticket.pk)
    pack.paper_of(row, by)
    tracemalloc.start()
    pack.paper_of(row, by)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_scripts_and_markup_stay_words(ticket, agent, say):
    said = "<script>alert(1)</script> #panic() *bold* =1+1"
    say(ticket, said)
    assert squeezed(said) in squeezed(text_of(paper(ticket, agent(1))))
