from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import User
from apps.discovery import favourites, forgetting
from apps.discovery.models import Favourite, Offer, OfferedStation
from tests.discovery import catalogs


@pytest.fixture
def asha(db) -> User:
    return User.objects.create_user("asha@example.org")


@pytest.fixture
def station(tell) -> OfferedStation:
    tell()
    return OfferedStation.objects.get()


def many(tell, count: int) -> list[OfferedStation]:
    places = [catalogs.location(f"st-{number}", name=f"Place {number}") for number in range(count)]
    items = [catalogs.item(f"p-{number}", place=f"st-{number}") for number in range(count)]
    tell(catalogs.catalog(catalogs.provider(locations=places, items=items)))
    return list(OfferedStation.objects.order_by("pk"))


def saved(client) -> str:
    response = client.get("/saved/")
    assert response.status_code == 200
    return response.content.decode()


def test_a_person_keeps_a_station_once_and_drops_it(client, asha, station):
    client.force_login(asha)
    for _press in range(3):
        assert client.post(f"/stations/{station.code}/keep/").url == station.get_absolute_url()
    assert [row.station for row in Favourite.objects.filter(person=asha)] == [station]
    assert "Cubbon Park Plaza" in saved(client)
    for _press in range(2):
        client.post(f"/stations/{station.code}/drop/", {"next": "/saved/"})
    assert not Favourite.objects.exists() and "Nothing saved yet" in saved(client)


def test_a_guest_keeps_it_in_the_browser_and_brings_it_along(client, asha, station):
    client.post(f"/stations/{station.code}/keep/")
    text = saved(client)
    assert "Cubbon Park Plaza" in text and "Kept in this browser only" in text
    assert "Saved" in client.get(station.get_absolute_url()).content.decode()
    client.force_login(asha)
    assert [row.station for row in Favourite.objects.filter(person=asha)] == [station]
    text = saved(client)
    assert "Cubbon Park Plaza" in text and "Kept in this browser only" not in text


def test_signing_in_again_brings_nothing_twice(client, asha, station):
    Favourite.objects.create(person=asha, station=station)
    client.post(f"/stations/{station.code}/keep/")
    client.force_login(asha)
    assert Favourite.objects.count() == 1


def test_a_guest_drops_it(client, station):
    client.post(f"/stations/{station.code}/keep/")
    client.post(f"/stations/{station.code}/drop/")
    assert "Nothing saved yet" in saved(client)


def test_nobody_sees_the_favourites_of_others(client, asha, station):
    Favourite.objects.create(person=User.objects.create_user("bala@example.org"), station=station)
    client.force_login(asha)
    assert "Cubbon" not in saved(client)


def test_there_is_a_most(client, asha, tell, monkeypatch):
    monkeypatch.setattr(favourites, "MOST", 1)
    first, second = many(tell, 2)
    for person in (None, asha):
        if person:
            client.force_login(person)
        client.post(f"/stations/{first.code}/keep/")
        response = client.post(f"/stations/{second.code}/keep/")
        assert response.status_code == 409 and "more do not fit" in response.content.decode()
    assert Favourite.objects.count() == 1


def test_htmx_gets_the_heart_alone(client, station):
    response = client.post(f"/stations/{station.code}/keep/", headers={"HX-Request": "true"})
    text = response.content.decode()
    assert "<html" not in text and f"/stations/{station.code}/drop/" in text


def test_only_our_own_pages_are_gone_back_to(client, station):
    answer = client.post(f"/stations/{station.code}/keep/", {"next": "https://evil.example/"})
    assert answer.url == station.get_absolute_url()


def test_an_unknown_station_cannot_be_kept(client, db):
    assert client.post("/stations/00000000-0000-4000-8000-000000000000/keep/").status_code == 404


def test_looking_keeps_nothing(client, station):
    assert client.get(f"/stations/{station.code}/keep/").status_code == 405


def test_favourites_open_whatever_the_filters(client, asha, station):
    """AT-G5: a filter of the map has no say here, and neither has the age of the offers."""
    Favourite.objects.create(person=asha, station=station)
    client.force_login(asha)
    assert "Cubbon Park Plaza" in client.get("/saved/?current=AC&free=on").content.decode()
    Offer.objects.update(seen_at=datetime.now(UTC) - timedelta(days=3))
    assert "Nothing is on offer here now" in saved(client)
    assert client.get(station.get_absolute_url()).status_code == 200


def test_a_favourite_is_not_forgotten_with_its_offers(asha, station, tell):
    long_ago = datetime.now(UTC) - timedelta(days=40)
    OfferedStation.objects.update(seen_at=long_ago)
    Offer.objects.update(seen_at=long_ago)
    Favourite.objects.create(person=asha, station=station)
    forgetting.forget_old()
    forgetting.forget_old()
    assert OfferedStation.objects.filter(pk=station.pk).exists() and not Offer.objects.exists()
    Favourite.objects.all().delete()
    forgetting.forget_old()
    assert not OfferedStation.objects.exists()


def test_the_page_costs_the_same_for_one_and_for_many(client, asha, tell, django_assert_num_queries):
    client.force_login(asha)
    for number, station in enumerate(many(tell, 6)):
        Favourite.objects.create(person=asha, station=station)
        if number in (0, 5):
            with django_assert_num_queries(6):  # session, person, watches, profiles, stations, plugs
                saved(client)


def test_the_bar_leads_to_it(client, db):
    text = saved(client)
    assert text.count('href="/saved/" aria-current="page"') == 2  # at the top and at the bottom
