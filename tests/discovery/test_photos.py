"""Photos that operators tell of: which links are kept, how they are shown, and that nothing else gets in."""

import pytest

from apps.beckn.wire import v1_1 as wire
from apps.discovery.models import OfferedStation
from apps.discovery.photos import MOST, may_show, told_photos
from apps.lib.links import is_link
from tests.discovery import catalogs

HOST = "https://photos.example"


def image(url: str, size: str = "lg", **more) -> dict:
    return {"url": url, "size_type": size, **more}


def place(*images: dict) -> dict:
    location = catalogs.location()
    return {**location, "descriptor": {**location["descriptor"], "images": list(images)}}


@pytest.fixture
def show(client, tell):
    def show(*images: dict, **facts) -> str:
        item = catalogs.item(**facts)
        tell(catalogs.catalog(catalogs.provider(locations=[place(*images)], items=[item])))
        return client.get(OfferedStation.objects.get().get_absolute_url())

    return show


def read(*images: dict, alts: tuple[str, ...] = ()):
    return told_photos(wire.Location.read(place(*images)), alts)


def test_a_photo_is_shown_small_with_its_words_and_leads_to_the_large_one(show):
    images = image(f"{HOST}/1-l.jpg", width="1600", height="1067"), image(f"{HOST}/1-s.jpg", "sm")
    page = show(*images, photo_alt="The posts from the street")
    text = page.content.decode()
    assert f'<a class="photos__box" href="{HOST}/1-l.jpg" rel="noreferrer noopener">' in text
    assert f'<img src="{HOST}/1-s.jpg" alt="The posts from the street" loading="lazy"' in text
    assert 'referrerpolicy="no-referrer" width="1600" height="1067"' in text
    assert "img-src 'self' http://localhost:8000 data: https:" in page["Content-Security-Policy"]


def test_a_photo_without_words_is_named_after_its_station(show):
    assert 'alt="Photo 1 of Cubbon Park Plaza"' in show(image(f"{HOST}/1.jpg")).content.decode()


def test_a_station_without_photos_shows_nothing(show):
    assert "photos__row" not in show().content.decode()


def test_what_is_no_longer_told_is_gone(show):
    show(image(f"{HOST}/1.jpg"))
    assert "photos__row" not in show().content.decode()


def test_other_pages_load_no_pictures_of_strangers(client, db):
    assert (
        "https:"
        not in client.get("/accounts/login/")["Content-Security-Policy"].split("img-src")[1].split(";")[0]
    )


def test_pairs_are_made_of_as_many_small_as_large_ones():
    one, two = read(
        *(image(f"{HOST}/{n}-l") for n in "12"),
        *(image(f"{HOST}/{n}-s", "sm") for n in "12"),
        alts=("A", "B"),
    )
    assert (one.url, one.small, one.alt) == (f"{HOST}/1-l", f"{HOST}/1-s", "A")
    assert (two.url, two.small, two.alt) == (f"{HOST}/2-l", f"{HOST}/2-s", "B")


def test_where_they_do_not_pair_each_stands_for_itself():
    found = read(image(f"{HOST}/1"), image(f"{HOST}/2"), image(f"{HOST}/s", "xs"), alts=("only one",))
    assert [(photo.url, photo.small, photo.alt) for photo in found] == [
        (f"{HOST}/1", f"{HOST}/1", ""),
        (f"{HOST}/2", f"{HOST}/2", ""),
    ]
    assert [photo.url for photo in read(image(f"{HOST}/s", "sm"))] == [f"{HOST}/s"]
    assert [photo.url for photo in read({"url": f"{HOST}/plain"})] == [f"{HOST}/plain"]


def test_a_thousand_photos_are_a_few():
    assert len(read(*(image(f"{HOST}/{number}") for number in range(1000)))) == MOST
    assert len(read(*(image(f"{HOST}/same") for _number in range(5)))) == 1


@pytest.mark.parametrize(
    "url",
    [
        *(
            "javascript:alert(1)",
            "data:image/svg+xml,<svg/>",
            "//photos.example/1.jpg",
            "/1.jpg",
            "ftp://x/1.jpg",
        ),
        *(
            'https://x/"onerror="alert(1)',
            "https://x/1 2.jpg",
            "https://user:secret@x/1.jpg",
            "https:///1.jpg",
        ),
        *("https://x/" + "a" * 500, "https://x/\n1.jpg", "https://xn/é.jpg", "https://[::1/1.jpg", "", None),
    ],
)
def test_what_is_no_plain_address_is_left_out(url):
    assert not is_link(url)
    assert read(image(url) if url is not None else {"size_type": "lg"}) == ()


@pytest.mark.parametrize(
    ("url", "sources", "expected"),
    [
        ("https://a.example/1.jpg", ["https:"], True),
        ("http://a.example/1.jpg", ["https:"], False),
        ("https://ours.example/1.jpg", [], True),
        ("https://ours.example.evil/1.jpg", [], False),
        ("https://cdn.example/1.jpg", ["https://cdn.example"], True),
        ("https://cdn.example/1.jpg", ["*.example"], True),
        ("https://notexample/1.jpg", ["*.example"], False),
        ("https://a.example/1.jpg", [], False),
    ],
)
def test_only_sources_of_the_settings_are_shown(url, sources, expected):
    assert may_show(url, own="https://ours.example", sources=sources) is expected


@pytest.mark.parametrize(
    ("width", "height"), [("0", "5"), ("-1", "5"), ("99999", "5"), ("x", "y"), ("५", "5"), ("5", None)]
)
def test_sizes_that_cannot_be_are_not_told(width, height):
    (photo,) = read(image(f"{HOST}/1", width=width, height=height))
    assert (photo.width, photo.height) == (None, None)
