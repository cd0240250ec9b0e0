from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.beckn.models import Side
from apps.beckn.participant import RegistrySilent
from apps.beckn.signing import AuthError
from apps.beckn.verification import signer_of
from apps.lib.htmx import HtmxRequest
from apps.orders.selectors import order_for
from apps.ratings import categories, feedback, moderation, own_form, panel, selectors, services
from apps.ratings.forms import OwnForm, QuestionsForm, RatingForm, ReportWordsForm
from apps.ratings.questions import Question


@login_required
@require_http_methods(["GET", "POST"])
def rate(request: HtmxRequest, code: UUID) -> HttpResponse:
    order = order_for(request.user, code)
    if request.method == "GET":
        return render(request, "ratings/rate.html", panel.shown(order))
    form = RatingForm(request.POST, categories=categories.asked_of(order))
    if not form.is_valid():
        return render(request, "ratings/rate.html", panel.shown(order, form), status=422)
    rating = services.rate(order, services.Said(**form.said()))
    said = _("Thank you. Your rating was sent to the operator.")
    if rating.words and rating.state == rating.State.HELD:
        said = _("Thank you. Your stars count at once; somebody looks at your words before others read them.")
    messages.success(request, said)
    return redirect(order)


@login_required
@require_http_methods(["GET", "POST"])
def answer_form(request: HtmxRequest, code: UUID) -> HttpResponse:
    """The operator's own questions, asked by us."""
    order = order_for(request.user, code)
    more = panel.shown(order)["more"]
    if more is None or not more["may_answer"]:
        return redirect(order)
    questions = [Question.read(raw) for raw in more["form"].questions]
    form = QuestionsForm(request.POST if request.method == "POST" else None, questions=questions)
    if request.method == "POST" and form.is_valid():
        feedback.answer(more["form"], form.answers())
        messages.success(request, _("Thank you. Your answers go to the operator."))
        return redirect(order)
    status = 422 if request.method == "POST" else 200
    context = {"order": order, "form": form, "host": more["host"]}
    return render(request, "ratings/questions.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def report_words(request: HtmxRequest, code: UUID) -> HttpResponse:
    """A reader objects to what a driver wrote."""
    rating = selectors.shown_words(code)
    if rating is None:
        raise Http404
    form = ReportWordsForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        moderation.report(rating, reader=request.user, why=form.cleaned_data["why"])
        messages.success(request, _("Thank you. Our support looks at these words."))
        return redirect("home")
    status = 422 if request.method == "POST" else 200
    return render(request, "ratings/report.html", {"rating": rating, "form": form}, status=status)


@csrf_exempt  # an app posts without our cookie; the address is the right to answer
@never_cache
@require_http_methods(["GET", "POST"])
def answer_own_form(request: HttpRequest, token: str) -> HttpResponse:
    """What our operators ask of drivers of any app: a page for people, and by its form also for apps (BECKN-007)."""
    deal = own_form.read(token)
    if deal is None:
        raise Http404
    bap_id, transaction_id, order = deal
    try:
        by_app = _is_signed_by(request, bap_id)
    except AuthError as fault:
        return JsonResponse({"status": "FAILURE", "errors": [{"message": fault.text}]}, status=401)
    except RegistrySilent as fault:
        return JsonResponse({"status": "FAILURE", "errors": [{"message": str(fault)}]}, status=503)
    known = own_form.feedback_of(bap_id, transaction_id)
    form = OwnForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        known = own_form.take(
            bap_id=bap_id, transaction_id=transaction_id, order=order, by_app=by_app, **form.cleaned_data
        )
    wrong = request.method == "POST" and not form.is_valid()
    if by_app:
        return _told_app(form, known, wrong=wrong)
    context = {"form": form, "is_taken": known is not None, "station": order["station_name"]}
    return render(request, "ratings/own_form.html", context, status=422 if wrong else 200)


def _is_signed_by(request: HttpRequest, bap_id: str) -> bool:
    """False for a person at the link. Raises AuthError for a signature that is not the app's."""
    if request.method != "POST" or "Authorization" not in request.headers:
        return False
    headers = {name.lower(): value for name, value in request.headers.items()}
    if signer_of(request.body, headers, Side.BPP) != bap_id:
        raise AuthError("identity", "this is not the app of the order")
    return True


def _told_app(form: OwnForm, known: object, *, wrong: bool) -> JsonResponse:
    if wrong:
        errors = [{"path": name, "message": " ".join(told)} for name, told in form.errors.items()]
        return JsonResponse({"status": "FAILURE", "errors": errors})
    return JsonResponse({"status": "SUCCESS", "submission_id": str(known.submission_id), "errors": []})
