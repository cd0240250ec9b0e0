"""The PDF of a receipt says what its page says, and nobody else can take it; invoices and credit notes likewise."""

import re
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.accounts.guest_links import link_for
from apps.accounts.models import User
from apps.orders import papers
from apps.orders.models import Order
from apps.payments import refunds
from tests.lib.test_paper import glyphs_of, read, text_of
from tests.orders.test_receipt import document, page, tell_documents

LINES = {
    "line_title": ["energy-cost", "service-charge", "gst"],
    "line_amount": ["296.00", "10.00", "55.08"],
}


@pytest.fixture
def settled(stage):
    stage.until("SETTLED")
    return stage


def address(stage, name: str = "receipt_pdf", *more) -> str:
    return reverse(f"orders:{name}", args=[stage.order.code, *more])


def pdf(stage, name: str = "receipt_pdf", *more) -> bytes:
    answer = stage.client().get(address(stage, name, *more))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return answer.content


def squeezed(text: str) -> str:
    """Without what only sets text: spaces, breaks, and marks between."""
    return re.sub(r"[\s·\u200b]", "", text)


def said_on_the_page(html: str) -> list[str]:
    """Every figure and word in the facts and tables of the page."""
    article = html[html.index("<article") : html.index("</article>")]
    article = re.sub(r'<a class="small no-print".*?</a>|<svg.*?</svg>', "", article, flags=re.S)
    cells = re.findall(
        r"<(?:dt|dd|td|h1|h2|small)\b[^>]*>(.*?)</(?:dt|dd|td|h1|h2|small)>", article, flags=re.S
    )
    parts = [part for cell in cells for part in re.split(r"<[^>]+>", cell)]
    return [unescape(part).strip() for part in parts if part.strip()]


def everything(stage) -> None:
    """Documents, a refund, and whatever else a page may show."""
    Order.objects.filter(pk=stage.order.pk).update(evse_id="IN*SPK*E000107")
    tell_documents(
        stage,
        document(),
        document("CRN-2026-000001", code="credit-note", reverses="INV-2026-000007"),
        document("INV-2026-000008", amount="300.00"),
    )
    refunds.pay_back(
        stage.payment(),
        amount=Decimal("61.08"),
        cause="SERVICE_ISSUE",
        reason="Sorry",
        source="RULE",
        key="x",
    )


def test_the_paper_says_what_the_page_says(settled):
    everything(settled)
    shown, printed = said_on_the_page(page(settled)), squeezed(text_of(pdf(settled)))
    assert len(shown) > 50
    assert [words for words in shown if squeezed(words) not in printed] == []


@pytest.mark.parametrize(
    "words",
    [
        "SparkDock Energy Pvt Ltd",
        "29ABCDE1234F1Z5",
        "Plug A",
        "22 November 2026, 12:00 IST",
        "182.004 kWh",
        "GST 18 %",
        "₹361.08",
        "after ₹61.08 went back to you",
        "INV-2026-000007",
        "credit note, reverses INV-2026-000007",
    ],
)
def test_it_tells(settled, words):
    everything(settled)
    assert squeezed(words) in squeezed(text_of(pdf(settled)))


def test_it_is_the_same_file_until_something_happens(settled):
    first = pdf(settled)
    Order.objects.filter(pk=settled.order.pk).update(poll_at=None)
    assert pdf(settled) == first
    everything(settled)
    assert pdf(settled) != first


def test_it_speaks_the_language_of_its_reader(settled):
    User.objects.update(language="hi")
    with translation.override("hi"):
        file = papers.of_receipt(settled.fresh()).pdf()
    assert read(file).trailer["/Root"]["/Lang"] == "hi"
    assert "रसीद" in read(file).metadata.title
    assert any("\u094d" in glyph and len(glyph) > 2 for glyph in glyphs_of(file))  # joined letters
    assert squeezed("₹361.08") in squeezed(text_of(file))


def test_an_end_that_is_an_estimate_is_marked_on_both(settled):
    assert "estimated" not in text_of(pdf(settled)) + page(settled)
    Order.objects.update(meter_is_estimated=True)
    for text in (text_of(pdf(settled)), page(settled)):
        assert "estimated" in text
        assert "what is in doubt, you do not pay" in " ".join(text.split())


