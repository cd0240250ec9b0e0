"""My vehicles: added, chosen, renamed, removed; whose they are, and how many."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import Vehicle, VehicleModel

pytestmark = pytest.mark.django_db


@pytest.fixture
def car(factory) -> VehicleModel:
    return factory.make_vehicle_model(make="Volta", model="One", trim="Long Range")


@pytest.fixture
def signed_in(client, asha):
    client.force_login(asha)
    return client


def choose(client, **said):
    return client.post(reverse("choose_vehicle"), said)


def driven(user) -> list[Vehicle]:
    return list(Vehicle.objects.filter(user=user, is_driven=True))


def test_a_driver_adds_a_vehicle_and_drives_it(signed_in, asha, car):
    answer = choose(signed_in, model=car.pk, year=2024)
    assert (answer.status_code, answer.url) == (302, reverse("vehicles"))
    (vehicle,) = driven(asha)
    assert (vehicle.model, vehicle.year) == (car, 2024)
    page = signed_in.get(reverse("vehicles")).content.decode()
    assert "Volta One" in page and "Long Range · 2024" in page and "I drive it now" in page


@pytest.mark.parametrize("times", [1, 2, 5])
def test_adding_it_again_changes_nothing(signed_in, asha, car, times):
    for _time in range(times):
        choose(signed_in, model=car.pk, year=2024)
    assert Vehicle.objects.filter(user=asha).count() == 1


def test_the_same_model_of_another_year_is_another_vehicle(signed_in, asha, car):
    choose(signed_in, model=car.pk, year=2023)
    choose(signed_in, model=car.pk, year=2024)
    assert Vehicle.objects.filter(user=asha).count() == 2
    assert [vehicle.year for vehicle in driven(asha)] == [2024]


def test_one_vehicle_is_driven_at_a_time(signed_in, asha, factory):
    first, second = factory.make_vehicle(asha, is_driven=True), factory.make_vehicle(asha)
    choose(signed_in, vehicle=second.code)
    assert driven(asha) == [second]
    choose(signed_in, vehicle=first.code)
    assert driven(asha) == [first]


def test_the_database_refuses_a_second_one(asha, factory):
    factory.make_vehicle(asha, is_driven=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        factory.make_vehicle(asha, is_driven=True)


def test_choosing_none_means_any_vehicle(signed_in, asha, factory):
    factory.make_vehicle(asha, is_driven=True)
    choose(signed_in, vehicle="")
    assert driven(asha) == []
    assert Vehicle.objects.count() == 1


def test_a_vehicle_gets_a_name_and_loses_it(signed_in, asha, factory):
    vehicle = factory.make_vehicle(asha)
    place = reverse("rename_vehicle", args=[vehicle.code])
    assert signed_in.get(place).status_code == 200
    assert signed_in.post(place, {"name": " Blue one "}).url == reverse("vehicles")
    vehicle.refresh_from_db()
    assert str(vehicle) == "Blue one"
    signed_in.post(place, {"name": ""})
    vehicle.refresh_from_db()
    assert str(vehicle) == str(vehicle.model)


def test_a_name_that_is_too_long_is_refused_with_the_reason(signed_in, asha, factory):
    vehicle = factory.make_vehicle(asha)
    answer = signed_in.post(reverse("rename_vehicle", args=[vehicle.code]), {"name": "x" * 41})
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    vehicle.refresh_from_db()
    assert vehicle.name == ""


def test_a_name_is_text_and_no_markup(signed_in, asha, factory):
    factory.make_vehicle(asha, name="<script>alert(1)</script>")
    assert "<script>alert" not in signed_in.get(reverse("vehicles")).content.decode()


def test_a_vehicle_is_removed_after_a_question(signed_in, asha, factory):
    vehicle, other = factory.make_vehicle(asha, is_driven=True), factory.make_vehicle(asha)
    place = reverse("remove_vehicle", args=[vehicle.code])
    assert "Remove this vehicle?" in signed_in.get(place).content.decode()
    assert Vehicle.objects.count() == 2
    assert signed_in.post(place).url == reverse("vehicles")
    assert list(Vehicle.objects.all()) == [other]
    assert driven(asha) == []
    assert signed_in.post(place).status_code == 404


@pytest.mark.parametrize("name", ["rename_vehicle", "remove_vehicle"])
def test_a_stranger_finds_nothing(signed_in, factory, name):
    vehicle = factory.make_vehicle(factory.make_user(), name="Hers")
    place = reverse(name, args=[vehicle.code])
    assert signed_in.get(place).status_code == 404
    assert signed_in.post(place, {"name": "Mine"}).status_code == 404
    vehicle.refresh_from_db()
    assert vehicle.name == "Hers"


def test_nobody_drives_the_vehicle_of_another(client, asha, factory):
    vehicle = factory.make_vehicle(factory.make_user())
    assert choose(client, vehicle=vehicle.code).status_code == 404  # a guest
    client.force_login(asha)
    assert choose(client, vehicle=vehicle.code).status_code == 404
    assert not Vehicle.objects.filter(is_driven=True).exists()


@pytest.mark.parametrize("name", ["vehicles", "rename_vehicle", "remove_vehicle"])
def test_my_vehicles_need_a_sign_in(client, asha, factory, name):
    code = [] if name == "vehicles" else [factory.make_vehicle(asha).code]
    assert client.get(reverse(name, args=code)).url.startswith(reverse("account_login"))
    assert Vehicle.objects.count() == len(code)


@pytest.mark.parametrize(
    "said",
    [
        {"vehicle": "not-a-code"},
        {"model": "first", "year": "2024"},
        {"model": "9" * 30, "year": "2024"},
        {"model": "-1", "year": "2024"},
        {"model": "1", "year": "soon"},
        {"model": "1"},
        {"year": "2024"},
    ],
)
def test_a_choice_that_is_none_is_refused(signed_in, asha, factory, said):
    vehicle = factory.make_vehicle(asha, is_driven=True)
    assert choose(signed_in, **said).status_code == 404
    assert driven(asha) == [vehicle]


@pytest.mark.parametrize("year", [2021, 2099])
def test_a_year_it_was_not_sold_in_is_refused_and_explained(signed_in, car, year):
    answer = choose(signed_in, model=car.pk, year=year)
    assert answer.status_code == 409
    assert "choose it again" in answer.content.decode()
    assert not Vehicle.objects.exists()


def test_choosing_is_a_post(client):
    assert client.get(reverse("choose_vehicle")).status_code == 405


def test_a_driver_keeps_so_many_vehicles_and_no_more(signed_in, asha, car, factory, monkeypatch):
    monkeypatch.setattr(services, "MOST_VEHICLES", 2)
    kept = [factory.make_vehicle(asha, car, year=year) for year in (2022, 2023)]
    answer = choose(signed_in, model=car.pk, year=2024)
    assert answer.status_code == 409
    assert "Remove one first" in answer.content.decode()
    assert Vehicle.objects.count() == 2
    assert choose(signed_in, model=car.pk, year=2023).status_code == 302  # it is there already
    assert driven(asha) == [kept[1]]


@pytest.mark.parametrize("path", ["/?q=Indiranagar", "/stations/"])
def test_choosing_leads_back_to_the_page_that_asked(signed_in, car, path):
    assert choose(signed_in, model=car.pk, year=2024, next=path).url == path


@pytest.mark.parametrize(
    "path",
    [
        "https://bad.example/",
        "//bad.example",
        "javascript:alert(1)",
        "http:///bad.example",
        "\\\\bad",
        "nowhere",
    ],
)
def test_choosing_never_leads_elsewhere(signed_in, car, path):
    assert choose(signed_in, model=car.pk, year=2024, next=path).url == reverse("vehicles")
    page = signed_in.get(reverse("find_vehicle"), {"next": path})
    assert page.context["next"] == ""
    assert f'href="{path}"' not in page.content.decode()


def test_the_list_costs_the_same_for_many(signed_in, asha, factory, django_assert_max_num_queries):
    for _number in range(10):
        factory.make_vehicle(asha)
    with django_assert_max_num_queries(3):  # session, person, vehicles
        assert signed_in.get(reverse("vehicles")).status_code == 200


def test_an_empty_list_says_what_to_do(signed_in):
    page = signed_in.get(reverse("vehicles")).content.decode()
    assert "No vehicle yet" in page
    assert reverse("find_vehicle") in page


def test_my_account_leads_to_my_vehicles(signed_in):
    assert f'href="{reverse("vehicles")}"' in signed_in.get(reverse("me")).content.decode()


def test_years_of_a_model_that_is_still_sold_go_to_this_year(factory):
    assert factory.make_vehicle_model(year_from=2022).years[-1] == timezone.localdate().year
    assert list(factory.make_vehicle_model(year_from=2020, year_to=2021).years) == [2020, 2021]
