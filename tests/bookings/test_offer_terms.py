import pytest

from apps.bookings import services
from apps.bookings.models import Booking
from tests.bookings.doubles import MEERA, App, code_of, total
from tests.charging.doubles import minutes
from tests.factory import NOON

State = Booking.State


def test_terms_say_who_collects_and_what_leaving_costs(app):
    app.select()
    order = app.init()["message"]["order"]
    (payment,) = order["payments"]
    assert (payment["collected_by"], payment["type"], payment["status"]) == ("BAP", "PRE-ORDER", "NOT-PAID")
    assert payment["params"] == {"amount": "448.40", "currency": "INR"}
    assert order["cancellation_terms"][0]["cancellation_fee"] == {"percentage": "10.00"}
    assert order["refund_terms"][0]["refund_amount"]["value"] == "403.56"
    assert order["billing"] == MEERA
    assert order["quote"]["ttl"] == "PT15M"


def test_terms_hold_the_charging_point(app, charger):
    app.select()
    app.init()
    booking = app.booking()
    assert (booking.state, booking.hold_expires_at) == (State.HELD, NOON + minutes(15))
    assert code_of(App(charger, "other.example").select()) == "30008"


def test_whoever_comes_second_is_refused_by_the_database(app, charger):
    """Law 7."""
    other = App(charger, "other.example")
    app.select()
    other.select()
    app.init()
    assert code_of(other.init()) == "30008"
    assert other.booking().state == State.QUOTED


def test_terms_asked_again_keep_the_hold_as_it_is(app, clock):
    app.select()
    app.init()
    clock.shift(60)
    again = app.init(billing={**MEERA, "name": "M. Kulkarni"})
    booking = app.booking()
    assert booking.hold_expires_at == NOON + minutes(15)
    assert booking.billing_name == "M. Kulkarni"
    assert again["message"]["order"]["quote"]["ttl"] == "PT14M"


def test_terms_without_a_quote_are_quoted_first(app):
    assert total(app.init()) == "448.40"
    assert app.booking().state == State.HELD


def test_terms_for_another_amount_carry_a_new_quote(app):
    app.select()
    assert total(app.init("10")) == "230.10"


def test_an_expired_quote_is_priced_anew(app, clock, charger):
    app.select()
    first = app.booking().quote_id
    clock.shift(16 * 60)
    charger.status("Available")
    app.init()
    assert app.booking().quote_id != first


@pytest.mark.parametrize(
    "billing",
    [
        None,
        {},
        {"name": "Meera"},
        {"phone": "+919810000001"},
        {"name": "M", "email": "m@x.example"},
        {"name": "  ", "phone": "+919810000001"},
    ],
)
def test_billing_is_needed(app, billing):
    app.select()
    assert (
        code_of(app.ask("init", app.order(**({"billing": billing} if billing is not None else {}))))
        == "30000"
    )
    assert app.booking().state == State.QUOTED


def test_a_hold_that_ran_out_frees_the_charging_point(app, charger, clock):
    app.init()
    clock.shift(15 * 60 + 1)
    charger.status("Available")
    other = App(charger, "other.example")
    other.select()
    assert "message" in other.init()
    assert app.booking().state == State.EXPIRED


def test_the_watch_ends_quotes_and_holds_in_time(app, charger, clock):
    app.init()
    App(charger, "other.example")
    assert services.move_overdue() == 0
    clock.shift(15 * 60)
    assert services.move_overdue() == 1
    assert services.move_overdue() == 0
    booking = app.booking()
    assert (booking.state, booking.deadline_at) == (State.EXPIRED, None)
    assert booking.events.last().why == "the hold expired, the charging point is free"


def test_a_card_cannot_take_a_charging_point_that_is_held(app, charger):
    app.init()
    assert not charger.begin("RFID-1").accepted
    assert charger.asked("remote_stop").count() == 1


def test_an_email_address_is_not_needed(app):
    billing = {key: MEERA[key] for key in ("name", "phone")}
    assert app.init(billing=billing)["message"]["order"]["billing"] == billing


def test_the_customer_of_the_fulfillment_fills_the_billing(app):
    customer = {"person": {"name": "Meera Kulkarni"}, "contact": {"phone": MEERA["phone"]}}
    fulfillments = [{"id": app.plug.evse.code, "customer": customer}]
    order = app.init(billing={"email": MEERA["email"]}, fulfillments=fulfillments)["message"]["order"]
    assert order["billing"] == MEERA
