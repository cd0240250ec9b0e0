"""Money in the admin: looked at by support, paid back by its rules, changed by services only."""

from decimal import Decimal
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import SupportLevel, support_level
from apps.lib import wiring
from apps.lib.errors import Refused
from apps.lib.money import format_money
from apps.payments import refunds
from apps.payments.models import (
    Finding,
    LedgerEntry,
    Payment,
    PaymentEvent,
    Reconciliation,
    Refund,
    RefundEvent,
)


class ReadOnly:
    """Support sees it, nobody edits it."""

    def has_add_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj=None) -> bool:
        return self.has_support_permission(request) or super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_support_permission(self, request: HttpRequest) -> bool:
        if not hasattr(request, "_support_level"):
            request._support_level = support_level(request.user)
        return request._support_level > SupportLevel.NONE


class PaymentEvents(ReadOnly, admin.TabularInline):
    model = PaymentEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class RefundEvents(ReadOnly, admin.TabularInline):
    model = RefundEvent
    fields = readonly_fields = ["at", "was", "now", "why"]


class LedgerLines(ReadOnly, admin.TabularInline):
    model = LedgerEntry
    fields = readonly_fields = ["at", "kind", "amount", "currency"]


class RefundLines(ReadOnly, admin.TabularInline):
    model = Refund
    fields = readonly_fields = ["created_at", "state", "source", "amount", "reason", "decided_by"]


class RaiseForm(forms.Form):
    """A refund raised at the desk; what the figures suggest stands in it already."""

    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.001"), decimal_places=3)
    cause = forms.ChoiceField(label=_("Cause"), choices=Refund.Cause.choices)
    reason = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("The driver reads it."), widget=forms.Textarea
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


@admin.register(Payment)
class PaymentAdmin(ReadOnly, admin.ModelAdmin):
    list_display = [
        "created_at",
        "reference",
        "payer",
        "amount",
        "currency",
        "state",
        "captured_amount",
        "refunded_amount",
        "wish",
        "tries",
        "last_error",
        "pay_back",
    ]
    list_filter = ["state", "wish", "side", "provider"]
    search_fields = ["reference", "code", "provider_ref", "payer__email"]
    list_select_related = ["payer"]
    date_hierarchy = "created_at"
    inlines = [RefundLines, PaymentEvents, LedgerLines]
    readonly_fields = ["pay_back"]

    def get_urls(self) -> list:
        ours = path("<int:pk>/refund/", self.admin_site.admin_view(self.raise_refund), name="payments_raise")
        return [ours, *super().get_urls()]

    @admin.display(description=_("money back"))
    def pay_back(self, payment: Payment) -> str:
        if payment.refundable_amount <= 0:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:payments_raise", args=[payment.pk]), _("Refund…")
        )

    def raise_refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_support_permission(request):
            raise PermissionDenied
        payment = Payment.objects.select_related("payer").filter(pk=pk).first()
        if payment is None:
            raise Http404
        amount, cause, words = wiring.handler("EVENTS", "refund.suggestion")(payment)
        first = {"amount": amount, "cause": cause, "key": uuid4()}
        form = RaiseForm(request.POST or None, initial=first)
        if request.method == "POST" and form.is_valid() and self._raised(request, payment, form):
            return redirect("admin:payments_payment_change", pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Raise a refund"),
            "subtitle": str(payment),
            "opts": self.opts,
            "payment": payment,
            "form": form,
            "most": refunds.open_amount(payment),
            "words": words,
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "admin/payments/raise.html", context, status=status)

    def _raised(self, request: HttpRequest, payment: Payment, form: RaiseForm) -> bool:
        said = form.cleaned_data
        try:
            refund = refunds.request_by_staff(
                payment,
                amount=said["amount"],
                cause=said["cause"],
                reason=said["reason"],
                staff=request.user,
                key=f"staff-{said['key']}",
            )
        except Refused as refusal:
            form.add_error(None, refusal.message)
            return False
        self.log_change(request, payment, f"refund {refund.code}: {refund.amount} {refund.reason}")
        self.message_user(request, gettext("Raised. Somebody else has to approve it."))
        return True


class DecisionBar(admin.helpers.ActionForm):
    """Beside the list of actions."""

    amount = forms.DecimalField(
        label=_("Amount"), required=False, min_value=Decimal("0.001"), decimal_places=3
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=300)


