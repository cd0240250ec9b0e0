"""Rows written in one statement: everything a plug can say comes back as it was told, on both databases."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DataError, connection
from django.utils import timezone

from apps.discovery.keeping import OFFER_FACTS, OFFER_KEY, STATION_FACTS, STATION_KEY
from apps.discovery.models import Offer, OfferedStation
from apps.discovery.upsert import upsert

ODD = "Żółć, “{0}” \\ ' \" % %s ; -- ${x} नमस्ते"


def station(**facts) -> OfferedStation:
    told = {"bpp_id": "b", "provider_id": "p", "location_id": "l", "name": ODD, "seen_at": timezone.now()}
    place = {"lat": Decimal("-12.971600"), "lon": Decimal("179.999999")}
    return OfferedStation(**{**told, **place, **facts})


def offer(place: OfferedStation, **facts) -> Offer:
    return Offer(**{"station": place, "item_id": ODD, "seen_at": place.seen_at, **facts})


def test_every_kind_of_value_comes_back(db, django_assert_num_queries):
    photos = [["https://x/1", "https://x/2", 3, None, ODD]]
    place = station(photos=photos, amenities=["food", ODD], is_accessible=False, opens_at=timezone.now())
    with django_assert_num_queries(1):
        upsert(OfferedStation, [place], STATION_KEY, STATION_FACTS)
    plug = offer(place, tariff={"a": [1, None, "x"]}, energy_rate=Decimal("0.0001"), usual_cents=2**40)
    upsert(Offer, [plug], OFFER_KEY, OFFER_FACTS)
    for told in (place, plug):
        kept = type(told).objects.get(pk=told.pk)
        for field in told._meta.concrete_fields:
            assert getattr(kept, field.attname) == getattr(told, field.attname), field


def test_known_rows_change_and_keep_their_key_and_code(db):
    first = station()
    upsert(OfferedStation, [first], STATION_KEY, STATION_FACTS)
    code = OfferedStation.objects.get().code
    again = [station(location_id="k", name="New"), station(name="Other", is_accessible=True)]
    upsert(OfferedStation, again, STATION_KEY, STATION_FACTS)
    assert again[1].pk == first.pk != again[0].pk
    kept = OfferedStation.objects.get(pk=first.pk)
    assert (kept.code, kept.name, kept.is_accessible) == (code, "Other", True)


def test_more_rows_than_fit_in_one_statement(db, monkeypatch):
    monkeypatch.setattr("apps.discovery.upsert.BATCH", 3)
    rows = [station(location_id=f"l-{number}") for number in range(8)]
    upsert(OfferedStation, rows, STATION_KEY, STATION_FACTS)
    assert len({row.pk for row in rows}) == OfferedStation.objects.count() == 8


def test_nothing_is_no_question(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        upsert(OfferedStation, [], STATION_KEY, STATION_FACTS)


@pytest.mark.django_db
def test_what_is_too_long_is_refused_and_not_cut():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite knows no lengths")
    with pytest.raises(DataError):
        upsert(OfferedStation, [station(name="x" * 201)], STATION_KEY, STATION_FACTS)


def test_an_older_word_changes_nothing_of_a_newer_station(tell):
    tell()
    before = OfferedStation.objects.values().get()
    tell(late=5)
    assert OfferedStation.objects.values().get() == before
    assert Offer.objects.get().seen_at - before["seen_at"] < timedelta(seconds=1)
