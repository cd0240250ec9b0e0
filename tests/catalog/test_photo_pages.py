"""Photos in the admin, over http and on the wire: who may, what goes where, and what is refused."""

from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.storage import default_storage
from django.urls import reverse

from apps.catalog import photo_services
from apps.catalog.models import Staff, StationPhoto
from apps.catalog.photos import read_photo
from tests.catalog.conftest import near
from tests.catalog.pictures import picture, png_that_claims, upload
from tests.catalog.test_admin import station_form
from tests.factory import NOON

Role = Staff.Role


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.PUBLIC_URL = "https://charge.example"
    return tmp_path / "media"


@pytest.fixture
def station(factory):
    operator = factory.make_operator(code="garden", email="care@garden.example")
    station = factory.make_station(operator, code="hub", name="Hub")
    evse = factory.make_evse(station, code="hub-1")
    factory.make_priced_connector(evse, code="hub-1-a", seen_at=NOON)
    return station


@pytest.fixture
def manager(factory, client, station):
    client.force_login(factory.make_staff(station.operator, Role.MANAGER))
    return client


def add(station, alt="The gate", **more) -> StationPhoto:
    content = upload(picture(size=(900, 600)))
    return photo_services.add_photo(station=station, photo=read_photo(content), alt=alt, **more)


def page_of(client, station) -> dict:
    """Everything that the form of this station would send back unchanged."""
    page = client.get(reverse("admin:catalog_station_change", args=[station.pk]))
    inline = page.context["inline_admin_formsets"][0].formset
    fields = [field for form in (inline.management_form, *inline.forms) for field in form]
    return station_form(station) | {
        field.html_name: value for field in fields if (value := field.value()) is not None
    }


def send(client, station, **changes):
    address = reverse("admin:catalog_station_change", args=[station.pk])
    return client.post(address, page_of(client, station) | changes)


def files(media: Path) -> list[str]:
    return sorted(path.name for path in media.rglob("*.jpg"))


def test_a_manager_uploads_a_photo(manager, station, media):
    said = {"photos-0-upload": upload(picture()), "photos-0-alt": "The posts from the street"}
    assert send(manager, station, **said).status_code == 302
    photo = station.photos.get()
    assert (photo.alt, photo.width, photo.small_width) == ("The posts from the street", 1600, 480)
    assert len(files(media)) == 2
    assert "photo" in LogEntry.objects.latest("pk").get_change_message()


def test_words_and_order_can_be_changed_and_a_photo_taken_away(
    manager, station, media, django_capture_on_commit_callbacks
):
    first, second = add(station, "One"), add(station, "Two")
    assert send(manager, station, **{"photos-0-alt": "Uno", "photos-0-position": "9"}).status_code == 302
    assert [photo.alt for photo in station.photos.all()] == ["Two", "Uno"]
    with django_capture_on_commit_callbacks(execute=True):
        assert send(manager, station, **{"photos-0-DELETE": "on"}).status_code == 302
    assert [photo.pk for photo in station.photos.all()] == [first.pk]
    assert not default_storage.exists(second.large.name) and not default_storage.exists(second.small.name)
    assert len(files(media)) == 2


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "a.svg", "no photo that we can read"),
        (b"<html><script>alert(1)</script></html>", "photo.jpg", "no photo that we can read"),
        (png_that_claims(50_000, 50_000), "photo.png", "40 million pixels"),
        (picture() + b"\0" * 50_000_000, "photo.jpg", "larger than 10 MB"),
    ],
    ids=["a script in an SVG", "a page that says it is a JPEG", "a bomb", "fifty megabytes"],
)
def test_what_is_no_photo_is_refused_with_words_and_leaves_nothing(
    manager, station, media, content, name, words
):
    said = {"photos-0-upload": upload(content, name), "photos-0-alt": "Hello"}
    page = send(manager, station, **said)
    assert page.status_code == 200 and words in page.content.decode()
    assert not station.photos.exists() and not files(media)


def test_a_photo_needs_a_file_and_words(manager, station):
    assert "Choose a photo." in send(manager, station, **{"photos-0-alt": "Nothing"}).content.decode()
    page = send(manager, station, **{"photos-0-upload": upload(picture())}).content.decode()
    assert "This field is required." in page
    assert not station.photos.exists()