class WaitsFor(admin.SimpleListFilter):
    """What a person has to look at."""

    title = _("waits for")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple]:
        return [
            ("decision", _("a decision")),
            ("bank", _("the bank, beyond the promise")),
            ("failed", _("another way")),
        ]

    def queryset(self, request: HttpRequest, rows: QuerySet[Refund]) -> QuerySet[Refund]:
        if self.value() == "decision":
            return rows.filter(state=Refund.State.REQUESTED)
        if self.value() == "bank":
            return rows.filter(state__in=(Refund.State.APPROVED, Refund.State.SENT), overdue_at__isnull=False)
        return rows.filter(state=Refund.State.FAILED) if self.value() == "failed" else rows


@admin.register(Refund)
class RefundAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["when", "money", "state", "reason", "asked_by", "decided_by", "due"]
    list_filter = [WaitsFor, "state", "source", "cause"]
    search_fields = ["code", "payment__reference", "provider_ref", "payment__payer__email"]
    list_select_related = ["payment", "requested_by", "decided_by"]
    date_hierarchy = "created_at"
    action_form = DecisionBar
    actions = ["approve", "decline"]
    inlines = [RefundEvents]

    @admin.display(description=_("when (UTC)"), ordering="created_at")
    def when(self, refund: Refund) -> str:
        return f"{refund.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description=_("amount"), ordering="amount")
    def money(self, refund: Refund) -> str:
        """What goes back, of what was asked for, and how much of it our figures support."""
        words = format_money(refund.amount, refund.currency)
        if refund.amount != refund.asked_amount:
            words = _("{amount} of {asked}").format(
                amount=words, asked=format_money(refund.asked_amount, refund.currency)
            )
        if refund.state == Refund.State.REQUESTED:
            supported = format_money(refund.supported_amount, refund.currency)
            return format_html("{}<br>{}", words, _("supported: {}").format(supported))
        return words

    @admin.display(description=_("asked by"), ordering="source")
    def asked_by(self, refund: Refund) -> str:
        return str(refund.requested_by or refund.get_source_display())

    @admin.display(description=_("due"))
    def due(self, refund: Refund) -> str:
        """Until when a decision, or the money, is promised; an overdue promise says so."""
        if refund.state == Refund.State.REQUESTED and refund.decide_until:
            return f"{refund.decide_until:%Y-%m-%d}"
        if refund.state in (Refund.State.APPROVED, Refund.State.SENT) and refund.promised_on:
            words = [f"{refund.promised_on:%Y-%m-%d}", *([_("overdue")] if refund.overdue_at else [])]
            return " · ".join(map(str, words))
        return refund.last_error or "–"

    @admin.action(description=_("Approve, all or the amount"), permissions=["support"])
    def approve(self, request: HttpRequest, rows: QuerySet[Refund]) -> None:
        bar = DecisionBar(request.POST)
        bar.fields["action"].choices = [("approve", "")]
        bar.full_clean()  # Django has checked it already
        said = bar.cleaned_data
        self._decide(
            request,
            rows,
            lambda row: refunds.approve(row, by=request.user, amount=said["amount"], why=said["reason"]),
        )

    @admin.action(description=_("Decline, with a reason"), permissions=["support"])
    def decline(self, request: HttpRequest, rows: QuerySet[Refund]) -> None:
        why = request.POST.get("reason", "")
        self._decide(request, rows, lambda row: refunds.decline(row, by=request.user, why=why))

    def _decide(self, request: HttpRequest, rows: QuerySet[Refund], decide) -> None:
        for row in rows.select_related("payment"):
            was = row.state
            try:
                decide(row)
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
                continue
            self.log_change(request, row, f"{was} → {row.state}: {row.amount} {row.decision}")
            self.message_user(request, f"{row}: {row.get_state_display()}")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "payment", "kind", "amount", "currency"]
    list_filter = ["kind"]
    search_fields = ["payment__reference"]
    list_select_related = ["payment"]


class Findings(ReadOnly, admin.TabularInline):
    model = Finding
    fields = readonly_fields = ["kind", "reference", "amount", "currency", "words", "refund"]


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["started_at", "night", "since", "deals", "found", "finished_at"]
    date_hierarchy = "started_at"
    inlines = [Findings]

    @admin.display(description=_("findings"))
    def found(self, row: Reconciliation) -> int:
        return row.findings_count

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reconciliation]:
        return super().get_queryset(request).annotate(findings_count=Count("findings"))


@admin.register(Finding)
class FindingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["reconciliation", "kind", "reference", "amount", "currency", "words", "refund"]
    list_filter = ["kind"]
    search_fields = ["reference", "words"]
    list_select_related = ["reconciliation", "refund__payment"]
