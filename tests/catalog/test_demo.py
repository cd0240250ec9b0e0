from collections import Counter
from decimal import Decimal

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.catalog.demo import make_demo_network
from apps.catalog.models import Connector, Evse, Operator, Staff, Station
from apps.catalog.selectors import has_stations, may_edit, operator_for
from apps.pricing import most_for_parking

pytestmark = pytest.mark.django_db


def test_the_demo_is_a_network_worth_looking_at():
    assert not has_stations()
    make_demo_network()
    assert has_stations()
    assert Operator.objects.count() >= 3
    assert Station.objects.count() >= 60
    assert Station.objects.exclude(closed_reason="").count() >= 2
    assert Connector.objects.filter(status=Connector.Status.FAULTED).count() >= 3
    assert set(Connector.objects.values_list("power_type", flat=True)) == set(Connector.PowerType.values)
    assert not Connector.objects.filter(tariff=None).exists()
    per_station = Counter(Station.objects.values_list("pk", "evses__pk").values_list("pk", flat=True))
    assert {2, 3, 4} == set(per_station.values())
    assert any(
        evse.connectors.count() == 2 for station in Station.objects.all() for evse in station.evses.all()
    )


def test_every_demo_station_is_sound_and_near_its_city():
    make_demo_network()
    for rows in (Evse, Connector):
        for row in rows.objects.all():
            row.full_clean()
    for station in Station.objects.all():
        letters = Connector.objects.filter(evse__station=station).values_list("letter", flat=True)
        assert sorted(letters) == [*"ABCDEFGH"[: len(letters)]]
        station.full_clean()
        assert 12.2 < station.lat < 13.3 and 76.5 < station.lon < 77.8
        assert station.hours


def test_making_the_demo_twice_changes_nothing_and_making_it_anew_gives_the_same():
    make_demo_network()
    rows = list(Connector.objects.values_list("code", "evse__charge_point_id", "tariff__code"))
    assert make_demo_network().stations == 0
    assert list(Connector.objects.values_list("code", "evse__charge_point_id", "tariff__code")) == rows
    Station.objects.all().delete()
    make_demo_network()
    assert list(Connector.objects.values_list("code", "evse__charge_point_id", "tariff__code")) == rows


def test_at_one_demo_station_standing_on_costs_something_after_free_minutes_and_up_to_a_cap():
    make_demo_network()
    plugs = Connector.objects.select_related("tariff", "evse__station")
    dear = [plug for plug in plugs if plug.tariff.rules("Asia/Kolkata").prices_parking]
    assert {plug.evse.station.source_id for plug in dear} == {"ulsoor-lake"}
    rules = dear[0].tariff.rules("Asia/Kolkata")
    assert (rules.parking_grace, rules.parking_cap, most_for_parking(rules)) == (120, 120, Decimal("141.60"))
    for tariff in {plug.tariff for plug in plugs}:
        tariff.full_clean()


def test_a_station_that_somebody_changed_is_left_alone():
    make_demo_network()
    Station.objects.filter(source_id="bidadi").update(name="Ours now")
    make_demo_network()
    assert Station.objects.get(source_id="bidadi").name == "Ours now"


def test_outside_demo_mode_there_are_no_demo_people(settings):
    settings.DEMO = False
    call_command("demo_network", verbosity=0)
    assert not User.objects.exists() and not Staff.objects.exists()


def test_in_demo_mode_the_operators_people_have_their_jobs(settings, capsys):
    settings.DEMO = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # eight slow ones otherwise
    call_command("demo_network")
    call_command("demo_network")
    assert "Made 4 operators, 76 stations" in (told := capsys.readouterr().out) and "nothing to do" in told
    manager = User.objects.get(email="operator-manager@demo.example")
    assert operator_for(manager) == Operator.objects.get(code="namma-volt")
    assert may_edit(manager)
    assert Staff.objects.count() == 3