def test_ten_photos_are_enough(manager, station):
    for number in range(10):
        add(station, f"Photo {number}")
    with pytest.raises(photo_services.TooManyPhotos):
        add(station)
    assert station.photos.count() == 10


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_viewers_and_finance_see_them_only(factory, client, station, role):
    add(station)
    client.force_login(factory.make_staff(station.operator, role))
    page = client.get(reverse("admin:catalog_station_change", args=[station.pk]))
    assert "The gate" in page.content.decode() and 'type="file"' not in page.content.decode()
    address = reverse("admin:catalog_station_change", args=[station.pk])
    assert client.post(address, {"photos-0-DELETE": "on"}).status_code == 403
    assert station.photos.count() == 1


def test_the_manager_of_another_operator_reaches_none_of_it(factory, client, station):
    photo = add(station)
    other = factory.make_station(factory.make_operator(code="rival"))
    client.force_login(factory.make_staff(other.operator, Role.MANAGER))
    address = reverse("admin:catalog_station_change", args=[station.pk])
    assert client.post(address, {"photos-0-id": photo.pk, "photos-0-DELETE": "on"}).status_code == 302
    stolen = {"photos-INITIAL_FORMS": "1", "photos-TOTAL_FORMS": "1", "photos-0-id": photo.pk}
    send(
        client, other, **stolen, **{"photos-0-DELETE": "on", "photos-0-alt": "mine", "photos-0-position": "1"}
    )
    assert StationPhoto.objects.get().alt == "The gate"


def test_a_photo_is_served_as_a_picture_and_nothing_else(client, station):
    photo = add(station)
    served = client.get(photo.small.url, headers={"Accept-Encoding": "gzip"})
    assert served["Content-Type"] == "image/jpeg" and served.content[:2] == b"\xff\xd8"
    assert served["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in served["Cache-Control"] and "Set-Cookie" not in served
    assert "Content-Encoding" not in served
    assert client.post(photo.small.url).status_code == 405


@pytest.mark.parametrize(
    "name", ["none.jpg", "..%2F..%2Fsecret_key", "../../secret_key", "..jpg/../x.jpg", "a.svg", "photo.jpg/"]
)
def test_nothing_else_is_served(client, station, media, name):
    (media / "photos").mkdir(parents=True, exist_ok=True)
    (media / "photos" / "a.svg").write_text("<svg/>")
    (media.parent / "secret_key").write_text("secret")
    served = client.get(f"/media/photos/{name}")
    assert served.status_code == 404 and served.content != b"secret"


def test_photos_travel_with_their_station(station, search):
    add(station, "Behind", position=2)
    first = add(station, "In front", position=1)
    (provider,) = search(near())
    images = provider["locations"][0]["descriptor"]["images"]
    assert [(one["size_type"], one["width"], one["height"]) for one in images] == [
        *[("lg", "900", "600")] * 2,
        *[("sm", "480", "320")] * 2,
    ]
    assert images[0]["url"] == f"https://charge.example{first.large.url}"
    details = next(
        tags for tags in provider["items"][0]["tags"] if tags["descriptor"]["code"] == "station-details"
    )
    alts = [tag["value"] for tag in details["list"] if tag["descriptor"]["code"] == "photo-alt"]
    assert alts == ["In front", "Behind"]


def test_a_station_without_photos_says_nothing_of_them(station, search):
    (provider,) = search(near())
    assert "images" not in provider["locations"][0]["descriptor"]
    assert "photo-alt" not in str(provider)


def test_a_link_of_an_imported_file_travels_as_it_is(station, search):
    StationPhoto.objects.create(station=station, alt="From the map", link="https://maps.example/1.jpg")
    (provider,) = search(near())
    images = provider["locations"][0]["descriptor"]["images"]
    assert images == [
        {"url": "https://maps.example/1.jpg", "size_type": "lg"},
        {"url": "https://maps.example/1.jpg", "size_type": "sm"},
    ]


def test_a_new_station_may_come_with_its_photo(manager, station):
    inline = {"photos-TOTAL_FORMS": "1", "photos-INITIAL_FORMS": "0", "photos-0-position": "0"}
    photo = {"photos-0-upload": upload(picture()), "photos-0-alt": "Brand new"}
    form = station_form(station, name="Second Hub", operator=station.operator_id) | inline | photo
    assert manager.post(reverse("admin:catalog_station_add"), form).status_code == 302
    assert StationPhoto.objects.get().station.name == "Second Hub"


def test_an_administrator_uploads_for_everybody(admin_client, station):
    said = {"photos-0-upload": upload(picture()), "photos-0-alt": "The posts"}
    assert send(admin_client, station, **said).status_code == 302
    assert send(admin_client, station, **{"photos-0-DELETE": "on"}).status_code == 302
    assert not station.photos.exists()
