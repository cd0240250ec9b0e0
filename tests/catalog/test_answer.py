import pytest

from apps.catalog.services import NobodyToCall, UnknownReference


def test_rating_categories_are_told(ask):
    (answer,) = ask("get_rating_categories")
    assert answer["message"]["rating_categories"] == ["Order", "Fulfillment", "Provider"]


@pytest.mark.parametrize("reference", ["garden", "hub", "hub-1", "hub-1-a"])
def test_support_gives_the_contacts_of_the_operator_it_is_about(factory, ask, reference):
    factory.make_operator(email="care@other.example")
    operator = factory.make_operator(code="garden", email="care@garden.example", phone="+918000000001")
    factory.make_connector(
        factory.make_evse(factory.make_station(operator, code="hub"), code="hub-1"), code="hub-1-a"
    )
    (answer,) = ask("support", {"support": {"ref_id": reference, "callback_phone": "+919800000000"}})
    told = answer["message"]["support"]
    # A place of ours opens a ticket (tests/support/test_wire.py); an operator by itself gives its contacts.
    assert ("url" in told) == (reference != "garden")
    told.pop("url", None)
    assert told == {
        "ref_id": reference,
        "phone": "+918000000001",
        "email": "care@garden.example",
    }


def test_the_only_operator_answers_for_everything(factory, ask):
    factory.make_operator(email="care@garden.example")
    (answer,) = ask("support", {"support": {"ref_id": "BK-UNKNOWN"}})
    assert answer["message"]["support"]["ref_id"] == "BK-UNKNOWN"


def test_a_reference_nobody_knows_is_refused(factory, ask):
    factory.make_operator(), factory.make_operator()
    with pytest.raises(UnknownReference) as refusal:
        ask("support", {"support": {"ref_id": "BK-UNKNOWN"}})
    assert refusal.value.code == "30010"


def test_an_operator_without_contacts_says_so(factory, ask):
    factory.make_operator(code="garden", email="", phone="")
    with pytest.raises(NobodyToCall) as refusal:
        ask("support", {"support": {"ref_id": "garden"}})
    assert refusal.value.code == "50004"
