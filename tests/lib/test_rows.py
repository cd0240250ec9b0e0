"""A statement that is compiled once finds what Django's own would find."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Value

from apps.catalog.models import Connector, Station
from apps.lib import clock
from apps.lib.rows import Lookup

pytestmark = pytest.mark.django_db
BY_CODE = Lookup(lambda: Connector.objects.all(), "code")


def fields_of(row) -> dict:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_every_field_comes_as_django_brings_it(factory):
    seen_at = clock.now() - timedelta(minutes=3)
    plug = factory.make_priced_connector(seen_at=seen_at, max_kw=Decimal("7.4"), vehicle_types=["BUS"])
    found = BY_CODE.find(plug.code)
    assert fields_of(found) == fields_of(Connector.objects.get(pk=plug.pk))
    assert (found.max_kw, found.vehicle_types, found.last_seen_at) == (Decimal("7.4"), ["BUS"], seen_at)
    found.letter = "Z"
    found.save(update_fields=["letter"])
    assert Connector.objects.get(pk=plug.pk).letter == "Z"


def test_what_is_not_there_is_none_and_a_text_is_only_a_value(factory):
    plug = factory.make_connector()
    assert BY_CODE.find("nothing") is None
    assert BY_CODE.find(f"{plug.code}' OR '1'='1") is None


def test_all_columns_must_fit(factory):
    plug = factory.make_connector()
    at = Lookup(lambda: Connector.objects.all(), "evse", "letter")
    assert at.find(plug.evse_id, plug.letter) == plug
    assert at.find(plug.evse_id, "Q") is None


def test_the_newest_of_several(factory):
    evse = factory.make_evse()
    factory.make_connector(evse)
    newest = factory.make_connector(evse)
    assert Lookup(lambda: Connector.objects.all(), "evse", newest=True).find(evse.pk) == newest


def test_annotations_come_along(factory):
    station = factory.make_station()
    factory.make_evse(station)
    with_evses = Lookup(lambda: Station.objects.annotate(said=Value("so")), "code")
    assert with_evses.find(station.code).said == "so"


def test_it_is_one_statement_each_time(factory, django_assert_num_queries):
    plug = factory.make_connector()
    for _time in range(2):
        with django_assert_num_queries(1):
            BY_CODE.find(plug.code)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite locks the whole file")
def test_a_locked_row_waits_for_its_owner(factory, django_assert_num_queries):
    plug = factory.make_connector()
    with transaction.atomic(), connection.cursor():
        assert Lookup(lambda: Connector.objects.all(), "code", locked=True).find(plug.code) == plug
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE relation = 'catalog_connector'::regclass"
                " AND mode = 'RowShareLock' AND pid = pg_backend_pid()"
            )
            assert cursor.fetchone()[0] == 1
