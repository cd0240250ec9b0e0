"""The support desk. Rows and rights come from rights.py, not from Django's permissions; services do the writing."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.accounts.roles import SupportLevel, support_level
from apps.lib import clock
from apps.lib.errors import Refused
from apps.lib.paper.answer import as_pdf
from apps.support import desk_page, forms, pack, queues, rights, selectors, services
from apps.support.clocks import clock_of
from apps.support.downloads import as_download
from apps.support.models import CannedReply, Ticket

Deed = Callable[[Ticket, User, dict[str, Any]], None]


def _assign(ticket: Ticket, by: User, said: dict[str, Any]) -> None:
    person = User.objects.filter(pk=said["to"]).first()
    if person is None:
        raise Refused(_("There is no such person."))
    services.assign(ticket, by=by, to=person)


# Verb in the address → the form that is read, and the service that does it.
DEEDS: dict[str, tuple[type[django_forms.Form], Deed]] = {
    "reply": (forms.ReplyForm, lambda ticket, by, said: services.reply(ticket, by=by, **said)),
    "note": (forms.NoteForm, lambda ticket, by, said: services.add_note(ticket, by=by, **said)),
    "assign": (forms.AssignForm, _assign),
    "priority": (
        forms.PriorityForm,
        lambda ticket, by, said: services.change_priority(ticket, by=by, **said),
    ),
    "operator": (forms.WhyForm, lambda ticket, by, said: services.ask_operator(ticket, by=by, **said)),
    "escalate": (forms.WhyForm, lambda ticket, by, said: services.escalate(ticket, by=by, **said)),
    "merge": (forms.MergeForm, lambda ticket, by, said: services.merge(ticket, by=by, **said)),
}


def _level(request: HttpRequest) -> SupportLevel:
    """Asked by every menu of the admin, looked up once for a page."""
    if not hasattr(request, "_desk_level"):
        request._desk_level = support_level(request.user)
    return request._desk_level


class QueueFilter(admin.SimpleListFilter):
    title = gettext_lazy("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [(name, words) for name, words in queues.NAMES.items() if name != queues.OPEN]

    def choices(self, changelist: Any) -> list[dict[str, Any]]:
        """Without a choice the open ones are shown."""
        first, *others = super().choices(changelist)
        return [{**first, "display": queues.NAMES[queues.OPEN]}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queues.in_queue(queryset, self.value() or queues.OPEN, request.user, clock.now())


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):
    list_display = ["named", "priority", "told_state", "promise", "assignee", "place"]
    list_display_links = ["named"]
    list_filter = [QueueFilter, "priority", "level", "side", "what"]
    list_select_related = ["assignee"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["code", "network_ref", "driver__email", "driver__name", "guest_email", "station_name"]
    search_help_text = gettext_lazy("Number of a ticket or order, person, e-mail address or station")
    ordering = ["priority", "deadline_at", "pk"]

    class Media:
        css = {"all": ["css/desk.css"]}

    # --- Who may come in ---
    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._enters(request)

    def has_view_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return self._enters(request)

    def has_add_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        return False

    def _enters(self, request: HttpRequest) -> bool:
        if not hasattr(request, "_may_enter_desk"):
            is_support = _level(request) > SupportLevel.NONE
            request._may_enter_desk = is_support or rights.job_of(request.user) is not None
        return request._may_enter_desk

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        return rights.tickets_for(request.user).order_by(*self.ordering)

    # --- Columns ---
    @admin.display(description=gettext_lazy("ticket"), ordering="code")
    def named(self, ticket: Ticket) -> str:
        return format_html('<span class="code">{}</span><br>{}', ticket.code, ticket.get_what_display())

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def told_state(self, ticket: Ticket) -> str:
        waits = _("asked the operator") if ticket.waits_for_operator else ticket.get_level_display()
        return format_html("{}<br>{}", ticket.get_state_display(), waits)

    @admin.display(description=gettext_lazy("promise"), ordering="deadline_at")
    def promise(self, ticket: Ticket) -> str:
        told = clock_of(ticket, clock.now())
        due = f" {told.due_at:%d.%m. %H:%M} UTC" if told.due_at else ""
        return format_html('<span class="sla sla--{}">{}</span><br>{}', told.tone, told.words, due)

    @admin.display(description=gettext_lazy("place"), ordering="station_name")
    def place(self, ticket: Ticket) -> str:
        return format_html("{}<br>{}", ticket.station_name, ticket.operator_name)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": _("Tickets")})

    # --- One ticket ---
    def get_urls(self) -> list:
        do = self.admin_site.admin_view(self.do)
        file = self.admin_site.admin_view(self.download)
        export = self.admin_site.admin_view(self.export)
        return [
            path("<int:pk>/do/<slug:verb>/", do, name="support_ticket_do"),
            path("<int:pk>/evidence.pdf", export, name="support_ticket_export"),
            path("<int:pk>/files/<uuid:code>/", file, name="support_ticket_file"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        ticket = self._ticket(request, object_id)
        return self._page(request, ticket, canned=request.GET.get("canned", ""))

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The audit stands on the page itself."""
        return redirect(reverse("admin:support_ticket_change", args=[self._ticket(request, object_id).pk]))

    def do(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ticket = self._ticket(request, str(pk))
        if verb not in DEEDS:
            raise Http404
        form_class, deed = DEEDS[verb]
        form = form_class(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, ticket, status=422, wrong=form, **{f"{verb}_form": form})
        try:
            deed(ticket, request.user, form.cleaned_data)
        except rights.NotYours:
            raise
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
        else:
            self.message_user(request, _("Done."), messages.SUCCESS)
        return redirect("admin:support_ticket_change", pk)

    def download(self, request: HttpRequest, pk: int, code: UUID) -> HttpResponse:
        ticket = self._ticket(request, str(pk))
        return as_download(selectors.attachment_of(ticket, code, is_desk=True))

    def export(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A press of a button, not a link: it leaves a line in the audit."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ticket = self._ticket(request, str(pk))
        return as_pdf(services.export_evidence(ticket, by=request.user), pack.file_name(ticket))

    def _ticket(self, request: HttpRequest, object_id: str) -> Ticket:
        """Law 11: a ticket of another operator is as good as none."""
        rows = rights.tickets_for(request.user).select_related("driver", "order", "assignee", "merged_into")
        ticket = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        if ticket is None:
            raise Http404
        return ticket

    def _page(self, request: HttpRequest, ticket: Ticket, *, status: int = 200, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{ticket.code} · {ticket.get_what_display()}",
            "opts": self.opts,
            "media": self.media,
            **desk_page.context(ticket, request.user, **more),
        }
        return TemplateResponse(request, "admin/support/ticket.html", context, status=status)


@admin.register(CannedReply)
class CannedReplyAdmin(admin.ModelAdmin):
    """Support reads them; grievance officers and administrators write them."""

    list_display = ["name", "is_offered"]
    search_fields = ["name", "text_en", "text_hi"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _level(request) > SupportLevel.NONE

    def has_view_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _level(request) >= SupportLevel.GRIEVANCE_OFFICER

    def has_change_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        return self.has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: CannedReply | None = None) -> bool:
        return self.has_add_permission(request)