def test_words_of_a_peer_stay_words(settled):
    said = "<script>alert(1)</script> #panic() *x*"
    tell_documents(settled, document(seller_name=said))
    assert squeezed(said) in squeezed(text_of(pdf(settled)))


# --- Who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["receipt_pdf", "document_pdf"])
def test_strangers_get_no_paper(settled, stranger, name):
    tell_documents(settled, document())
    path = address(settled, name, *([1] if name == "document_pdf" else []))
    client = Client()
    assert client.get(path).status_code == 302
    client.force_login(stranger)
    assert client.get(path).status_code == 404


def test_a_guest_takes_it_by_the_link(settled):
    User.objects.update(is_guest=True, contact_email="guest@example.org")
    settled.driver.refresh_from_db()
    client = Client()
    client.get(link_for(settled.driver, path=address(settled)))
    answer = client.get(address(settled))
    assert answer.content.startswith(b"%PDF")
    assert answer["Cache-Control"] == "private, no-store"


def test_before_the_bill_there_is_no_paper(stage):
    stage.until("CHARGING")
    assert stage.client().get(address(stage)).status_code == 404


@pytest.mark.parametrize("number", ["../../etc/passwd", 'a"; x=y', "रसीद", "\r\nSet-Cookie: a=b"])
def test_what_an_operator_calls_its_order_makes_no_other_header(settled, number):
    Order.objects.update(network_order_id=number)
    answer = settled.client().get(address(settled))
    name = re.fullmatch(r'inline; filename="([a-z0-9_-]+\.pdf)"', answer["Content-Disposition"])
    assert name
    assert answer.content.startswith(b"%PDF")


# --- Invoices and credit notes ------------------------------------------------------------------------------------


def test_an_invoice_is_a_paper_with_its_lines(settled):
    tell_documents(settled, document(**LINES))
    text = text_of(pdf(settled, "document_pdf", 1))
    for words in (
        "Invoice INV-2026-000007",
        "SparkDock Energy Pvt Ltd",
        "29ABCDE1234F1Z5",
        "Asha Rao",
        "₹296.00",
    ):
        assert squeezed(words) in squeezed(text)
    assert squeezed("GST 18 %") in squeezed(text)
    assert "not its lines" not in text


def test_a_credit_note_names_what_it_reverses_and_takes_it_back(settled):
    told = document("CRN-1", code="credit-note", reverses="INV-2026-000007", reason="Sorry", **LINES)
    tell_documents(settled, document(**LINES), told)
    text = squeezed(text_of(pdf(settled, "document_pdf", 2)))
    for words in ("Credit note CRN-1", "Reverses in full INV-2026-000007", "−₹361.08", "−₹296.00", "Sorry"):
        assert squeezed(words) in text


@pytest.mark.parametrize(
    "told",
    [{}, {**LINES, "line_amount": ["296.00", "10.00", "55.09"]}, {**LINES, "line_amount": ["a", "b", "c"]}],
)
def test_lines_that_do_not_add_up_are_not_printed(settled, told):
    tell_documents(settled, document(**told))
    text = text_of(pdf(settled, "document_pdf", 1))
    assert "not its lines" in text
    assert "₹296.00" not in text


@pytest.mark.parametrize("place", [0, 2, 99])
def test_there_is_no_other_document(settled, place):
    tell_documents(settled, document())
    assert settled.client().get(address(settled, "document_pdf", place)).status_code == 404


def test_an_amount_with_its_currency_is_a_number(settled):
    tell_documents(settled, document(amount="361.08 INR"))
    assert settled.fresh().documents[0]["amount"] == "361.08"
    assert "₹361.08" in page(settled)


def test_documents_in_another_currency_have_no_sum_with_ours(settled):
    tell_documents(settled, document(), document("INV-9", currency="USD", amount="4.00"))
    text = page(settled)
    assert "$4.00" in text
    assert "Together" not in text
    assert "Together" not in text_of(pdf(settled))
