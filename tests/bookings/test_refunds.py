"""What an operator gives up of its bill: asked by the app by `refund` or `update`, decided by its own people."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.beckn.wire import v1_1 as wire
from apps.bookings import concessions, refusals
from apps.bookings.models import Booking, Concession
from apps.catalog.models import Staff
from tests.bookings.doubles import App, code_of
from tests.factory import NOON
from tests.orders.test_race import at_once

State = Concession.State


@pytest.fixture
def billed(app, placed, charger) -> Booking:
    """10 kWh for 230.10 INR."""
    app.update("start-charging")
    number = charger.begin(placed.start_token).transaction_id
    charger.end(number, wh=11_000, at=NOON + timedelta(minutes=12))
    app.news()
    booking = app.booking()
    assert booking.final_total == Decimal("230.10")
    return booking


def ask(app: App, amount: str = "150.00", *, message_id: str = "", currency: str = "INR", **more) -> dict:
    message = {
        "order_id": app.booking().code,
        "refund_reason_id": "R03",
        "descriptor": {"code": "SERVICE_ISSUE", "short_desc": "Power dropped twice"},
        "refund": {"payment_id": "pay-1", "amount": {"value": amount, "currency": currency}},
    }
    return app.ask("refund", message | more, message_id=message_id)


def ask_by_update(app: App, amount: str = "150.00", ref: str = "rfd-x", status: str = "REQUESTED") -> dict:
    row = wire.RefundEntry(
        ref, Decimal(amount), "INR", status, of="pay-1", reference="RF-77" if status == "REFUNDED" else ""
    )
    order = {"id": app.booking().code, "payments": [row.to_payment().to_wire()]}
    return app.ask("update", {"update_target": "order.payments", "order": order})


def entry(told: dict) -> wire.RefundEntry:
    order = wire.Order.read(told["message"]["order"])
    (row,) = wire.read_refunds(order.payments, "INR")
    return row


@pytest.fixture
def finance(factory, app):
    return factory.make_staff(app.plug.evse.station.operator, role=Staff.Role.FINANCE)


def test_a_large_wish_waits_for_a_person_and_its_decision_is_told(app, billed, finance):
    told = entry(ask(app))
    assert (told.status, told.amount, told.of) == ("REQUESTED", 150, "pay-1")
    concessions.agree(Concession.objects.get(), by=finance, amount=Decimal(90))
    news = app.the_news()
    assert news["context"]["action"] == "on_status"
    assert (entry(news).id, entry(news).status, entry(news).amount) == (told.id, "APPROVED", 90)
    assert app.booking().conceded_total == 90
    assert app.booking().final_total == Decimal("230.10")  # the bill stays


def test_nothing_is_agreed_to_at_once_unless_the_operator_says_so(app, billed):
    assert entry(ask(app, "0.01")).status == "REQUESTED"


def test_a_small_one_is_agreed_to_at_once_but_not_again_and_again(app, billed, settings):
    settings.REFUNDS = settings.REFUNDS | {"AGREED_AT_ONCE": {"INR": 100}}
    assert entry(ask(app, "60.00")).status == "APPROVED"
    again = ask(app, "60.00")
    assert [row.status for row in all_rows(again)] == ["APPROVED", "REQUESTED"]


def all_rows(told: dict) -> list[wire.RefundEntry]:
    return wire.read_refunds(wire.Order.read(told["message"]["order"]).payments, "INR")


def test_a_rejection_is_told_with_its_words(app, billed, finance):
    ask(app)
    concessions.reject(Concession.objects.get(), by=finance, why="The meter shows no drop")
    told = entry(app.the_news())
    assert (told.status, told.words) == ("REJECTED", "The meter shows no drop")


def test_asked_by_update_and_paid_by_update(app, billed, finance):
    """The fallback of fact sheet 5.4."""
    told = ask_by_update(app)
    assert told["context"]["action"] == "on_update"
    concession = Concession.objects.get()
    concessions.agree(concession, by=finance)
    app.news()
    paid = ask_by_update(app, "150.00", concession.code, "REFUNDED")
    assert entry(paid).status == "REFUNDED"
    concession.refresh_from_db()
    assert (concession.state, concession.reference) == (State.PAID, "RF-77")
    assert entry(ask_by_update(app, "150.00", concession.code, "REFUNDED")).status == "REFUNDED"
    assert concession.events.filter(now=State.PAID).count() == 1


@pytest.mark.parametrize("ref", ["rfd-unknown", ""])
def test_nobody_is_paid_what_was_not_agreed(app, billed, ref):
    assert code_of(ask_by_update(app, "10.00", ref, "REFUNDED")) in ("40001", "30000")
    assert not Concession.objects.exists()


@pytest.mark.parametrize(
    ("amount", "code"), [("230.11", "40002"), ("0", "30000"), ("-5", "30000"), ("1e3", "40002")]
)
def test_absurd_amounts_are_refused(app, billed, amount, code):
    assert code_of(ask(app, amount)) == code
    assert not Concession.objects.exists()


def test_another_currency_is_refused(app, billed):
    assert code_of(ask(app, currency="USD")) == "30000"


def test_nothing_goes_back_before_the_bill(app, placed):
    assert code_of(ask(app)) == "40001"


def test_after_the_window_it_is_too_late(app, billed, clock, settings):
    clock.shift(settings.REFUNDS["WINDOW_DAYS"] * 86_400 + 1)
    assert code_of(ask(app)) == "50000"


def test_another_app_learns_nothing_of_the_order(app, billed, charger):
    other = App(charger, "thief.example")
    told = other.ask(
        "refund", {"order_id": billed.code, "refund": {"amount": {"value": "1", "currency": "INR"}}}
    )
    assert code_of(told) == "30010"


def test_the_same_message_and_a_second_wish_while_one_waits_are_one(app, billed):
    message_id = str(uuid4())
    first = ask(app, message_id=message_id)
    app.say(
        "refund",
        {"order_id": billed.code, "refund": {"amount": {"value": "150.00", "currency": "INR"}}},
        message_id=message_id,
    )
    assert entry(ask(app, "20.00")).id == entry(first).id
    assert Concession.objects.count() == 1


def test_together_never_more_than_was_billed(app, billed, finance):
    ask(app, "200.00")
    concessions.agree(Concession.objects.get(), by=finance)
    assert code_of(ask(app, "30.11")) == "40002"
    with pytest.raises(IntegrityError), transaction.atomic():
        Booking.objects.filter(pk=billed.pk).update(conceded_total=Decimal("230.11"))


@pytest.mark.parametrize("role", [*Staff.Role, "another operator", "nobody", "administrator"])
def test_who_decides(factory, app, billed, role):
    ask(app)
    concession = Concession.objects.get()
    operator = app.plug.evse.station.operator
    if role == "administrator":
        user = factory.make_user(is_staff=True, is_superuser=True)
    elif role == "nobody":
        user = factory.make_user(is_staff=True)
    elif role == "another operator":
        user = factory.make_staff(factory.make_operator(), role=Staff.Role.FINANCE)
    else:
        user = factory.make_staff(operator, role=role)
    if role in (Staff.Role.MANAGER, Staff.Role.FINANCE, "administrator"):
        concessions.agree(concession, by=user)
        assert concession.state == State.AGREED
        return
    for act in (concessions.agree, lambda row, by: concessions.reject(row, by=by, why="no")):
        with pytest.raises(refusals.NotYours):
            act(concession, by=user)
    assert concession.state == State.REQUESTED


@pytest.mark.parametrize(
    ("failed", "delivered", "state"),
    [(True, None, State.AGREED), (True, "10.000", State.REJECTED), (False, None, State.REJECTED)],
)
def test_what_nobody_decides_the_records_decide(app, billed, clock, monkeypatch, failed, delivered, state):
    ask(app)
    Booking.objects.update(delivered_kwh=delivered)
    monkeypatch.setattr(concessions.charging_selectors, "has_failed", lambda *args: failed)
    assert concessions.move_overdue() == 0
    clock.shift(Concession.DECIDED_WITHIN + timedelta(seconds=1))
    assert (concessions.move_overdue(), concessions.move_overdue()) == (1, 0)
    assert Concession.objects.get().state == state
    Booking.objects.update(delivered_kwh="10.000")
    assert Concession.objects.get().events.last().why.startswith("not decided in time")


# --- In the admin -------------------------------------------------------------------------------------------------


LIST = "admin:bookings_concession_changelist"


def press(client, action: str, concession: Concession, **more: str):
    form = {"action": action, "_selected_action": [concession.pk], "select_across": "0"}
    return client.post(reverse(LIST), form | more, follow=True)


def test_finance_decides_in_the_admin(client, app, billed, finance):
    ask(app)
    concession = Concession.objects.get()
    client.force_login(finance)
    assert concession.code in client.get(reverse(LIST)).content.decode()
    assert b"says why" in press(client, "reject", concession).content
    for nonsense in ("forty", "-1", "0"):
        press(client, "agree", concession, amount=nonsense)
    concession.refresh_from_db()
    assert concession.state == State.REQUESTED
    press(client, "agree", concession, amount="40.00")
    concession.refresh_from_db()
    assert (concession.state, concession.amount, concession.decided_by) == (State.AGREED, 40, finance)


def test_people_of_another_operator_see_and_decide_nothing(client, factory, app, billed):
    ask(app)
    concession = Concession.objects.get()
    client.force_login(factory.make_staff(factory.make_operator(), role=Staff.Role.FINANCE))
    assert client.get(reverse(LIST)).context["cl"].result_count == 0
    press(client, "agree", concession)
    concession.refresh_from_db()
    assert concession.state == State.REQUESTED


def test_viewers_read(client, factory, app, billed):
    ask(app)
    client.force_login(factory.make_staff(app.plug.evse.station.operator, role=Staff.Role.VIEWER))
    page = client.get(reverse(LIST))
    assert page.context["cl"].result_count == 1
    press(client, "agree", Concession.objects.get())
    assert Concession.objects.get().state == State.REQUESTED


@pytest.mark.django_db(transaction=True)
def test_twenty_hands_at_once_give_up_at_most_the_bill(app, billed):
    """Only one request may wait per booking, so the race is run over the amount itself."""
    takes = [lambda: concessions.take_from_bill(billed.pk, Decimal(30))] * 20
    outcomes = at_once(*takes)
    assert sum(isinstance(outcome, refusals.TooMuchBack) for outcome in outcomes) == 13
    assert Booking.objects.get(pk=billed.pk).conceded_total == 210
