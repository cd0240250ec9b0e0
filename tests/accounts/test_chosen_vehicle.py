"""The one place to ask what somebody drives, for drivers and for guests; and what it means at a plug."""

from decimal import Decimal

import pytest
from django.test import RequestFactory
from django.urls import reverse

from apps.accounts import guests, services
from apps.accounts.models import Vehicle
from apps.accounts.selectors import chosen_vehicle
from apps.accounts.vehicles import ChosenVehicle, Fit
from tests.accounts.test_sign_in import log_in


@pytest.fixture
def vehicle() -> ChosenVehicle:
    return ChosenVehicle(
        label="Volta One",
        category="4-WHEELER",
        make="Volta",
        model="One",
        variant="",
        year=2024,
        ac_standards=frozenset({"IEC_62196_T2"}),
        dc_standards=frozenset({"IEC_62196_T2_COMBO"}),
        max_ac_kw=Decimal("7.2"),
        max_dc_kw=Decimal(60),
        battery_kwh=Decimal(40),
    )


@pytest.mark.parametrize(
    ("connector", "fit"),
    [
        (("IEC_62196_T2_COMBO", "DC", Decimal(120)), Fit(True, Decimal(60), "vehicle")),
        (("IEC_62196_T2_COMBO", "DC", Decimal(30)), Fit(True, Decimal(30), "connector")),
        (("IEC_62196_T2_COMBO", "DC", Decimal(60)), Fit(True, Decimal(60), "connector")),
        (("IEC_62196_T2", "AC_3_PHASE", Decimal(22)), Fit(True, Decimal("7.2"), "vehicle")),
        (("IEC_62196_T2", "AC", Decimal("3.3")), Fit(True, Decimal("3.3"), "connector")),
        (("IEC_62196_T2", "", Decimal(22)), Fit(True, Decimal("7.2"), "vehicle")),
        (("IEC_62196_T2_COMBO", "dc", None), Fit(True, Decimal(60))),
        (("IEC_62196_T2", "DC", Decimal(22)), Fit(False)),
        (("CHADEMO", "DC", Decimal(50)), Fit(False)),
        (("", "", None), Fit(False)),
    ],
)
def test_a_plug_fits_or_not_and_the_smaller_power_counts(vehicle, connector, fit):
    assert vehicle.fit(*connector) == fit
    assert bool(vehicle.fit(*connector)) is fit.fits


def test_a_limit_that_nobody_knows_leaves_the_power_of_the_plug(vehicle):
    unknown = ChosenVehicle(**{**vars(vehicle), "max_dc_kw": None})
    assert unknown.fit("IEC_62196_T2_COMBO", "DC", Decimal(120)) == Fit(True, Decimal(120))
    assert unknown.fit("IEC_62196_T2_COMBO", "DC", None) == Fit(True, None)


def test_one_plug_for_both_currents_goes_by_what_the_connector_gives(vehicle):
    nacs = frozenset({"TESLA_S"})
    tesla = ChosenVehicle(**{**vars(vehicle), "ac_standards": nacs, "dc_standards": nacs})
    assert tesla.fit("TESLA_S", "DC", Decimal(250)) == Fit(True, Decimal(60), "vehicle")
    assert tesla.fit("TESLA_S", "AC_1_PHASE", Decimal(11)) == Fit(True, Decimal("7.2"), "vehicle")
    assert tesla.fit("TESLA_S", "", Decimal(11)) == Fit(True, Decimal(11))
    assert tesla.standards == nacs


@pytest.mark.django_db
class TestAsking:
    def ask(self, client) -> ChosenVehicle | None:
        """As a page would: the request that the view got."""
        return chosen_vehicle(client.get(reverse("find_vehicle")).wsgi_request)

    def test_nobody_said(self, client, asha):
        assert self.ask(client) is None
        client.force_login(asha)
        assert self.ask(client) is None

    def test_a_guest_is_remembered_by_the_browser(self, client, factory):
        model = factory.make_vehicle_model(make="Volta", model="One", trim="RS")
        answer = client.post(reverse("choose_vehicle"), {"model": model.pk, "year": 2023})
        assert answer.url == reverse("home")
        cookie = answer.cookies[guests.COOKIE]
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 31_536_000
        told = self.ask(client)
        assert (told.label, told.variant, told.year) == ("Volta One", "RS", 2023)
        assert told.standards == {"IEC_62196_T2", "IEC_62196_T2_COMBO"}
        assert (told.max_ac_kw, told.max_dc_kw, told.battery_kwh) == (
            Decimal("7.2"),
            Decimal(60),
            Decimal(40),
        )
        assert not Vehicle.objects.exists()

    def test_a_guest_who_wants_any_is_forgotten(self, client, factory):
        model = factory.make_vehicle_model()
        client.post(reverse("choose_vehicle"), {"model": model.pk, "year": 2023})
        client.post(reverse("choose_vehicle"), {"vehicle": ""})
        assert self.ask(client) is None

    @pytest.mark.parametrize("value", ["1:2023", "1:2023:forged", "", "x" * 5_000])
    def test_a_cookie_that_is_not_ours_counts_for_nothing(self, client, value):
        client.cookies[guests.COOKIE] = value
        assert self.ask(client) is None

    def test_a_model_that_left_the_list_is_no_vehicle(self, client, factory):
        model = factory.make_vehicle_model()
        client.post(reverse("choose_vehicle"), {"model": model.pk, "year": 2023})
        model.delete()
        assert self.ask(client) is None

    def test_a_driver_is_asked_of_the_account_and_not_of_the_browser(self, client, asha, factory):
        guest = factory.make_vehicle_model()
        client.post(reverse("choose_vehicle"), {"model": guest.pk, "year": 2023})
        client.force_login(asha)  # without our sign-in page nothing was taken over
        assert self.ask(client) is None
        vehicle = factory.make_vehicle(asha, name="Blue one", is_driven=True)
        assert (self.ask(client).label, self.ask(client).model) == ("Blue one", vehicle.model.model)

    def test_asking_often_costs_one_query(self, asha, factory, django_assert_num_queries):
        factory.make_vehicle(asha, is_driven=True)
        request = RequestFactory().get("/")
        request.user = asha
        with django_assert_num_queries(1):
            assert chosen_vehicle(request) is chosen_vehicle(request)

    def test_a_request_without_a_person_is_a_guest(self):
        assert chosen_vehicle(RequestFactory().get("/")) is None


