import json
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.models import Connector, Evse
from apps.ocpp.admission import password_matches
from apps.ocpp.models import ChargePoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "charge-points.json"


@pytest.fixture
def attach(file):
    def attached(**options) -> dict[str, dict]:
        call_command("attach_chargers", file=file, verbosity=0, **options)
        return {spec["id"]: spec for spec in json.loads(file.read_text())}

    return attached


def test_evses_with_an_identity_are_registered_and_written(factory, attach, file):
    evse = factory.make_evse(charge_point_id="box-1")
    factory.make_connector(evse), factory.make_connector(evse, power_type="AC_3_PHASE", max_kw=22)
    factory.make_connector()  # has no identity and was not asked for
    specs = attach()
    assert specs["box-1"]["connectors"] == [
        {"id": 1, "max_kw": "60.0", "power_type": "DC"},
        {"id": 2, "max_kw": "22.0", "power_type": "AC"},
    ]
    assert list(specs) == ["box-1"]
    box = ChargePoint.objects.get()
    assert (box.pk, box.state) == ("box-1", ChargePoint.State.APPROVED)
    assert password_matches(specs["box-1"]["password"], box.password_hash)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_where_standing_costs_something_cars_stay_so_long_that_it_can_be_seen(factory, attach, file):
    parts = [{"type": "ENERGY", "price": 10}, {"type": "PARKING_TIME", "price": 120}]
    dear = factory.make_tariff(elements=[{"price_components": parts}])
    factory.make_connector(factory.make_evse(charge_point_id="box-1"), tariff=dear)
    factory.make_priced_connector(factory.make_evse(charge_point_id="box-2"))
    specs = attach()
    assert specs["box-1"]["leave_after"] == [300, 420]
    assert "leave_after" not in specs["box-2"]
    file.write_text(file.read_text().replace("420", "9000"))
    assert attach()["box-1"]["leave_after"] == [300, 9000]  # as somebody wrote it


def test_doing_it_twice_changes_nothing(factory, attach, file):
    factory.make_connector(factory.make_evse(charge_point_id="box-1"))
    attach()
    before, hashed = file.read_bytes(), ChargePoint.objects.get().password_hash
    attach()
    assert (file.read_bytes(), ChargePoint.objects.get().password_hash) == (before, hashed)


def test_a_lost_file_gives_new_passwords(factory, attach, file):
    factory.make_connector(factory.make_evse(charge_point_id="box-1"))
    old = attach()["box-1"]["password"]
    file.unlink()
    new = attach()["box-1"]["password"]
    assert new != old
    assert password_matches(new, ChargePoint.objects.get().password_hash)


def test_a_lost_database_is_registered_again_with_the_passwords_of_the_file(factory, attach):
    factory.make_connector(factory.make_evse(charge_point_id="box-1"))
    password = attach()["box-1"]["password"]
    ChargePoint.objects.all().delete()
    assert attach()["box-1"]["password"] == password
    assert password_matches(password, ChargePoint.objects.get().password_hash)


def test_the_evses_of_a_station_get_identities(factory, attach):
    plug, other = factory.make_connector(), factory.make_connector()
    specs = attach(station=[plug.evse.station.code])
    assert list(specs) == [plug.evse.code]
    plug.evse.refresh_from_db(), other.evse.refresh_from_db()
    assert (plug.evse.charge_point_id, other.evse.charge_point_id) == (plug.evse.code, "")
    assert set(attach(operator=other.evse.station.operator.code)) == {plug.evse.code, other.evse.code}


def test_a_long_code_gets_an_identity_that_fits(factory, attach):
    evse = factory.make_evse(code="x" * 80)
    factory.make_connector(evse)
    attach(all=True)
    assert len(Evse.objects.get().charge_point_id) == 48


def test_what_is_broken_by_hand_is_broken_in_the_simulator_for_good(factory, attach):
    Status = Connector.Status
    for number, source in enumerate(("demo", "ocpp"), start=1):
        evse = factory.make_evse(charge_point_id=f"box-{number}")
        factory.make_connector(evse, status=Status.FAULTED, status_source=source)
    assert ["fault" in spec for spec in attach().values()] == [True, False]
    Connector.objects.update(status=Status.FAULTED, status_source="ocpp")
    assert ["fault" in spec for spec in attach().values()] == [True, False]


def test_a_box_of_2_0_1_knows_where_its_plugs_are(factory, attach):
    evse = factory.make_evse(charge_point_id="box-1")
    factory.make_connector(evse), factory.make_connector(evse)
    spec = attach(protocol="2.0.1")["box-1"]
    assert spec["protocol"] == "2.0.1"
    assert [(plug["evse"], plug["place"]) for plug in spec["connectors"]] == [(1, 1), (1, 2)]
    assert ChargePoint.objects.get().plugs_per_evse == [2]
    assert attach(protocol="1.6")["box-1"] == spec  # a box keeps what it speaks


def test_plugs_with_numbers_of_their_own_have_evses_of_their_own(factory, attach):
    evse = factory.make_evse(charge_point_id="box-1")
    factory.make_connector(evse, ocpp_connector_id=3)
    (plug,) = attach(protocol="2.0.1")["box-1"]["connectors"]
    assert (plug["evse"], plug["place"]) == (3, 1)
    assert ChargePoint.objects.get().plugs_per_evse == []


def test_a_mixed_network_speaks_both(factory, attach):
    for number in range(24):
        factory.make_connector(factory.make_evse(charge_point_id=f"box-{number}"))
    spoken = [spec["protocol"] for spec in attach(protocol="mixed").values()]
    assert 1 < spoken.count("2.0.1") < 12


def test_an_unknown_station_is_an_error(attach):
    with pytest.raises(CommandError, match="check the code"):
        attach(station=["nowhere"])


def test_a_damaged_file_is_not_overwritten(attach, file):
    file.write_text("[{")
    with pytest.raises(CommandError, match="damaged"):
        attach()
    assert file.read_text() == "[{"
