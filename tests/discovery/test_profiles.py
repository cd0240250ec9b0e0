"""Filters kept under a name: what is kept, for whom, and what the map makes of it."""

import pytest
from django.http import QueryDict

from apps.accounts.models import User
from apps.discovery import profiles
from apps.discovery.forms import FilterForm
from apps.discovery.models import FilterProfile

DC = "/stations/filters/?current=DC&kw=50&plug=IEC_62196_T2_COMBO&lat=12.97&lon=77.59&radius=10"


@pytest.fixture
def asha(db) -> User:
    return User.objects.create_user("asha@example.org")


def text(client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def kept(person: User) -> dict[str, str]:
    return dict(FilterProfile.objects.filter(person=person).values_list("name", "query"))


def test_only_what_was_understood_is_kept_and_means_the_same_again():
    said = QueryDict(
        "current=DC&kw=50&plug=CHADEMO&plug=IEC_62196_T2_COMBO&free=on&max_price=250.50&sort=price&q=Pune&lat=99"
    )
    form = FilterForm(said)
    address = form.address(with_place=True)
    assert FilterForm(QueryDict(address)).filters() == form.filters()
    assert "lat" not in address and "q=Pune" in address
    assert "q=" not in form.address(with_place=False)
    assert FilterForm(QueryDict("kw=7%27%3B--&speed=warp&open=")).address(with_place=True) == ""


def test_a_name_is_suggested_and_the_words_are_shown(client, db):
    page = text(client, DC)
    assert 'value="≥ 50 kW, CCS2, DC"' in page and page.count("badge") >= 3
    assert "Keep the place as well" in page and "Kept in this browser only" in page


def test_a_person_keeps_filters_and_the_map_offers_them_for_any_place(client, asha):
    client.force_login(asha)
    answer = client.post(DC, {"name": "Fast trips"})
    assert answer.url.startswith("/?") and "lat=12.97" in answer.url
    assert kept(asha) == {"Fast trips": "current=DC&plug=IEC_62196_T2_COMBO&kw=50"}
    page = text(client, "/?lat=19&lon=72&radius=5")
    query = "?current=DC&amp;plug=IEC_62196_T2_COMBO&amp;kw=50&amp;lat=19&amp;lon=72&amp;radius=5"
    assert f'href="{query}"' in page and "Fast trips" in page
    assert 'href="/?current=DC' in text(client, "/saved/")


def test_a_place_that_is_kept_wins_over_the_one_looked_at(client, asha):
    client.force_login(asha)
    client.post(DC, {"name": "Near work", "with_place": "on"})
    page = text(client, "/?lat=19&lon=72&radius=5")
    link = next(part for part in page.split("<a ") if "data-profile" in part)
    assert "lat=12.97" in link and "radius=5" not in link and "data-place" in link and "Near work" in link


def test_the_same_name_again_replaces(client, asha):
    client.force_login(asha)
    for url in (DC, DC, "/stations/filters/?free=on"):
        client.post(url, {"name": "Mine"})
    assert kept(asha) == {"Mine": "free=on"}


def test_a_guest_keeps_them_in_the_browser_and_brings_them_along(client, asha):
    FilterProfile.objects.create(person=asha, name="Mine", query="green=on")
    client.post(DC, {"name": "Guest"})
    client.post(DC, {"name": "Mine"})
    assert "Guest" in text(client, "/saved/") and "Guest" in text(client, "/")
    client.force_login(asha)
    assert set(kept(asha)) == {"Guest", "Mine"} and kept(asha)["Mine"] == "green=on"
    assert profiles.IN_SESSION not in client.session


@pytest.mark.parametrize("is_guest", [True, False])
def test_dropping_one_leaves_the_others_and_those_of_others(client, asha, is_guest):
    bala = User.objects.create_user("bala@example.org")
    FilterProfile.objects.create(person=bala, name="One", query="free=on")
    if not is_guest:
        client.force_login(asha)
    for name in ("One", "Two"):
        client.post(DC, {"name": name})
    for _press in range(2):
        assert client.post("/stations/filters/drop/", {"name": "One"}).url == "/saved/"
    page = text(client, "/saved/")
    assert "Two" in page and ">One<" not in page
    assert kept(bala) == {"One": "free=on"}


@pytest.mark.parametrize("is_guest", [True, False])
def test_there_is_a_most(client, asha, monkeypatch, is_guest):
    monkeypatch.setattr(profiles, "MOST", 1)
    if not is_guest:
        client.force_login(asha)
    assert client.post(DC, {"name": "One"}).status_code == 302
    answer = client.post(DC, {"name": "Two"})
    assert answer.status_code == 409 and "more do not fit" in answer.content.decode()
    assert client.post(DC, {"name": "One"}).status_code == 302


def test_without_a_filter_there_is_nothing_to_keep(client, asha):
    client.force_login(asha)
    assert "No filter is set" in text(client, "/stations/filters/?kw=lots")
    assert client.post("/stations/filters/?lat=12&lon=77", {"name": "Empty"}).status_code == 409
    assert not kept(asha)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\0b"])
def test_a_name_must_be_one(client, asha, name):
    client.force_login(asha)
    assert client.post(DC, {"name": name}).status_code == 422
    assert not kept(asha)


def test_a_name_is_only_text(client, asha):
    client.force_login(asha)
    client.post(DC, {"name": "<script>alert(1)</script>"})
    for url in ("/", "/saved/"):
        assert "<script>alert(1)" not in text(client, url)


def test_many_cost_no_more_queries(client, asha, django_assert_num_queries, django_assert_max_num_queries):
    client.force_login(asha)
    FilterProfile.objects.bulk_create(
        FilterProfile(person=asha, name=f"Number {number}", query="free=on") for number in range(20)
    )
    with django_assert_num_queries(1):
        assert len(profiles.profiles_of(asha, client.session)) == 20
    client.get("/saved/")
    with django_assert_max_num_queries(6):
        client.get("/saved/")
