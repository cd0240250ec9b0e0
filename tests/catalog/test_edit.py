from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from apps.catalog import services
from apps.catalog.models import PublishedTariffNeverChanges, Staff, Tariff
from apps.catalog.selectors import (
    connector_on_the_network,
    connectors_for,
    may_edit,
    operator_for,
    stations_for,
    tariffs_for,
)


def publish(operator, **terms) -> Tariff:
    facts = {"code": "day", "name": "Day", "energy_rate": Decimal("18.5"), **terms}
    return services.publish_tariff(operator=operator, **facts)


def test_publishing_the_same_terms_twice_makes_one_version(factory):
    operator = factory.make_operator()
    assert publish(operator) == publish(operator)
    assert Tariff.objects.count() == 1


def test_other_terms_are_a_new_version_and_plugs_get_it(factory):
    operator = factory.make_operator()
    old = publish(operator)
    plug = factory.make_connector(factory.make_evse(factory.make_station(operator)), tariff=old)
    elsewhere = factory.make_connector(tariff=factory.make_tariff(code="day"))
    new = publish(operator, energy_rate=Decimal(20))
    plug.refresh_from_db(), elsewhere.refresh_from_db(), old.refresh_from_db()
    assert (new.version, plug.tariff, old.energy_rate) == (2, new, Decimal("18.5"))
    assert elsewhere.tariff != new


def test_a_published_tariff_refuses_to_be_saved(factory):
    tariff = factory.make_tariff()
    tariff.energy_rate = Decimal(1)
    with pytest.raises(PublishedTariffNeverChanges):
        tariff.save(update_fields=["energy_rate"])


