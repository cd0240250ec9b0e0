from decimal import Decimal

import pytest

from apps.bookings.models import Booking
from apps.catalog.models import Connector, Station
from apps.catalog.services import publish_tariff
from apps.lib.clock import utc_text
from tests.bookings.doubles import App, code_of, lines, total
from tests.charging.doubles import make_charger, minutes
from tests.factory import NOON

State = Booking.State
TWENTY = {"selected": {"measure": {"value": "20", "unit": "kWh"}}}


def test_a_quote_names_its_lines_and_its_time(app):
    answer = app.select()
    booking = app.booking()
    order = answer["message"]["order"]
    assert answer["context"]["action"] == "on_select"
    assert lines(answer) == {"energy-cost": "370.00", "service-charge": "10.00", "gst": "68.40"}
    assert (total(answer), order["quote"]["ttl"], "id" in order) == ("448.40", "PT15M", False)
    assert order["items"][0]["price"] == {"value": "18.50", "currency": "INR/kWH"}
    assert (booking.state, booking.deadline_at) == (State.QUOTED, NOON + minutes(15))


def test_a_quote_holds_nothing(app, charger):
    app.select()
    assert "message" in App(charger, "other.example").select()


def test_a_quote_asked_again_replaces_the_first(app):
    first = app.select()
    second = app.select("10")
    assert Booking.objects.count() == 1
    assert (total(first), total(second)) == ("448.40", "230.10")
    assert app.booking().ordered_kwh == 10


def test_asking_again_gives_up_the_hold(app):
    app.select()
    app.init()
    app.select("10")
    assert (app.booking().state, app.booking().hold_expires_at) == (State.QUOTED, None)


def test_an_expired_quote_can_be_asked_for_again(app, clock):
    app.select()
    Booking.objects.get().events.create(was="QUOTED", now="EXPIRED", why="test")
    Booking.objects.update(**{"state": State.EXPIRED})
    assert "message" in app.select()
    assert app.booking().state == State.QUOTED


@pytest.mark.parametrize(
    ("kwh", "unit"),
    [
        ("0", "kWh"),
        ("-5", "kWh"),
        ("0.0004", "kWh"),
        ("201", "kWh"),
        ("1e12", "kWh"),
        ("NaN", "kWh"),
        ("Infinity", "kWh"),
        ("viele", "kWh"),
        ("400", "USD"),
        ("0", "INR"),
        ("-400", "INR"),
        ("NaN", "INR"),
        ("1e9", "INR"),
        ("400.0001", "INR"),
        ("5", "INR"),  # not even the fee
        ("0", "MINUTES"),
        ("0.5", "MINUTES"),
        ("-45", "MINUTES"),
        ("1441", "MINUTES"),
        ("20", "bananas"),
        ("20", ""),
    ],
)
def test_an_amount_that_cannot_be_sold_is_refused(app, kwh, unit):
    assert code_of(app.ask("select", app.order(kwh, unit))) == "40002"
    assert not Booking.objects.exists()


@pytest.mark.parametrize(("kwh", "unit"), [("20", "KWH"), (20, "kWh"), ("20000", "Wh"), ("20 kWh", "")])
def test_energy_is_read_in_many_spellings(app, kwh, unit):
    assert total(app.ask("select", app.order(kwh, unit))) == "448.40"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"provider": {"id": "nobody"}}, "30001"),
        ({"provider": {}}, "30001"),
        (
            {
                "items": [
                    {"id": "nothing", "quantity": {"selected": {"measure": {"value": "20", "unit": "kWh"}}}}
                ]
            },
            "30004",
        ),
        ({"items": []}, "30004"),
        ({"fulfillments": [{"id": "elsewhere"}]}, "30008"),
        ({"fulfillments": [{"id": "a"}, {"id": "b"}]}, "30000"),
    ],
)
def test_an_order_for_something_else_is_refused(app, change, code):
    assert code_of(app.ask("select", app.order(**change))) == code


def test_a_connector_of_another_operator_is_not_found(app, factory):
    stranger = factory.make_operator()
    assert code_of(app.ask("select", app.order(provider={"id": stranger.code}))) == "30004"


@pytest.mark.parametrize(
    "status",
    [
        "Charging",
        "SuspendedEV",
        "SuspendedEVSE",
        "Finishing",
        "Reserved",
        "Unavailable",
        "Faulted",
        "Unknown",
    ],
)
def test_a_connector_that_is_not_free_is_refused(app, status):
    Connector.objects.update(status=status)
    assert code_of(app.select()) == "30008"


def test_a_car_that_is_plugged_in_may_order(app, charger):
    charger.status("Preparing")
    assert "message" in app.select()


def test_a_connector_not_heard_of_for_long_is_refused(app, clock):
    """Law 8."""
    clock.shift(16 * 60)
    assert code_of(app.select()) == "30008"


def test_a_plug_whose_sibling_charges_is_refused(factory):
    charger = make_charger(factory, "CP-2", plugs=2)
    app = App(charger)
    charger.status("Charging", connector=2)
    assert code_of(app.select()) == "30008"


def test_an_evse_with_a_session_is_refused(app, charger):
    charger.begin("RFID-1")
    assert code_of(app.select()) == "30008"


def test_a_closed_station_is_refused(app):
    Station.objects.update(closed_reason="Flooded")
    assert code_of(app.select()) == "30008"


def test_a_station_outside_its_hours_is_refused(app):
    Station.objects.update(hours=[{"days": [0, 1, 2, 3, 4, 5, 6], "opens": "20:00", "closes": "21:00"}])
    assert code_of(app.select()) == "30008"


@pytest.mark.parametrize("change", [{"is_published": False}, {"access": Station.Access.PRIVATE}])
def test_what_is_not_on_the_network_is_not_found(app, change):
    Station.objects.update(**change)
    assert code_of(app.select()) == "30004"


def test_a_connector_without_a_price_is_refused(app):
    Connector.objects.update(tariff=None)
    assert code_of(app.select()) == "40003"


def test_a_reserved_time_is_refused(app):
    later = {"type": "start", "time": {"timestamp": utc_text(NOON + minutes(60))}}
    assert code_of(app.select(fulfillments=[{"id": app.plug.evse.code, "stops": [later]}])) == "40000"


def test_a_new_tariff_changes_nothing_for_a_quote(app):
    """AT-F2."""
    app.select()
    operator, tariff = app.plug.evse.station.operator, app.plug.tariff
    publish_tariff(operator=operator, code=tariff.code, name="Dearer", energy_rate=Decimal(99))
    assert total(app.init()) == "448.40"