@pytest.mark.django_db
class TestTakingOver:
    @pytest.fixture
    def guest(self, client, factory):
        self.model = factory.make_vehicle_model(make="Volta", model="One")
        client.post(reverse("choose_vehicle"), {"model": self.model.pk, "year": 2023})
        return client

    def driven(self) -> list[tuple]:
        return list(Vehicle.objects.filter(is_driven=True).values_list("user__email", "model", "year"))

    def test_signing_in_brings_the_vehicle_along(self, guest, asha, factory):
        factory.make_vehicle(asha, is_driven=True)
        answer = log_in(guest)
        assert answer.cookies[guests.COOKIE].value == ""
        assert self.driven() == [(asha.email, self.model.pk, 2023)]
        assert "You drive the Volta One you chose before." in guest.get("/me/vehicles/").content.decode()

    def test_signing_up_brings_it_along(self, guest):
        person = {"email": "ravi@example.org", "password1": "monsoon-over-mysuru"}
        guest.post(reverse("account_signup"), person)
        assert self.driven() == [("ravi@example.org", self.model.pk, 2023)]

    def test_a_press_in_the_demo_brings_it_along(self, guest, demo):
        services.make_demo_people()
        guest.post(reverse("demo_sign_in"), {"person": "driver@demo.example"})
        assert self.driven() == [("driver@demo.example", self.model.pk, 2023)]

    def test_a_wrong_password_takes_nothing(self, guest, asha):
        log_in(guest, password="wrong")
        assert not Vehicle.objects.exists()

    def test_what_is_there_already_is_not_there_twice(self, guest, asha, factory):
        factory.make_vehicle(asha, self.model, year=2023, name="Blue one")
        log_in(guest)
        (vehicle,) = Vehicle.objects.all()
        assert (vehicle.name, vehicle.is_driven) == ("Blue one", True)

    def test_the_next_person_at_this_browser_inherits_nothing(self, guest, asha, factory):
        log_in(guest)
        guest.post(reverse("account_logout"))
        factory.make_user("ravi@example.org", password="a-quiet-night-8")
        log_in(guest, email="ravi@example.org", password="a-quiet-night-8")
        assert [email for email, *_rest in self.driven()] == [asha.email]

    def test_a_full_garage_keeps_nobody_out(self, guest, asha, factory, monkeypatch):
        monkeypatch.setattr(services, "MOST_VEHICLES", 1)
        own = factory.make_vehicle(asha, is_driven=True)
        assert log_in(guest).status_code == 302
        assert list(Vehicle.objects.all()) == [own]
        assert "Remove one first" in guest.get("/me/vehicles/").content.decode()

    def test_a_model_that_left_the_list_is_not_missed(self, guest, asha):
        self.model.delete()
        assert log_in(guest).status_code == 302
        assert not Vehicle.objects.exists()


@pytest.mark.django_db
class TestPicker:
    def drawn(self, client, path="/styleguide/?a=1") -> str:
        return client.get(path).content.decode()

    @pytest.fixture(autouse=True)
    def with_style_guide(self, settings):
        settings.DEMO = True

    def test_a_guest_sees_any_vehicle_and_a_way_to_choose(self, client):
        page = self.drawn(client)
        assert "Any vehicle" in page
        assert f"{reverse('find_vehicle')}?next=%2Fstyleguide%2F%3Fa%3D1" in page
        assert 'name="next" value="/styleguide/?a=1"' in page

    def test_a_guest_sees_the_choice(self, client, factory):
        model = factory.make_vehicle_model(make="Volta", model="One")
        client.post(reverse("choose_vehicle"), {"model": model.pk, "year": 2023})
        assert "Volta One 2023" in self.drawn(client)

    def test_a_driver_chooses_among_their_own(self, client, asha, factory):
        vehicles = [factory.make_vehicle(asha, is_driven=number == 1) for number in range(3)]
        other = factory.make_vehicle(factory.make_user())
        client.force_login(asha)
        page = self.drawn(client)
        for vehicle in vehicles:
            assert f'value="{vehicle.code}" aria-pressed="{str(vehicle.is_driven).lower()}"' in page
        assert str(other.code) not in page
