"""Who works for an operator sees that operator's rows only, and their role decides what they may do."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from apps.catalog.models import Staff
from apps.catalog.selectors import OWNER, rows_for, staff_for


class OfOneOperator:
    """Mixin: rows, choices and rights of the operator that the visitor works for."""

    managers_may_add = False
    managers_may_change = False

    def _job(self, request: HttpRequest) -> Staff | None:
        if not hasattr(request, "_catalog_job"):
            request._catalog_job = staff_for(request.user)
        return request._catalog_job

    def _allowed(self, request: HttpRequest, verb: str, by_role: bool, obj: Model | None = None) -> bool:
        if request.user.is_superuser or self._job(request) is None:
            more = () if verb == "add" and isinstance(self, admin.ModelAdmin) else (obj,)
            return getattr(super(), f"has_{verb}_permission")(request, *more)
        return by_role

    def _is_manager(self, request: HttpRequest) -> bool:
        job = self._job(request)
        return job is not None and job.role == Staff.Role.MANAGER

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._job(request) is not None or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allowed(request, "view", True)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allowed(request, "add", self.managers_may_add and self._is_manager(request))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._allowed(request, "change", self.managers_may_change and self._is_manager(request))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # deals point at these rows: they are unpublished, not deleted

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        job = self._job(request)
        scoped = job is not None and not request.user.is_superuser
        return rows.filter(**{OWNER[self.model]: job.operator_id}) if scoped else rows

    def formfield_for_foreignkey(self, db_field, request: HttpRequest, **kwargs: Any):
        target = db_field.remote_field.model
        if target in OWNER and self._job(request) and not request.user.is_superuser:
            kwargs["queryset"] = rows_for(request.user, target)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        self._check_row(request, object_id)
        return super().history_view(request, object_id, *args, **kwargs)

    def history_form_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        self._check_row(request, object_id)
        return super().history_form_view(request, object_id, *args, **kwargs)

    def _check_row(self, request: HttpRequest, object_id: str) -> None:
        """The history app looks rows up by itself, past get_queryset."""
        if not self.get_queryset(request).filter(pk=unquote(object_id)).exists():
            raise Http404


class SeenByStaff:
    """Mixin: who works for an operator may look. Which rows there are for them, the queryset of the admin says."""

    _job = OfOneOperator._job

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._job(request) is not None or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._job(request) is not None or super().has_view_permission(request, obj)
