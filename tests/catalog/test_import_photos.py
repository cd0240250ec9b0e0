"""Links to photos in OCPI and Open Charge Map: kept as links, followed when the source changes, logos left out."""

import pytest

from apps.catalog.importers import ocm, ocpi
from apps.catalog.importers.records import PhotoRow
from apps.catalog.models import StationPhoto
from apps.catalog.photo_services import add_photo
from apps.catalog.photos import read_photo
from tests.catalog.pictures import picture, upload
from tests.catalog.sources import kept, load, location, poi

HOST = "https://photos.example"


def image(url: str = f"{HOST}/1.jpg", category: str = "CHARGER", **more) -> dict:
    return {"url": url, "category": category, "type": "jpeg", **more}


def media(url: str = f"{HOST}/1.jpg", **more) -> dict:
    return {"ItemURL": url, "IsEnabled": True, "IsVideo": False, **more}


@pytest.fixture
def bring(db, tmp_path):
    return lambda *entries: load(kept(tmp_path, *entries), "ocpi")


def first(folder, format, entry):
    return next(iter(format.records(kept(folder, entry))))


def links() -> list[str]:
    return list(StationPhoto.objects.values_list("link", flat=True))


def test_photos_of_ocpi_are_linked_with_their_thumbnails(tmp_path):
    told = image(thumbnail=f"{HOST}/1-s.jpg", width=1600, height=900)
    row = first(tmp_path, ocpi, location(name="Hub", images=[told, image(f"{HOST}/2.jpg", "ENTRANCE")]))
    assert row.photos == (
        PhotoRow(f"{HOST}/1.jpg", "Hub: charger", f"{HOST}/1-s.jpg", 1600, 900),
        PhotoRow(f"{HOST}/2.jpg", "Hub: entrance"),
    )


def test_logos_are_no_photos(tmp_path):
    logos = [image(category=word) for word in ("OPERATOR", "NETWORK", "OWNER", "", "BANANA")]
    assert first(tmp_path, ocpi, location(images=[*logos, None, "x", 5])).photos == ()


def test_pictures_of_the_map_are_linked_with_their_words(tmp_path):
    hidden = media(f"{HOST}/2.jpg", IsEnabled=False), media(f"{HOST}/3.mp4", IsVideo=True)
    told = media(ItemThumbnailURL=f"{HOST}/1-s.jpg", Comment="  Behind\nthe shop ")
    assert first(tmp_path, ocm, poi(MediaItems=[told, *hidden])).photos == (
        PhotoRow(f"{HOST}/1.jpg", "Behind the shop", f"{HOST}/1-s.jpg"),
    )
    assert first(tmp_path, ocm, poi(MediaItems=None)).photos == ()


@pytest.mark.parametrize(
    "url", ["http://photos.example/1.jpg", "javascript:alert(1)", "", None, 'https://x/"']
)
def test_what_is_no_https_address_is_left_out_and_noted(tmp_path, url):
    row = first(tmp_path, ocpi, location(images=[image(url)]))
    assert row.photos == ()
    assert "photo without a usable https address left out" in row.notes


def test_many_photos_are_a_few_and_sizes_that_cannot_be_are_unknown(tmp_path):
    many = [image(f"{HOST}/{n}.jpg", width=-1, height="x") for n in range(40)]
    row = first(tmp_path, ocpi, location(images=many))
    assert len(row.photos) == 5 and {photo.width for photo in row.photos} == {None}


def test_an_import_follows_the_links_of_its_source(bring):
    bring(location(images=[image(), image(f"{HOST}/2.jpg")]))
    assert links() == [f"{HOST}/1.jpg", f"{HOST}/2.jpg"]
    assert "Nothing to change" in bring(location(images=[image(), image(f"{HOST}/2.jpg")]))
    assert "updated      1" in bring(location(images=[image(f"{HOST}/2.jpg", width=800, height=600)]))
    assert links() == [f"{HOST}/2.jpg"]
    assert StationPhoto.objects.get().width == 800


def test_what_the_operator_uploaded_or_said_stays(bring, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    bring(location(images=[image()]))
    linked = StationPhoto.objects.get()
    StationPhoto.objects.update(alt="The posts, from the street")
    ours = add_photo(station=linked.station, photo=read_photo(upload(picture())), alt="Ours")
    assert "Nothing to change" in bring(location(images=[image()]))
    assert [photo.alt for photo in linked.station.photos.all()] == ["Ours", "The posts, from the street"]
    bring(location(images=[]))
    assert StationPhoto.objects.get() == ours