def test_the_database_refuses_as_well(factory):
    tariff = factory.make_tariff()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Tariff.objects.filter(pk=tariff.pk).update(energy_rate=1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_tariff SET energy_rate = 1")


@pytest.mark.parametrize(
    "terms",
    [
        {"energy_rate": Decimal(-1)},
        {"tax_percent": Decimal(-1)},
        {"energy_rate": Decimal("NaN")},
        {"code": "no spaces"},
        {"energy_rate": Decimal("1.23456")},
        {"session_fee": Decimal("1e12")},
    ],
)
def test_absurd_terms_are_refused(factory, terms):
    with pytest.raises(ValidationError):
        publish(factory.make_operator(), **terms)


def test_the_tariff_takes_the_currency_of_its_operator(factory):
    assert publish(factory.make_operator(currency="USD")).currency == "USD"


def test_a_new_plug_gets_the_next_letter_and_number(factory):
    evse = services.create_evse(station=factory.make_station(code="hub"), label="DC 1")
    plugs = [
        services.create_connector(evse=evse, standard="CHADEMO", power_type="DC", max_kw=Decimal(50))
        for _number in range(2)
    ]
    assert [(p.code, p.letter, p.ocpp_connector_id) for p in plugs] == [
        ("hub-dc-1-a", "A", 1),
        ("hub-dc-1-b", "B", 2),
    ]


def test_letters_go_on_through_the_whole_station(factory):
    station = factory.make_station()
    letters = []
    for label in ("1", "2"):
        evse = services.create_evse(station=station, label=label)
        for _number in range(2):
            plug = services.create_connector(
                evse=evse, standard="CHADEMO", power_type="DC", max_kw=Decimal(50)
            )
            letters.append((plug.letter, plug.ocpp_connector_id))
    assert letters == [("A", 1), ("B", 2), ("C", 1), ("D", 2)]


def test_two_plugs_of_a_station_do_not_have_the_same_letter(factory):
    station = factory.make_station()
    first, second = (factory.make_connector(factory.make_evse(station)) for _plug in range(2))
    services.update_connector(connector=second, letter="C")
    with pytest.raises(ValidationError, match="has this letter"):
        services.update_connector(connector=second, letter=first.letter)
    services.update_connector(connector=factory.make_connector(), letter="A")  # of another station


def test_a_letter_that_is_free_is_the_next():
    letters = services.free_letters(["A", "C"])
    assert [next(letters) for _letter in range(3)] == ["B", "D", "E"]


@pytest.mark.parametrize(
    ("position", "letter"),
    [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (52, "BA"), (701, "ZZ"), (702, "AAA")],
)
def test_letters_go_on_after_z(position, letter):
    assert services.letter_of(position) == letter


def test_two_evses_cannot_be_one_connector_of_a_box(factory):
    taken = factory.make_connector(factory.make_evse(charge_point_id="box"))
    other = factory.make_connector()
    with pytest.raises(services.PlacedElsewhere):
        services.set_charge_point(evse=other.evse, charge_point_id="box")
    other.evse.refresh_from_db()
    assert other.evse.charge_point_id == ""
    assert taken.evse.charge_point_id == "box"


def test_two_evses_may_share_a_box_with_other_numbers(factory):
    factory.make_connector(factory.make_evse(charge_point_id="box"))
    other = factory.make_connector(ocpp_connector_id=2)
    services.set_charge_point(evse=other.evse, charge_point_id="box")
    assert other.evse.charge_point_id == "box"


@pytest.mark.parametrize(
    "facts",
    [
        {"lat": Decimal(91)},
        {"lon": Decimal("-180.1")},
        {"zone": "Nowhere"},
        {"name": ""},
        {"hours": "always"},
    ],
)
def test_impossible_stations_are_refused(factory, facts):
    wanted = {"name": "Hub", "lat": Decimal(12), "lon": Decimal(77), **facts}
    with pytest.raises(ValidationError):
        services.create_station(operator=factory.make_operator(), **wanted)


def test_changes_are_checked_and_kept_in_the_history(factory):
    station = factory.make_station()
    services.update_station(station=station, closed_reason="Repaving")
    assert [row.closed_reason for row in station.history.all()] == ["Repaving", ""]
    with pytest.raises(ValidationError):
        services.update_station(station=station, zone="Nowhere")


# --- Who sees what (law 11) -----------------------------------------------------------------------------


def test_staff_reach_the_rows_of_their_operator_only(factory):
    ours, theirs = factory.make_connector(tariff=factory.make_tariff()), factory.make_connector()
    user = factory.make_staff(ours.evse.station.operator)
    assert operator_for(user) == ours.evse.station.operator
    assert list(stations_for(user)) == [ours.evse.station]
    assert list(connectors_for(user)) == [ours]
    assert theirs.evse.station not in stations_for(user)
    assert list(tariffs_for(user)) == []  # this tariff is another operator's


def test_people_without_a_job_reach_nothing(factory):
    factory.make_connector()
    gone = factory.make_staff(factory.make_operator(), is_active=False)
    for user in (AnonymousUser(), factory.make_user(), gone):
        assert operator_for(user) is None
        assert not stations_for(user) and not connectors_for(user) and not may_edit(user)


@pytest.mark.parametrize(("role", "may"), [("VIEWER", False), ("FINANCE", False), ("MANAGER", True)])
def test_only_managers_edit(factory, role, may):
    assert may_edit(factory.make_staff(factory.make_operator(), role)) is may


def test_a_person_has_one_job_and_can_be_moved(factory):
    user, first, second = factory.make_user(), factory.make_operator(), factory.make_operator()
    services.assign_staff(user=user, operator=first, role=Staff.Role.VIEWER)
    services.assign_staff(user=user, operator=second, role=Staff.Role.MANAGER)
    assert (operator_for(user), Staff.objects.count()) == (second, 1)
    services.dismiss_staff(staff=Staff.objects.get())
    assert operator_for(user) is None


def test_an_order_names_a_plug_by_operator_and_code(factory):
    plug = factory.make_connector()
    code = plug.evse.station.operator.code
    assert connector_on_the_network(provider_id=code, item_id=plug.code) == plug
    assert connector_on_the_network(provider_id="other", item_id=plug.code) is None
    plug.is_published = False
    plug.save(update_fields=["is_published"])
    assert connector_on_the_network(provider_id=code, item_id=plug.code) is None
