from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.lib import wiring
from apps.lib.paper.answer import as_pdf
from apps.orders import papers, receipt, selectors
from apps.orders.models import Order


@login_required
@require_GET
def receipt_pdf(request: HttpRequest, code: UUID) -> HttpResponse:
    found = _with_receipt(request, code)
    return as_pdf(papers.of_receipt(found), papers.file_name(found))


@login_required
@require_GET
def document_pdf(request: HttpRequest, code: UUID, place: int) -> HttpResponse:
    """An invoice or a credit note: `place` counts from 1, as the page shows them."""
    found = _with_receipt(request, code)
    if not 1 <= place <= len(found.documents):
        raise Http404("no such document")
    number = found.documents[place - 1]["number"]
    return as_pdf(papers.of_document(found, place - 1), papers.file_name(found, number))


@login_required
@require_POST
def send_receipt(request: HttpRequest, code: UUID) -> HttpResponse:
    """Once more by mail, to the address of whoever ordered, and to no other."""
    found = _with_receipt(request, code)
    wiring.announce("receipt.wanted", found)
    messages.success(
        request, _("The receipt is on its way to {address}.").format(address=found.driver.mail_address)
    )
    return redirect("orders:receipt", found.code)


def _with_receipt(request: HttpRequest, code: UUID) -> Order:
    """The driver's own order, or 404; before there is a bill there is no paper either."""
    found = selectors.order_for(request.user, code)
    if not receipt.has_one(found):
        raise Http404("no receipt yet")
    return found
