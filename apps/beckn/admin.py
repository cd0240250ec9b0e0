"""The message log and the registry, for administrators. Messages are only read; states change through services."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from apps.beckn import delivery, explain, registry, selectors
from apps.beckn.models import Attempt, Message, Subscriber, SubscriberEvent
from apps.lib import clock
from apps.lib.errors import Refused


class ReadOnly:
    """Nobody adds, changes or deletes here; who may view may view."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _to_copy(text: str) -> str:
    """Exact text in a box that wraps long lines and is copied as a whole."""
    return format_html('<textarea readonly class="vLargeTextField" rows="8" cols="80">{}</textarea>', text)


class AttemptInline(ReadOnly, admin.TabularInline):
    model = Attempt
    extra = 0
    fields = ("number", "at", "duration_ms", "http_status", "answer", "error")


class VerbFilter(admin.SimpleListFilter):
    """From the list of verbs: asking the log for its distinct actions would read all of it."""

    title = _("verb")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(verb, verb) for verb in explain.VERBS]

    def queryset(self, request: HttpRequest, rows: QuerySet[Message]) -> QuerySet[Message]:
        return rows.filter(action=self.value()) if self.value() else rows


@admin.register(Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("at", "direction", "action", "peer_id", "state", "took", "in_transaction")
    list_filter = ("direction", "side", "state", VerbFilter)
    search_fields = ("transaction_id", "message_id", "peer_id", "action", "state")
    search_help_text = _("Transaction id, message id, peer, action or state")
    list_per_page = 50
    show_full_result_count = False
    inlines = (AttemptInline,)
    actions = ("try_again",)
    fieldsets = (
        (None, {"fields": ("action", "meaning", "state", "outcome", "whole_transaction", "answered")}),
        (
            _("Who and what"),
            {"fields": ("side", "direction", "transaction_id", "message_id", "peer_id", "gateway_id")},
        ),
        (_("Addresses"), {"fields": ("bap_id", "bap_uri", "bpp_id", "bpp_uri")}),
        (
            _("Timing"),
            {"fields": ("times", "took", "tries")},
        ),
        (_("Content"), {"fields": ("readable_body", "raw_body", "digest", "readable_headers")}),
    )
    readonly_fields = (
        "meaning", "times", "outcome", "answered", "took", "whole_transaction",
        "raw_body", "readable_body", "readable_headers",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        rows = super().get_queryset(request)
        one = request.resolver_match and request.resolver_match.kwargs.get("object_id")
        return rows.select_related("answers") if one else rows.defer("body", "headers")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        return selectors.find_messages(queryset, search_term), False

    def get_urls(self) -> list:
        whole = path(
            "transaction/<uuid:transaction_id>/",
            self.admin_site.admin_view(self.transaction),
            name="beckn_transaction",
        )
        return [whole, *super().get_urls()]

    def transaction(self, request: HttpRequest, transaction_id: UUID) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        steps = selectors.timeline(transaction_id)
        if not steps:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": _("The whole transaction"),
            "subtitle": transaction_id,
            "opts": self.opts,
            "steps": steps,
            "states": explain.STATES,
        }
        return TemplateResponse(request, "admin/beckn/transaction.html", context)

    # --- Columns ---
    @admin.display(description=_("when (UTC)"), ordering="created_at")
    def at(self, message: Message) -> str:
        return f"{message.created_at:%Y-%m-%d %H:%M:%S}.{message.created_at.microsecond // 1000:03}"

    @admin.display(description=_("transaction"))
    def in_transaction(self, message: Message) -> str:
        url = reverse("admin:beckn_transaction", args=[message.transaction_id])
        return format_html('<a href="{}">{}…</a>', url, str(message.transaction_id)[:8])

    @admin.display(description=_("times (UTC)"))
    def times(self, message: Message) -> str:
        known = {
            _("queued") if message.is_outgoing else _("received"): message.created_at,
            _("first try"): message.started_at,
            _("finished"): message.finished_at,
            _("too late after"): message.expires_at,
        }
        lines = ((name, clock.utc_text(at)) for name, at in known.items() if at)
        return format_html_join(mark_safe("<br>"), "{}: {}", lines)

    @admin.display(description=_("whole transaction"))
    def whole_transaction(self, message: Message) -> str:
        url = reverse("admin:beckn_transaction", args=[message.transaction_id])
        return format_html('<a href="{}">{}</a>', url, message.transaction_id)

    @admin.display(description=_("took"))
    def took(self, message: Message) -> str:
        if message.finished_at is None:
            return "–"
        return f"{(message.finished_at - message.created_at).total_seconds() * 1000:.0f} ms"

    @admin.display(description=_("meaning"))
    def meaning(self, message: Message) -> str:
        return explain.verb(message.action)

    @admin.display(description=_("outcome"))
    def outcome(self, message: Message) -> str:
        return f"{explain.STATES[message.state]} {message.error_code} {message.error_message}".strip()

    @admin.display(description=_("answers"))
    def answered(self, message: Message) -> str:
        if message.answers is None:
            return "–"
        url = reverse("admin:beckn_message_change", args=[message.answers_id])
        return format_html('<a href="{}">{}</a>', url, message.answers)

    @admin.display(description=_("body, as signed"))
    def raw_body(self, message: Message) -> str:
        return _to_copy(bytes(message.body).decode("utf-8", "replace"))

    @admin.display(description=_("body, for reading"))
    def readable_body(self, message: Message) -> str:
        return format_html("<pre>{}</pre>", selectors.pretty(bytes(message.body)))

    @admin.display(description=_("headers"))
    def readable_headers(self, message: Message) -> str:
        return _to_copy("\n".join(f"{name}: {text}" for name, text in message.headers.items()))

    # --- Actions ---
    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("beckn.change_message")

    @admin.action(description=_("Try again (given up or failed)"), permissions=["retry"])
    def try_again(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        for message in rows:
            try:
                delivery.retry(message)
            except Refused as refusal:
                self.message_user(request, f"{message}: {refusal.message}", messages.WARNING)
            else:
                self.message_user(request, _("%(message)s is tried again.") % {"message": message})


class SubscriberForm(forms.ModelForm):
    class Meta:
        model = Subscriber
        fields = (
            "subscriber_id",
            "type",
            "url",
            "domain",
            "key_id",
            "signing_public_key",
            "encryption_public_key",
            "valid_from",
            "valid_until",
        )

    def clean(self) -> dict[str, Any]:
        words = super().clean()
        named = {name: words.get(name, getattr(self.instance, name)) for name in ("subscriber_id", "key_id")}
        key = words.get("signing_public_key", self.instance.signing_public_key)
        try:
            registry.check_words(
                **named,
                url=words.get("url", ""),
                public_key=key,
                encryption_public_key=words.get("encryption_public_key", ""),
            )
        except Refused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        return words


def registry_words(words: dict[str, Any]) -> dict[str, Any]:
    """The fields of the form under the names of the service."""
    return {"public_key" if name == "signing_public_key" else name: word for name, word in words.items()}


class SubscriberEventInline(ReadOnly, admin.TabularInline):
    model = SubscriberEvent
    extra = 0
    fields = readonly_fields = ("at", "was", "now", "why")


@admin.register(Subscriber)
class SubscriberAdmin(admin.ModelAdmin):
    form = SubscriberForm
    list_display = ("subscriber_id", "type", "key_id", "state", "url", "valid_until")
    list_filter = ("type", "state", "domain")
    search_fields = ("subscriber_id", "url", "key_id")
    inlines = (SubscriberEventInline,)
    actions = ("admit", "revoke")

    def get_readonly_fields(self, request: HttpRequest, obj: Subscriber | None = None) -> tuple[str, ...]:
        """A key is what it is: another key is another row."""
        return ("subscriber_id", "key_id", "signing_public_key", "type", "state") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # revoke it: the log must stay readable

    def save_model(self, request: HttpRequest, obj: Subscriber, form: SubscriberForm, change: bool) -> None:
        if change:
            registry.change_subscriber(obj, fields=form.changed_data)
        else:
            row = registry.add_subscriber(why=f"added by {request.user}", **registry_words(form.cleaned_data))
            obj.pk, obj.state = row.pk, row.state

    @admin.action(description=_("Admit"), permissions=["change"])
    def admit(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> None:
        self._each(request, rows, registry.admit)

    @admin.action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> None:
        self._each(request, rows, registry.revoke)

    def _each(self, request: HttpRequest, rows: QuerySet[Subscriber], service: Any) -> None:
        for row in rows:
            try:
                service(row, why=f"by {request.user}")
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal.message}", messages.WARNING)
