import pytest

from apps.bookings.models import Booking
from tests.bookings.doubles import App, code_of, state_of
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Booking.State


@pytest.fixture
def held(app) -> Booking:
    app.select()
    app.init()
    return app.booking()


def test_a_confirmed_order_has_an_id_and_a_state(app, held):
    answer = app.confirm()
    order = answer["message"]["order"]
    assert order["id"] == held.code
    assert state_of(answer) == ("ACTIVE", "payment-completed")
    assert order["payments"][0]["params"]["transaction_id"] == "sb-77"
    assert order["fulfillments"][0]["stops"][0]["instructions"]["short_desc"]
    booking = app.booking()
    assert (booking.state, booking.deadline_at) == (State.CONFIRMED, NOON + minutes(30))


def test_a_repeated_confirm_returns_the_same_order(app, held, clock):
    first = app.confirm()["message"]
    clock.shift(60)
    assert app.confirm()["message"] == first
    assert app.confirm("10", "1.00")["message"] == first
    app.update("start-charging")
    app.charger.begin(held.start_token)
    assert app.confirm()["message"] == first
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"collected_by": "BPP"},
        {"collected_by": None},
        {"status": "NOT-PAID"},
        {"params": {"amount": "448.39", "currency": "INR"}},
        {"params": {"amount": "448.41", "currency": "INR"}},
        {"params": {"amount": "448.40", "currency": "USD"}},
        {"params": {"amount": "many", "currency": "INR"}},
        {"params": {"amount": "-448.40", "currency": "INR"}},
        {"params": {}},
    ],
)
def test_a_payment_that_does_not_fit_is_refused(app, held, change):
    (payment,) = app.payment("448.40")
    told = {key: value for key, value in {**payment, **change}.items() if value is not None}
    assert code_of(app.confirm(payments=[told])) == "40004"
    assert app.booking().state == State.HELD


@pytest.mark.parametrize("count", [0, 2])
def test_an_order_is_paid_in_one_payment(app, held, count):
    assert code_of(app.confirm(payments=app.payment("448.40") * count)) == "40004"


def test_an_expired_quote_is_refused(app, held, clock):
    clock.shift(15 * 60)
    assert code_of(app.confirm()) == "40003"


def test_confirm_before_init_is_refused(app):
    app.select()
    assert code_of(app.confirm()) == "40001"


def test_confirm_of_nothing_is_refused(app):
    assert code_of(app.confirm()) == "40003"


def test_confirm_of_something_else_is_refused(app, held):
    assert code_of(app.confirm("10")) == "30000"


def test_confirm_at_a_charger_that_broke_meanwhile_is_refused(app, held):
    app.charger.status("Faulted")
    assert code_of(app.confirm()) == "30008"


def test_the_transaction_of_another_app_is_not_found(app, held, charger):
    thief = App(charger, "thief.example")
    thief.transaction_id = app.transaction_id
    assert code_of(thief.confirm()) == "40003"


def test_a_placed_order_cannot_be_quoted_again(app, placed):
    assert code_of(app.select()) == "40001"
    assert code_of(app.init()) == "40001"
    assert app.booking().state == State.CONFIRMED


def test_only_the_app_that_placed_it_can_rate_an_order(app, held, factory):
    rating = {"ratings": [{"id": held.code, "rating_category": "Order", "value": "4"}]}
    assert code_of(app.ask("rating", rating)) == "30010"
    app.confirm()
    assert "error" not in app.ask("rating", rating)
    thief = App(app.charger, "app.langfinger.example")
    thief.transaction_id = app.transaction_id
    assert code_of(thief.ask("rating", rating)) == "30010"
