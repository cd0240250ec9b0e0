"""Make, model, year: step by step, the same with and without JavaScript; and the list we bring along."""

import importlib
from decimal import Decimal

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from apps.accounts import selectors
from apps.accounts.models import VehicleModel
from apps.beckn.wire.v1_1 import taxonomy

pytestmark = pytest.mark.django_db
FIND = "/me/vehicles/find/"


@pytest.fixture
def some_models(factory):
    VehicleModel.objects.all().delete()
    bus = VehicleModel.Category.BUS
    return [
        factory.make_vehicle_model(make="Ampère", model="City", trim="Short", year_from=2020, year_to=2021),
        factory.make_vehicle_model(make="Ampère", model="City", trim="Long", year_from=2021, year_to=2022),
        factory.make_vehicle_model(make="Ampère", model="Country", year_from=2022),
        factory.make_vehicle_model(make="volta", model="Coach", category=bus, year_from=2020, year_to=2021),
    ]


def test_the_steps_open_one_after_the_other(some_models):
    assert selectors.find().makes == ("Ampère", "volta")
    assert selectors.find().models == ()
    assert selectors.find(make="Ampère").models == ("City", "Country")
    city = selectors.find(make="Ampère", model="City")
    assert city.years == (2022, 2021, 2020)
    assert city.variants == ()
    both = selectors.find(make="Ampère", model="City", year=2021)
    assert [row.trim for row in both.variants] == ["Long", "Short"]
    assert [row.trim for row in selectors.find(make="Ampère", model="City", year=2020).variants] == ["Short"]


def test_a_step_with_one_answer_is_taken(some_models):
    found = selectors.find(category="BUS")
    assert (found.make, found.model, found.years) == ("volta", "Coach", (2021, 2020))


def test_another_make_forgets_the_model_and_another_model_the_year(some_models):
    assert selectors.find(make="volta", model="City").model == "Coach"
    country = selectors.find(make="Ampère", model="Country", year=2020)
    assert (country.year, country.variants) == (None, ())


@pytest.mark.parametrize(
    "nonsense",
    [
        {"make": "Noah"},
        {"make": "' OR 1=1 --"},
        {"make": "x" * 10_000},
        {"make": "Ampère", "model": "<script>alert(1)</script>"},
        {"make": "Ampère", "model": "City", "year": "next"},
        {"make": "Ampère", "model": "City", "year": "9" * 40},
        {"category": "HOVERCRAFT"},
    ],
)
def test_nonsense_is_as_good_as_nothing(client, some_models, nonsense):
    answer = client.get(FIND, nonsense)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert answer.context["finder"].variants == ()


def test_guests_find_a_vehicle_and_htmx_gets_the_fragment_alone(client, some_models):
    said = {"make": "Ampère", "model": "City", "year": "2021"}
    page = client.get(FIND, said).content.decode()
    assert "<html" in page and page.count('name="model" value="') == 2 and "2,021" not in page
    fragment = client.get(FIND, said, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert 'id="finder"' in fragment and fragment.count('name="model" value="') == 2


def test_the_page_to_return_to_is_carried_along(client, some_models):
    page = client.get(FIND, {"next": "/?q=Pune&free=on", "make": "volta", "year": "2020"}).content.decode()
    assert page.count('name="next" value="/?q=Pune&amp;free=on"') == 2


def test_finding_costs_the_same_for_many(client, factory, django_assert_num_queries):
    for trim in range(30):
        factory.make_vehicle_model(make="Volta", model="One", trim=str(trim))
    with django_assert_num_queries(3):  # makes, models, variants; a guest has no session
        answer = client.get(FIND, {"make": "Volta", "model": "One", "year": "2024"})
    assert len(answer.context["finder"].variants) == 30


# --- The list we bring along --------------------------------------------------------------------------------


def test_the_list_is_there_after_migrating_and_knows_the_vehicles_of_india():
    ours = VehicleModel.objects.filter(source=VehicleModel.Source.BUILT_IN)
    assert 100 <= ours.count() <= 200
    for make in (
        "Tata",
        "Mahindra",
        "MG",
        "BYD",
        "Hyundai",
        "Kia",
        "Tesla",
        "Volkswagen",
        "Nissan",
        "Ola",
        "Ather",
    ):
        assert ours.filter(make=make).exists(), make
    for category in VehicleModel.Category.values:
        assert ours.filter(category=category).exists(), category


def test_every_row_is_sound_and_speaks_the_words_of_the_network():
    this_year = timezone.localdate().year
    for row in VehicleModel.objects.all():
        row.full_clean()
        standards = [*row.ac_standards, *row.dc_standards]
        assert standards, row
        assert set(standards) <= set(taxonomy.CONNECTOR_TYPES), row
        assert 2010 <= row.year_from <= (row.year_to or this_year) <= this_year, row
        assert not row.max_ac_kw or (row.ac_standards and row.max_ac_kw <= 43), row
        assert not row.max_dc_kw or (row.dc_standards and 20 <= row.max_dc_kw <= 500), row
        assert not row.battery_kwh or row.battery_kwh <= Decimal(700), row
    assert set(VehicleModel.Category.values) <= set(taxonomy.VEHICLE_CATEGORIES)


def test_no_year_of_a_model_has_two_variants_of_one_name():
    seen = set()
    for row in VehicleModel.objects.filter(source=VehicleModel.Source.BUILT_IN):
        for year in row.years:
            assert (row.make, row.model, row.trim, year) not in seen, row
            seen.add((row.make, row.model, row.trim, year))


def test_the_list_is_loaded_once_and_taken_back_but_for_what_is_driven(factory, asha):
    migration = importlib.import_module("apps.accounts.migrations.0004_common_vehicles")
    before = VehicleModel.objects.count()
    migration.add_vehicles(apps, None)
    assert VehicleModel.objects.count() == before
    nexon = VehicleModel.objects.filter(make="Tata", model="Nexon EV").first()
    factory.make_vehicle(asha, nexon)
    migration.drop_vehicles(apps, None)
    assert list(VehicleModel.objects.all()) == [nexon]
    migration.add_vehicles(apps, None)
    assert VehicleModel.objects.count() == before


def test_the_pages_speak_hindi(client):
    client.cookies["django_language"] = "hi"
    assert '<html lang="hi"' in client.get(reverse("find_vehicle")).content.decode()
