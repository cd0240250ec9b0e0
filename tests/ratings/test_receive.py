"""An app rates one of our orders."""

import json
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from apps.beckn.inbox import Inbound
from apps.beckn.models import Message, Side
from apps.beckn.wire import v1_1 as wire
from apps.lib import clock, wiring
from apps.lib.errors import Refused
from apps.ratings import handlers
from apps.ratings.models import ReceivedRating
from apps.ratings.selectors import Received, received_at_stations
from tests.conformance import assert_conforms

DEAL = UUID("8d0c1f52-6a7e-4b1d-9a53-3f6a1c0e9b11")
APP = "app.example"


ORDER = {
    "order_id": "BK-7QX4MRT2",
    "things": {"Order": {"BK-7QX4MRT2"}, "Fulfillment": {"cp-07", "BK-7QX4MRT2"}, "Provider": {"sparkdock"}},
    "operator_code": "sparkdock",
    "operator_name": "SparkDock",
    "station_code": "cubbon",
    "station_name": "Cubbon Park Plaza",
}


def rateable(*, bap_id: str, transaction_id: UUID) -> dict | None:
    return ORDER if (bap_id, transaction_id) == (APP, DEAL) else None


@pytest.fixture(autouse=True)
def bookings(monkeypatch):
    """The operator's orders, as the wiring would ask for them."""
    handler = wiring.handler
    monkeypatch.setattr(
        wiring, "handler", lambda table, key: rateable if key == "order.rateable" else handler(table, key)
    )


def rated(*ratings: tuple[str, str, object], sender: str = APP, transaction_id: UUID = DEAL) -> None:
    said = [
        {"id": rated_id, "rating_category": category, "value": value} for rated_id, category, value in ratings
    ]
    now, message_id = clock.now(), uuid4()
    message = Message.objects.create(
        side=Side.BPP,
        direction="IN",
        action="rating",
        transaction_id=transaction_id,
        message_id=message_id,
        bap_id=sender,
        bap_uri="https://app.example/beckn/bap",
        peer_id=sender,
        body=b"{}",
        digest=uuid4().hex,
        state="WORKING",
        next_try_at=now,
        created_at=now,
    )
    context = wire.Context(
        action="rating",
        transaction_id=str(transaction_id),
        message_id=str(message_id),
        bap_id=sender,
        bap_uri="https://app.example/beckn/bap",
    )
    body = wire.RatingMessage.read({"ratings": said})
    handlers.rating(Inbound(message, context, body, None, sender, False))


def test_a_rating_is_kept_and_answered(db):
    rated(("BK-7QX4MRT2", "Order", "4"), ("cp-07", "fulfillment", "4.5"))
    assert list(ReceivedRating.objects.order_by("pk").values_list("rated_id", "category", "value")) == [
        ("BK-7QX4MRT2", "Order", Decimal("4.0")),
        ("cp-07", "Fulfillment", Decimal("4.5")),
    ]
    answer = Message.objects.get(action="on_rating")
    assert_conforms("on_rating", json.loads(bytes(answer.body)))


def test_the_same_rating_again_is_one_and_the_newest_counts(db):
    for stars in ("3", "3", "5"):
        rated(("BK-7QX4MRT2", "Order", stars))
    assert ReceivedRating.objects.get().value == 5


@pytest.mark.parametrize(
    ("ratings", "code"),
    [
        ([("BK-OTHER", "Order", "4")], "30014"),
        ([("cp-of-a-rival", "Fulfillment", "0")], "30014"),
        ([("rival", "Provider", "0")], "30014"),
        ([("cp-07", "charger", "4")], "50003"),
        ([("BK-7QX4MRT2", "Agent", "4")], "50003"),
        ([("BK-7QX4MRT2", "Order", "NaN")], "30015"),
        ([("BK-7QX4MRT2", "Order", "7")], "30015"),
        ([("BK-7QX4MRT2", "Order", "-1")], "30015"),
        ([("BK-7QX4MRT2", "Order", "many")], "30015"),
        ([("BK-7QX4MRT2", "Order", None)], "30015"),
        ([], "30000"),
    ],
)
def test_what_cannot_be_rated_so_is_refused_with_its_code(db, ratings, code):
    with pytest.raises(Refused) as refusal:
        rated(*ratings)
    assert refusal.value.code == code
    assert not ReceivedRating.objects.exists()


@pytest.mark.parametrize("who", [{"sender": "evil.example"}, {"transaction_id": uuid4()}])
def test_another_app_or_deal_has_no_order_here(db, who):
    with pytest.raises(Refused) as refusal:
        rated(("BK-7QX4MRT2", "Order", "4"), **who)
    assert refusal.value.code == "30010"


def test_when_nobody_knows_orders_every_rating_is_refused(db, monkeypatch):
    monkeypatch.setattr(wiring, "handler", lambda table, key: None)
    with pytest.raises(Refused):
        rated(("BK-7QX4MRT2", "Order", "4"))


def test_it_is_the_operators_whose_order_it_is(db):
    rated(("BK-7QX4MRT2", "Order", "4"))
    row = ReceivedRating.objects.get()
    assert (row.operator_code, row.station_code, row.station_name) == (
        "sparkdock",
        "cubbon",
        "Cubbon Park Plaza",
    )


def receive(stars: str, **facts) -> None:
    given = {"operator_code": "sparkdock", "station_code": "cubbon", "category": "Order", "rated_id": "x"}
    ReceivedRating.objects.create(
        bap_id=APP,
        transaction_id=uuid4(),
        order_id="x",
        value=Decimal(stars),
        received_at=clock.now(),
        **{**given, **facts},
    )


def test_the_average_is_to_a_tenth_and_of_enough_charges(db, django_assert_num_queries):
    for stars in ("5", "4", "4"):
        receive(stars)
    receive("1", category="Fulfillment")
    receive("1", station_code="hub")
    with django_assert_num_queries(1):
        found = received_at_stations(["cubbon", "hub", "nowhere"])
    assert found == {"cubbon": Received(Decimal("4.3"), 3), "hub": Received(None, 1)}


def test_an_operator_sees_its_own_ratings_only(db, factory, client):
    receive("5")
    receive("1", operator_code="rival", station_name="Rival Hub")
    operator = factory.make_operator(code="sparkdock")
    client.force_login(factory.make_staff(operator, role="VIEWER"))
    page = client.get("/admin/ratings/receivedrating/").content.decode()
    assert "1 charge was rated" in page and "Rival Hub" not in page
    rival = ReceivedRating.objects.get(operator_code="rival")
    assert client.get(f"/admin/ratings/receivedrating/{rival.pk}/change/").status_code == 302
    assert client.get("/admin/ratings/givenrating/").status_code == 403


def test_the_station_of_an_operators_list_shows_its_stars(db, factory, client):
    station = factory.make_station()
    for _charge in range(3):
        receive("4", station_code=station.code)
    client.force_login(factory.make_staff(station.operator, role="VIEWER"))
    assert "4.0 of 5 from 3 charges" in client.get("/operator/codes/").content.decode()
