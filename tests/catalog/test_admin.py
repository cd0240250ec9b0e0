from decimal import Decimal

import pytest
from django.urls import reverse

from apps.catalog.models import Connector, Evse, Operator, Staff, Station, Tariff

MODELS = ["operator", "staff", "tariff", "station", "evse", "connector"]
Role = Staff.Role


@pytest.fixture
def ours(factory) -> Connector:
    operator = factory.make_operator(code="ours", name="Our Company")
    evse = factory.make_evse(factory.make_station(operator, name="Our Hub"))
    return factory.make_connector(evse, tariff=factory.make_tariff(operator, code="our-day"))


@pytest.fixture
def theirs(factory) -> Connector:
    operator = factory.make_operator(code="theirs", name="Their Company")
    factory.make_staff(operator, email="rival@theirs.example")
    evse = factory.make_evse(factory.make_station(operator, name="Their Hub"))
    return factory.make_connector(evse, tariff=factory.make_tariff(operator, code="their-day"))


@pytest.fixture
def as_role(factory, client, ours):
    def signed_in(role: str):
        client.force_login(factory.make_staff(ours.evse.station.operator, role))
        return client

    return signed_in


def rows_of(connector: Connector) -> dict[str, object]:
    station = connector.evse.station
    return {
        "operator": station.operator,
        "staff": Staff.objects.filter(operator=station.operator).first(),
        "tariff": connector.tariff,
        "station": station,
        "evse": connector.evse,
        "connector": connector,
    }


def change_url(name: str, row) -> str:
    return reverse(f"admin:catalog_{name}_change", args=[row.pk])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("role", Role.values)
def test_staff_see_rows_of_their_operator_and_of_no_other(as_role, ours, theirs, name, role):
    client = as_role(role)
    response = client.get(reverse(f"admin:catalog_{name}_changelist"))
    assert response.status_code == 200
    seen = {row.pk for row in response.context["cl"].result_list}
    assert rows_of(ours)[name].pk in seen
    assert rows_of(theirs)[name].pk not in seen
    assert client.get(change_url(name, rows_of(ours)[name])).status_code == 200
    assert client.get(change_url(name, rows_of(theirs)[name])).status_code == 302  # "does not exist"


@pytest.mark.parametrize("name", ["operator", "staff", "station"])
def test_the_history_of_other_operators_is_closed_too(as_role, ours, theirs, name):
    client = as_role(Role.MANAGER)
    theirs_row, ours_row = rows_of(theirs)[name], rows_of(ours)[name]
    history = reverse(f"admin:catalog_{name}_history", args=[theirs_row.pk])
    version = theirs_row.history.first()
    one = reverse(f"admin:catalog_{name}_simple_history", args=[theirs_row.pk, version.pk])
    assert client.get(history).status_code == 404
    assert client.get(one).status_code == 404
    assert client.get(reverse(f"admin:catalog_{name}_history", args=[ours_row.pk])).status_code == 200


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_viewers_and_finance_only_read(as_role, ours, name, role):
    client = as_role(role)
    assert client.post(change_url(name, rows_of(ours)[name]), {"name": "New"}).status_code == 403
    assert client.get(reverse(f"admin:catalog_{name}_add")).status_code == 403


@pytest.mark.parametrize("name", ["operator", "staff"])
def test_managers_do_not_hire_or_change_the_company(as_role, ours, name):
    client = as_role(Role.MANAGER)
    assert client.post(change_url(name, rows_of(ours)[name]), {}).status_code == 403
    assert client.get(reverse(f"admin:catalog_{name}_add")).status_code == 403


@pytest.mark.parametrize("name", MODELS[2:])
def test_managers_delete_nothing(as_role, ours, name):
    client = as_role(Role.MANAGER)
    url = reverse(f"admin:catalog_{name}_delete", args=[rows_of(ours)[name].pk])
    assert client.post(url, {"post": "yes"}).status_code == 403


def test_people_without_a_job_see_nothing(factory, client, ours):
    client.force_login(factory.make_user(is_staff=True))
    assert client.get(reverse("admin:catalog_station_changelist")).status_code == 403


def test_administrators_see_everybody(admin_client, ours, theirs):
    response = admin_client.get(reverse("admin:catalog_station_changelist"))
    assert {row.name for row in response.context["cl"].result_list} == {"Our Hub", "Their Hub"}


def station_form(station: Station, **changes) -> dict:
    fields = ["name", "address", "city", "region", "postcode", "country", "lat", "lon", "zone", "hours_text"]
    fields += ["phone", "network_name", "price_text", "access", "closed_reason"]
    form = {name: getattr(station, name) for name in fields}
    photos = {"photos-TOTAL_FORMS": "0", "photos-INITIAL_FORMS": "0"}
    return {**form, **photos, "hours": "[]", "amenities": "[]", "is_published": "on", **changes}


