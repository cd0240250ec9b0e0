"""Photos and PDFs: taken for what they are, never for what they are called, and never run."""

import zipfile
from io import BytesIO
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, PngImagePlugin

from apps.support import files, services
from apps.support.models import Attachment, TicketMessage

PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << >>\n%%EOF\n"
SCRIPT = b"<script>alert(1)</script>"


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **more) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "green").save(out, kind, **more)
    return out.getvalue()


def zip_bomb() -> bytes:
    """Thirty million zeros in thirty thousand bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.jpg", bytes(30_000_000))
    return out.getvalue()


def talking_bomb() -> bytes:
    """A picture of one dot whose comment is thirty million letters, packed."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 30_000_000, zip=True)
    return picture("PNG", (1, 1), pnginfo=info)


def sent(data: bytes, name: str = "photo.jpg", kind: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type=kind)


def checked(data: bytes) -> files.Checked:
    return files.check(BytesIO(data), len(data))


@pytest.mark.parametrize(
    "data, kind",
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (picture("WEBP"), "image/jpeg"),
        (PDF, "application/pdf"),
    ],
)
def test_what_is_a_picture_or_a_pdf_is_taken(data, kind):
    assert checked(data).content_type == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SCRIPT,
        b"MZ\x90\x00" + b"\x00" * 64,
        zip_bomb(),
        talking_bomb(),
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        picture("GIF"),
        picture("JPEG")[:200],  # cut in the middle
        picture("PNG")[:60],
        PDF[:-10],
        PDF.replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"),
        b"x" * (files.LARGEST_BYTES + 1),
    ],
)
def test_everything_else_is_refused(data):
    with pytest.raises(files.NotTaken):
        checked(data)


def test_a_picture_that_explodes_is_refused_before_it_is_drawn():
    bomb = picture("PNG", (9000, 6000))
    assert len(bomb) < files.LARGEST_BYTES
    with pytest.raises(files.NotTaken):
        checked(bomb)


def test_nothing_of_a_picture_but_its_pixels_is_kept():
    exif = Image.Exif()
    exif[0x010E] = "Kasturba Road 7"
    original = picture("JPEG", exif=exif) + SCRIPT
    assert b"Kasturba" in original
    kept = checked(original).data
    assert b"Kasturba" not in kept and b"script" not in kept
    assert Image.open(BytesIO(kept)).size == (64, 48)


def test_a_large_picture_becomes_smaller():
    kept = checked(picture("JPEG", (4000, 1000))).data
    assert Image.open(BytesIO(kept)).size == (2400, 600)


# --- On the pages -------------------------------------------------------------------------------------------


def report(stage, *attached, **more):
    stage.until("CHARGING")
    said = {"what": "plug-broken", "text": "", "press_key": str(uuid4()), "attached": attached, **more}
    return stage.client().post(reverse("support:report_order", args=[stage.order.code]), said)


def test_a_report_brings_its_photos_and_they_come_back_as_downloads(stage):
    answer = report(stage, sent(picture()), sent(PDF, "x.html", "text/html"))
    page = stage.client().get(answer.url).content.decode()
    for file, kind in zip(Attachment.objects.all(), ("image/jpeg", "application/pdf"), strict=True):
        assert file.name in page
        got = stage.client().get(reverse("support:download", args=[file.ticket.code, file.code]))
        assert (got.status_code, got["Content-Type"]) == (200, kind)
        assert got["Content-Disposition"] == f'attachment; filename="{file.name}"'
        assert got["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in got["Content-Security-Policy"]
        assert got.content == bytes(file.data)


@pytest.mark.parametrize(
    "attached",
    [
        [sent(SCRIPT)],
        [sent(SCRIPT, "a.pdf", "application/pdf")],
        [sent(zip_bomb(), "photo.png", "image/png")],
        [sent(picture() + bytes(50_000_000))],
        [sent(picture()) for _number in range(4)],
    ],
    ids=["script", "script as pdf", "archive bomb", "50 MB", "four"],
)
def test_a_file_that_lies_or_is_too_large_and_a_fourth_one_are_sent_back_with_the_words_kept(stage, attached):
    answer = report(stage, *attached, text="Look at this.")
    assert answer.status_code == 422 and "Look at this." in answer.content.decode()
    assert not Attachment.objects.exists()


def test_a_double_click_keeps_the_photo_once(stage):
    key = str(uuid4())
    for _press in range(2):
        report(stage, sent(picture()), press_key=key)
    assert Attachment.objects.count() == 1


def test_a_ticket_keeps_twenty_files(ticket, stage):
    photo = checked(picture())
    for _time in range(files.OF_A_TICKET // 2):
        services.say(ticket, text="x", press_key=uuid4(), author=None, attached=[photo, photo])
    said = {"text": "one more", "press_key": str(uuid4()), "attached": [sent(picture())]}
    assert stage.client().post(f"{ticket.get_absolute_url()}say/", said).status_code == 409
    assert Attachment.objects.count() == files.OF_A_TICKET
    assert not ticket.messages.filter(text="one more").exists()


def test_files_of_others_do_not_exist(ticket, stage, stranger, client, agent, factory):
    services.say(ticket, text="x", press_key=uuid4(), author=None, attached=[checked(picture())])
    file = Attachment.objects.get()
    address = reverse("support:download", args=[ticket.code, file.code])
    desk = reverse("admin:support_ticket_file", args=[ticket.pk, file.code])
    assert client.get(address).status_code == 404
    for user in (stranger, agent(1), factory.make_staff(factory.make_operator())):
        client.force_login(user)
        assert client.get(address).status_code == 404
    assert client.get(desk).status_code == 404  # the staff of an operator
    client.force_login(agent(1))
    assert client.get(desk).status_code == 200
    assert stage.client().get(address.replace(str(file.code), str(uuid4()))).status_code == 404


def test_a_file_of_an_internal_note_is_the_desk_s(ticket, stage):
    services.say(ticket, text="x", press_key=uuid4(), author=None, attached=[checked(picture())])
    TicketMessage.objects.filter(text="x").update(kind=TicketMessage.Kind.INTERNAL)
    file = Attachment.objects.get()
    assert stage.client().get(reverse("support:download", args=[ticket.code, file.code])).status_code == 404
