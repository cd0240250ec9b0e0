"""AT-H3: station, charging point, plug, letter and photo stand on quote, live page, receipt and order page."""

import pytest
from django.urls import reverse

from apps.discovery.models import OfferedStation
from tests.orders.stage import PATH, make_offer

HOST = "https://photos.example"
PHOTO = [f"{HOST}/1-l.jpg", f"{HOST}/1-s.jpg", 1600, 1067, "The posts from the street"]
ALT = 'alt="The posts from the street"'
EVSE = "IN*SPD*E7*A"


@pytest.fixture
def ask_at_photographed(stage):
    """`ask_at_photographed(row, …)`: an order at a station that tells these photos."""

    def ask(*photos: list, **offer):
        make_offer(evse_id=EVSE, **offer)
        OfferedStation.objects.update(photos=list(photos))
        return stage.ask(evse_id=EVSE, **offer)

    return ask


def page_of(stage, name: str = "order"):
    return stage.client().get(reverse(f"orders:{name}", args=[stage.order.code]))


def walk(stage, state: str) -> None:
    """The rest of the happy path, with the order at hand."""
    names = [name for name, _step in PATH]
    for _name, step in PATH[1 : names.index(state) + 1]:
        step(stage)
        stage.fresh()
    assert stage.order.state == state


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("QUOTED", "order"),
        ("CONFIRMED", "order"),
        ("CHARGING", "order"),
        ("SETTLED", "order"),
        ("SETTLED", "receipt"),
    ],
)
def test_each_page_shows_where_it_is(stage, ask_at_photographed, state, name):
    ask_at_photographed(PHOTO)
    walk(stage, state)
    answer = page_of(stage, name)
    page = answer.content.decode()
    assert (
        f'<img src="{HOST}/1-s.jpg" {ALT} loading="lazy" decoding="async" referrerpolicy="no-referrer"'
        in page
    )
    assert f'href="{HOST}/1-l.jpg" target="_blank" rel="noreferrer noopener"' in page
    assert all(words in page for words in ("Cubbon Park Plaza", "Plug A", "CCS2", EVSE))
    assert "data: https:" in answer["Content-Security-Policy"]


def test_the_page_before_the_quote_shows_it_too(stage, ask_at_photographed):
    order = ask_at_photographed(PHOTO)
    answer = stage.client().get(reverse("orders:new", args=[order.offer.code]))
    assert ALT in answer.content.decode()
    assert "data: https:" in answer["Content-Security-Policy"]


def test_the_order_outlives_what_discovery_knew(stage, ask_at_photographed):
    ask_at_photographed(PHOTO)
    walk(stage, "SETTLED")
    OfferedStation.objects.all().delete()
    page = page_of(stage, "receipt").content.decode()
    assert ALT in page
    assert EVSE in page


def test_without_a_photo_there_is_nothing_in_its_place(stage, ask_at_photographed):
    ask_at_photographed()
    walk(stage, "QUOTED")
    assert "place__photo" not in page_of(stage).content.decode()


def test_a_photo_without_words_is_named_after_its_station(stage, ask_at_photographed):
    ask_at_photographed([*PHOTO[:4], ""])
    walk(stage, "QUOTED")
    assert 'alt="Photo of Cubbon Park Plaza"' in page_of(stage).content.decode()


def test_only_a_photo_that_may_be_shown_is_kept(stage, ask_at_photographed):
    unsafe = ["http://photos.example/0.jpg", "http://photos.example/0.jpg", None, None, ""]
    assert ask_at_photographed(unsafe, PHOTO).photo == PHOTO
    assert ask_at_photographed(unsafe).photo == []


def test_a_source_that_is_no_longer_allowed_is_not_shown(stage, ask_at_photographed, settings):
    ask_at_photographed(PHOTO)
    walk(stage, "QUOTED")
    settings.PHOTO_SOURCES = ["https://elsewhere.example"]
    assert "place__photo" not in page_of(stage).content.decode()