def test_a_manager_changes_a_station_and_the_history_says_who(as_role, ours):
    station = ours.evse.station
    client = as_role(Role.MANAGER)
    response = client.post(change_url("station", station), station_form(station, closed_reason="Repaving"))
    assert response.status_code == 302
    station.refresh_from_db()
    assert station.closed_reason == "Repaving"
    assert station.history.latest().history_user.staff.role == Role.MANAGER


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Olympus"},
        {"lat": "91"},
        {"hours": '[{"days": [9], "opens": "06:00", "closes": "23:00"}]'},
        {"hours": '[{"days": [0], "opens": "6", "closes": "23:00"}]'},
        {"hours": '"always"'},
    ],
)
def test_a_wrong_station_is_not_saved_and_the_form_says_why(as_role, ours, wrong):
    station = ours.evse.station
    response = as_role(Role.MANAGER).post(change_url("station", station), station_form(station, **wrong))
    assert response.status_code == 200
    assert next(iter(wrong)) in response.context["adminform"].form.errors


def test_a_manager_adds_a_station_an_evse_and_a_plug(as_role, ours):
    client = as_role(Role.MANAGER)
    operator = ours.evse.station.operator
    form = station_form(ours.evse.station, name="Second Hub", operator=operator.pk)
    assert client.post(reverse("admin:catalog_station_add"), form).status_code == 302
    station = Station.objects.get(name="Second Hub")
    assert station.operator == operator
    form = {"station": station.pk, "label": "1", "charge_point_id": "box-1"}
    assert client.post(reverse("admin:catalog_evse_add"), form).status_code == 302
    form = {"evse": station.evses.get().pk, "standard": "IEC_62196_T2", "format": "CABLE"}
    form |= {"power_type": "AC_3_PHASE", "max_kw": "22", "tariff": ours.tariff.pk, "is_published": "on"}
    assert client.post(reverse("admin:catalog_connector_add"), form).status_code == 302
    assert Connector.objects.get(evse__station=station).letter == "A"


@pytest.mark.parametrize("name", ["station", "evse", "connector", "tariff"])
def test_a_manager_cannot_point_at_rows_of_another_operator(as_role, ours, theirs, name):
    station = rows_of(theirs)["station"]
    forms = {
        "station": station_form(station, name="Trojan", operator=station.operator.pk),
        "evse": {"station": station.pk, "label": "9"},
        "connector": {"evse": theirs.evse.pk, "standard": "CHADEMO", "format": "CABLE", "power_type": "DC"}
        | {"max_kw": "50", "tariff": theirs.tariff.pk},
        "tariff": {"operator": station.operator.pk, "code": "cheap", "name": "Cheap", "energy_rate": "1"}
        | {"currency": "INR", "session_fee": "0", "tax_name": "GST", "tax_percent": "18"},
    }
    before = [model.objects.count() for model in (Station, Evse, Connector, Tariff)]
    response = as_role(Role.MANAGER).post(reverse(f"admin:catalog_{name}_add"), forms[name])
    assert response.status_code == 200
    assert response.context["adminform"].form.errors
    assert [model.objects.count() for model in (Station, Evse, Connector, Tariff)] == before


def test_a_new_price_is_a_new_version_and_the_old_one_stays(as_role, ours):
    client = as_role(Role.MANAGER)
    form = {"operator": ours.tariff.operator_id, "code": "our-day", "name": "Day", "energy_rate": "21"}
    form |= {"currency": "INR", "session_fee": "0", "tax_name": "GST", "tax_percent": "18"}
    assert client.post(reverse("admin:catalog_tariff_add"), form).status_code == 302
    rates = Tariff.objects.filter(code="our-day").order_by("version").values_list("version", "energy_rate")
    assert list(rates) == [(1, Decimal("18.5")), (2, Decimal(21))]
    ours.refresh_from_db()
    assert ours.tariff.version == 2
    assert client.post(change_url("tariff", ours.tariff), form).status_code == 403


@pytest.mark.parametrize("name", MODELS)
def test_lists_take_as_many_queries_for_fifty_rows_as_for_one(
    as_role, factory, ours, name, django_assert_max_num_queries
):
    client = as_role(Role.MANAGER)
    operator = ours.evse.station.operator
    for _number in range(20):
        factory.make_connector(
            factory.make_evse(factory.make_station(operator)), tariff=factory.make_tariff(operator)
        )
        factory.make_staff(operator)
    with django_assert_max_num_queries(24):  # the menu asks each admin who this person is
        client.get(reverse(f"admin:catalog_{name}_changelist"))


def test_an_administrator_gives_somebody_a_job(admin_client, factory, ours):
    user, operator = factory.make_user(), Operator.objects.get()
    form = {"user": user.pk, "operator": operator.pk, "role": Role.FINANCE}
    assert admin_client.post(reverse("admin:catalog_staff_add"), form).status_code == 302
    assert user.staff.role == Role.FINANCE
