"""What keeping a time costs where the tariff says so (OCPI RESERVATION, RESERVATION_EXPIRES), quote to receipt."""

from decimal import Decimal

import pytest

from apps.bookings import services
from apps.bookings.models import Booking
from apps.catalog.models import SlotPolicy
from tests.bookings.doubles import App, lines, state_of, total
from tests.bookings.test_reserved_times import FIVE, KEPT_FOR, at
from tests.bookings.test_running import sell_by
from tests.charging.doubles import minutes, plug_of

CHARGE = {"price_components": [{"type": "ENERGY", "price": "10"}]}
KEEPING = {
    "price_components": [{"type": "FLAT", "price": "20"}, {"type": "TIME", "price": "60"}],
    "restrictions": {"reservation": "RESERVATION"},
}
NOBODY = {
    "price_components": [{"type": "FLAT", "price": "40"}],
    "restrictions": {"reservation": "RESERVATION_EXPIRES"},
}
GRACE = 15


@pytest.fixture(autouse=True)
def tariff(charger):
    sell_by(charger, CHARGE, KEEPING, NOBODY, tax_percent=0)
    operator = plug_of(charger).evse.station.operator
    SlotPolicy.objects.create(
        operator=operator, grace_minutes=GRACE, late_fee_percent=5, no_show_fee_percent=10
    )


def place(app: App) -> Booking:
    time = at(app, FIVE, FIVE + minutes(KEPT_FOR))
    amount = total(app.select(**time))
    app.init(**time)
    assert "message" in app.confirm(amount=amount, **time)
    return app.booking()


def charge(app: App, charger, clock, *, late_by: int) -> dict:
    begins = FIVE + minutes(late_by)
    clock.move_to(begins)
    app.update("start-charging")
    number = charger.begin(app.booking().start_token, at=begins).transaction_id
    clock.move_to(begins + minutes(20))
    charger.end(number, wh=1000 + 10_000, at=begins + minutes(20), reason="EVDisconnected")
    return app.news()[-1]


def test_the_quote_names_it_with_the_grace_as_the_most(app):
    told = app.select(**at(app, FIVE, FIVE + minutes(KEPT_FOR)))
    parts = told["message"]["order"]["quote"]["breakup"]
    assert [(part["title"], part["price"]["value"]) for part in parts] == [
        ("energy-cost", "200.00"),
        ("reservation-fee", "15.00"),
        ("reservation-fee", "20.00"),
    ]
    assert total(told) == "235.00"


def test_a_charge_that_begins_now_pays_none(app):
    assert lines(app.select()) == {"energy-cost": "200.00"}


def test_who_comes_in_time_pays_the_fee_and_no_minutes(app, charger, clock):
    place(app)
    told = charge(app, charger, clock, late_by=0)
    assert lines(told) == {"energy-cost": "100.00", "reservation-fee": "20.00"}


def test_who_comes_early_pays_no_minutes_either(app, charger, clock):
    place(app)
    assert total(charge(app, charger, clock, late_by=-8)) == "120.00"


def test_who_comes_later_pays_the_minutes_the_plug_was_kept(app, charger, clock):
    place(app)
    assert total(charge(app, charger, clock, late_by=7)) == "127.00"


def test_nobody_came_by_the_tariff_where_that_is_more_than_the_share(app, clock):
    """15 minutes, the fee, and what not coming costs; a tenth of the quote would be 23.50."""
    place(app)
    clock.move_to(FIVE + minutes(GRACE) + minutes(1))
    services.move_overdue()
    told = app.news()[-1]
    assert (app.booking().state, total(told)) == ("NO_SHOW", "75.00")
    assert set(lines(told)) == {"reservation-fee"}


def test_leaving_in_time_is_free_and_leaving_late_costs_the_fee(app, clock):
    place(app)
    preview = app.about("cancel", cancellation_reason_id="2", descriptor={"code": "SOFT_CANCEL"})
    assert total(preview) == "0.00"
    clock.move_to(FIVE + minutes(4))
    told = app.about("cancel", cancellation_reason_id="2")
    assert (state_of(told)[0], total(told)) == ("CANCELLED", "24.00")


def test_the_terms_say_before_anything_is_paid_what_each_stage_costs_at_most(app):
    time = at(app, FIVE, FIVE + minutes(KEPT_FOR))
    app.select(**time)
    terms = app.init(**time)["message"]["order"]["cancellation_terms"]
    fees = [term["cancellation_fee"] for term in terms]
    assert fees == [
        {"percentage": "0"},
        {"amount": {"currency": "INR", "value": "35.00"}},
        {"amount": {"currency": "INR", "value": "75.00"}},
    ]


def test_what_is_our_fault_costs_nothing(app, charger, clock):
    place(app)
    clock.move_to(FIVE + minutes(1))
    charger.status("Faulted")
    clock.move_to(FIVE + minutes(GRACE) + minutes(1))
    services.move_overdue()
    assert (app.booking().state, app.booking().final_total) == ("FAILED", Decimal(0))
