"""Words that wait for a look, for support; what was said of an operator's charges, for its own people (law 11)."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import SupportLevel, support_level
from apps.lib import wiring
from apps.lib.errors import Refused
from apps.ratings import moderation, rules, selectors
from apps.ratings.models import (
    Categories,
    FeedbackForm,
    FeedbackFormEvent,
    GivenRating,
    RatingEvent,
    ReceivedFeedback,
    ReceivedRating,
    WordsReport,
)
from apps.ratings.states import WAITING


def _is_support(request: HttpRequest) -> bool:
    """Asked for every row and menu, looked up once."""
    if not hasattr(request, "_ratings_support"):
        request._ratings_support = support_level(request.user) > SupportLevel.NONE
    return request._ratings_support


def _operator(request: HttpRequest) -> str:
    """Code of the operator that the visitor works for. Operators are a room of the other wing: asked by wiring."""
    if not hasattr(request, "_ratings_operator"):
        job = wiring.handler("EVENTS", "staff.job")
        found = job(request.user) if job else None
        request._ratings_operator = found[0] if found else ""
    return request._ratings_operator


class ReadOnly:
    """Nobody edits it; support sees it."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return _is_support(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_support_permission(self, request: HttpRequest) -> bool:
        return _is_support(request)


# --- Words of our drivers ---------------------------------------------------------------------------------


class ReasonBar(ActionForm):
    reason = forms.CharField(required=False, max_length=300, label=_("Reason"))


class Waits(admin.SimpleListFilter):
    title = _("queue")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("all", _("All ratings"))]

    def choices(self, changelist: Any) -> list[dict[str, Any]]:
        """Without a choice the queue is shown: a queue is what one comes for."""
        first, *others = super().choices(changelist)
        return [{**first, "display": _("Wait for a look")}, *others]

    def queryset(self, request: HttpRequest, rows: QuerySet[GivenRating]) -> QuerySet[GivenRating]:
        if self.value() == "all" or request.resolver_match.url_name.endswith("_change"):
            return rows
        return rows.filter(state__in=WAITING)


class Events(ReadOnly, admin.TabularInline):
    model = RatingEvent
    fields = readonly_fields = ["at", "was", "now", "by", "words", "why"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RatingEvent]:
        return super().get_queryset(request).select_related("by")


class Reports(ReadOnly, admin.TabularInline):
    model = WordsReport
    fields = readonly_fields = ["at", "reader", "why"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WordsReport]:
        return super().get_queryset(request).select_related("reader")


@admin.register(GivenRating)
class GivenRatingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["told_words", "waits", "said"]
    list_display_links = ["told_words"]
    list_filter = [Waits, "state", "did_work"]
    list_select_related = ["order"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["order__code", "words", "order__station_name"]
    exclude = ["code"]
    action_form = ReasonBar
    actions = ["approve", "hide"]
    inlines = [Reports, Events]

    class Media:
        css = {"all": ["css/moderation.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[GivenRating]:
        return super().get_queryset(request).annotate(reports_count=Count("reports"))

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """What is due first comes first."""
        return ["-given_at"] if request.GET.get("waits") == "all" else ["decide_until", "pk"]

    @admin.display(description=_("said"), ordering="given_at")
    def said(self, rating: GivenRating) -> str:
        worked = _("it worked") if rating.did_work else _("it did not work")
        place = f"{rating.order.station_name}, {rating.order.provider_name}"
        return format_html(
            "{} ★, {}<br>{}<br>{}", rating.stars, worked, place, f"{rating.given_at:%Y-%m-%d %H:%M} UTC"
        )

    @admin.display(description=_("words"))
    def told_words(self, rating: GivenRating) -> str:
        return format_html('<span class="told-words">{}</span>', rating.words or "–")

    @admin.display(description=_("state"), ordering="decide_until")
    def waits(self, rating: GivenRating) -> str:
        """The state of the words, why they wait and until when."""
        if not rating.words:
            return "–"
        until = f"{rating.decide_until:%Y-%m-%d}" if rating.decide_until else ""
        told = [str(rating.get_state_display()), *self._objections(rating), until]
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in told if line))

    def _objections(self, rating: GivenRating) -> list[str]:
        doubts = [str(rules.DOUBTS.get(key, key)) for key in rating.doubts]
        reports = rating.reports_count
        said = ngettext("{count} reader", "{count} readers", reports).format(count=reports) if reports else ""
        return [*doubts, said]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = (
            gettext("All ratings")
            if request.GET.get("waits") == "all"
            else gettext("Words that wait for a look")
        )
        return super().changelist_view(request, {**(extra_context or {}), "title": title})

    @admin.action(description=_("Show the words"), permissions=["support"])
    def approve(self, request: HttpRequest, rows: QuerySet[GivenRating]) -> None:
        why = request.POST.get("reason", "")
        self._decide(request, rows, lambda row: moderation.approve(row, by=request.user, why=why))

    @admin.action(description=_("Hide the words, with a reason"), permissions=["support"])
    def hide(self, request: HttpRequest, rows: QuerySet[GivenRating]) -> None:
        why = request.POST.get("reason", "")
        self._decide(request, rows, lambda row: moderation.hide(row, by=request.user, why=why))

    def _decide(
        self, request: HttpRequest, rows: QuerySet[GivenRating], decide: Callable[[GivenRating], None]
    ) -> None:
        for row in rows.select_related("order"):
            try:
                decide(row)
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {row.get_state_display()}")


class FormEvents(ReadOnly, admin.TabularInline):
    model = FeedbackFormEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


@admin.register(FeedbackForm)
class FeedbackFormAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["found_at", "url", "state", "submission_id", "last_error"]
    list_filter = ["state"]
    raw_id_fields = ["rating"]
    inlines = [FormEvents]


@admin.register(Categories)
class CategoriesAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["bpp_id", "names", "asked_at", "heard_at"]


# --- What an operator's people read -----------------------------------------------------------------------


class OfOperator(ReadOnly):
    """Support sees all, an operator's people what is their operator's, everybody else nothing."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if _is_support(request):
            return True
        own = _operator(request)
        return bool(own) and (obj is None or obj.operator_code == own)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows if _is_support(request) else rows.filter(operator_code=_operator(request) or None)


@admin.register(ReceivedRating)
class ReceivedRatingAdmin(OfOperator, admin.ModelAdmin):
    list_display = ["received_at", "station_name", "category", "rated_id", "value", "order_id", "bap_id"]
    list_filter = ["category", "value"]
    search_fields = ["rated_id", "order_id", "bap_id", "station_name"]
    date_hierarchy = "received_at"
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """The mean stands in the title, with its count."""
        said = selectors.received_of(self.get_queryset(request))
        words = ngettext("{count} charge was rated", "{count} charges were rated", said.count)
        title = words.format(count=said.count)
        if said.stars is not None:
            title = gettext("{stars} of 5 from {count} charges").format(stars=said.stars, count=said.count)
        return super().changelist_view(request, {**(extra_context or {}), "title": title})


@admin.register(ReceivedFeedback)
class ReceivedFeedbackAdmin(OfOperator, admin.ModelAdmin):
    list_display = ["received_at", "station_name", "again", "better", "order_id", "bap_id", "by_app"]
    list_filter = ["again", "by_app"]
    search_fields = ["order_id", "better", "station_name"]
    date_hierarchy = "received_at"
    show_full_result_count = False
