"""What a code leads to on the operator side."""

import pytest

from apps.catalog import door, labels
from apps.catalog.codes import new_code
from apps.catalog.door import Answer
from apps.catalog.models import PlugCode, Station
from apps.lib.mistakes import Mistakes


@pytest.fixture(autouse=True)
def few_guesses(monkeypatch, request):
    """Counted under a name of its own: tests share a cache."""
    monkeypatch.setattr(door, "GUESSES", Mistakes(f"guess-{request.node.name}", allowed=3, seconds=60))
    yield
    door.GUESSES.forgive("here")


@pytest.fixture
def plug_code(factory) -> PlugCode:
    labels.issue_for([factory.make_priced_connector()], by=None)
    return PlugCode.objects.get()


def answer(typed: str, address: str = "here") -> Answer:
    return door.look_up(typed=typed, address=address).answer


def test_a_code_leads_to_exactly_its_plug(factory, plug_code):
    factory.make_priced_connector(plug_code.connector.evse)
    found = door.look_up(typed=plug_code.code.lower(), address="here")
    assert (found.answer, found.plug) == (Answer.HERE, plug_code.connector)


def test_the_plug_is_named_as_the_network_names_it(plug_code, settings):
    station = plug_code.connector.evse.station
    assert door.network_name(plug_code.connector) == {
        "bpp_id": settings.BECKN["BPP_ID"],
        "provider_id": station.operator.code,
        "location_id": station.code,
        "item_id": plug_code.connector.code,
        "lat": station.lat,
        "lon": station.lon,
    }


def test_signed_but_unknown_is_as_wrong_as_not_signed(plug_code):
    assert answer(new_code()) == answer("0" * 12) == answer("") == Answer.WRONG


def test_what_is_not_signed_costs_no_query(plug_code, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert answer("2" * 11 + "U") == Answer.WRONG


def test_a_look_up_costs_two_queries(plug_code, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert answer(plug_code.code) == Answer.HERE


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda plug: setattr(plug, "is_published", False), Answer.GONE),
        (lambda plug: setattr(plug.evse.station, "is_published", False), Answer.GONE),
        (lambda plug: setattr(plug.evse.station, "access", Station.Access.PRIVATE), Answer.NOT_SOLD),
        (lambda plug: setattr(plug, "tariff", None), Answer.NOT_SOLD),
    ],
)
def test_a_plug_that_cannot_be_sold_says_which_way(plug_code, change, told):
    plug = plug_code.connector
    change(plug)
    plug.save()
    plug.evse.station.save()
    assert answer(plug_code.code) == told


def test_after_some_wrong_codes_an_address_is_told_nothing(plug_code):
    for _ in range(3):
        assert answer("wrong") == Answer.WRONG
    assert answer(plug_code.code) == Answer.TOO_MANY
    assert answer("wrong") == Answer.TOO_MANY
    assert answer(plug_code.code, address="there") == Answer.HERE


def test_right_and_withdrawn_codes_are_no_guesses(plug_code, factory):
    for _ in range(4):
        answer(plug_code.code)
    labels.revoke(plug_code=plug_code, by=factory.make_user(), reason="stolen")
    for _ in range(4):
        assert answer(plug_code.code) == Answer.REVOKED
