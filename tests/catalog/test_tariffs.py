"""Tariffs with elements: checked when they are published, said whole on the network, simple ones as before."""

import json
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from apps.beckn.wire import v1_1 as wire
from apps.catalog import network, services
from apps.catalog.models import Tariff
from apps.pricing import Tariff as Rules
from apps.pricing import Tax, read_tariff
from tests.factory import NOON

pytestmark = pytest.mark.django_db
NIGHT = {
    "price_components": [{"type": "ENERGY", "price": 12.5}, {"type": "TIME", "price": 30, "step_size": 60}],
    "restrictions": {"start_time": "22:00", "end_time": "06:00"},
}
DAY = {"price_components": [{"type": "ENERGY", "price": "18.50"}, {"type": "FLAT", "price": "10"}]}
SPLIT = [{"name": "CGST", "percent": 9}, {"name": "SGST", "percent": 9}]


def publish(operator, **terms):
    return services.publish_tariff(operator=operator, code="day", name="Day", **terms)


def test_the_simple_columns_are_a_tariff_of_one_element(factory):
    row = factory.make_tariff(session_fee=Decimal(10))
    assert row.rules("Asia/Kolkata") == Rules.simple(
        "INR", Decimal("18.5"), Decimal(10), Tax("GST", Decimal(18)), zone="Asia/Kolkata"
    )
    assert row.rules("UTC").version == f"{row.code} v1"


def test_elements_decide_and_the_columns_tell_the_dearest(factory):
    row = publish(factory.make_operator(), elements=[NIGHT, DAY], taxes=SPLIT, max_price=Decimal(900))
    assert (row.energy_rate, row.session_fee) == (Decimal("18.50"), Decimal(10))
    rules = row.rules("Asia/Kolkata")
    assert len(rules.elements) == 2
    assert [tax.name for tax in rules.taxes] == ["CGST", "SGST"]
    assert rules.max_price == 900


def test_elements_that_say_the_same_are_no_new_version(factory):
    operator = factory.make_operator()
    first = publish(operator, elements=[NIGHT, DAY])
    assert publish(operator, elements=[NIGHT, json.loads(json.dumps(DAY))]) == first
    assert publish(operator, elements=[DAY, NIGHT]).version == 2
    assert publish(operator, elements=[DAY, NIGHT], min_price=Decimal(5)).version == 3


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        (
            {"elements": [{"price_components": [{"type": "POWER", "price": 1}]}]},
            "elements",
            "elements[0].price_components[0].type: “POWER” is not one of the words known here",
        ),
        ({"elements": [DAY], "taxes": [{"name": "GST", "percent": 500}]}, "taxes", "taxes[0].percent"),
        (
            {"energy_rate": Decimal(1), "min_price": Decimal(9), "max_price": Decimal(5)},
            "max_price",
            "must be more than where it begins",
        ),
    ],
)
def test_an_odd_tariff_is_not_published(factory, terms, field, words):
    with pytest.raises(ValidationError) as refused:
        publish(factory.make_operator(), **terms)
    assert words in refused.value.message_dict[field][0]
    assert not Tariff.objects.exists()


def test_neither_price_nor_elements_is_no_tariff(factory):
    with pytest.raises(ValidationError):
        publish(factory.make_operator())


@pytest.fixture
def form(client, factory):
    """The admin's form, as the manager of an operator sends it."""
    operator = factory.make_operator()
    client.force_login(factory.make_staff(operator))
    facts = {
        **{"operator": operator.pk, "code": "day", "name": "Day", "currency": "INR", "session_fee": 0},
        **{"tax_name": "GST", "tax_percent": 18, "parking_grace_minutes": 0, "elements": "", "taxes": ""},
    }
    return lambda **changes: client.post(reverse("admin:catalog_tariff_add"), {**facts, **changes})


def test_a_manager_publishes_elements_in_the_admin(form):
    assert form(elements=json.dumps([NIGHT, DAY]), parking_grace_minutes=10).status_code == 302
    row = Tariff.objects.get()
    assert (row.energy_rate, row.rules("UTC").parking_grace) == (Decimal("18.50"), 600)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "A price per kWh is needed, or price elements."),
        ({"elements": "[{"}, "Enter a valid JSON."),
        ({"elements": '[{"price_components": []}]'}, "elements[0].price_components: at least one entry"),
        ({"elements": json.dumps([DAY | {"restrictions": {"start_time": "10pm"}}])}, "a time like 22:00"),
        ({"energy_rate": "5", "taxes": '[{"name": "GST"}]'}, "taxes[0].percent: a number is expected here"),
    ],
)
def test_the_admin_says_what_is_odd_and_where(form, changes, words):
    answer = form(**changes)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Tariff.objects.exists()


def offered(plug):
    evse = network.OfferedEvse(plug.evse, (plug,), (plug,))
    return wire.read_plug(network.item(plug, evse, NOON))


def test_a_tariff_with_elements_is_said_whole_on_the_network(factory):
    station = factory.make_station(zone="Asia/Kolkata")
    row = publish(station.operator, elements=[NIGHT, DAY], taxes=SPLIT)
    plug = factory.make_priced_connector(factory.make_evse(station), tariff=row)
    said = offered(plug)
    assert read_tariff(json.loads(said.tariff)) == row.rules("Asia/Kolkata")
    assert said.energy_rate == Decimal("18.5")


def test_a_simple_tariff_is_said_as_before(factory):
    plug = factory.make_priced_connector(tariff=factory.make_tariff(session_fee=Decimal(10)))
    assert (offered(plug).tariff, offered(plug).session_fee) == ("", Decimal(10))


def test_we_say_that_we_sell_by_energy_money_and_time(factory):
    said = network.provider(factory.make_operator())
    assert wire.first_tag(said.tags, "order-by") == "energy,money,time"
